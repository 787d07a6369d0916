// Causal attention over short walks (Vaswani et al. 2017, §3.2.1).
//
// Layout: keys and values (B·T, d), head h in columns h·e ..< (h+1)·e with e = d / heads. Queries are the rows
// `rows` of the batch in rising order, (Q, d). Probabilities (Q, heads, S) with S = `attentionStride(T)`, zero
// above the diagonal up to the next whole register.
//
// Scores are sums over a head's columns, which are few; lanes go across the keys instead. So each walk's keys
// (and values, on the way back) are transposed once per head, (e, S).

/// Numbers per row of probabilities: T, filled up to whole registers of every variant.
public func attentionStride(_ T: Int) -> Int { (T + 15) / 16 * 16 }

/// Floats of workspace for ``attentionForward`` and ``attentionBackward``.
public func attentionWorkspace(_ T: Int, _ headDim: Int) -> Int { (headDim + 1) * attentionStride(T) }

/// out = softmax(q·kᵀ/√e) · v for each query row and head.
public func attentionForward(
    _ queries: Int, _ T: Int, _ heads: Int, _ headDim: Int, _ rows: UnsafePointer<Int32>,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ probabilities: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>,
    _ work: UnsafeMutablePointer<Float>
) {
    let (d, stride) = (heads * headDim, attentionStride(T))
    let scale = 1 / Float(headDim).squareRoot()
    var first = 0
    while first < queries {
        let walk = Int(rows[first]) / T
        let end = endOfWalk(first, queries, rows, (walk + 1) * T)
        var h = 0
        while h < heads {
            let at = walk * T * d + h * headDim
            transpose(T, headDim, k + at, d, work, stride)
            var i = first
            while i < end {
                let keys = Int(rows[i]) - walk * T + 1
                let (p, own) = (probabilities + (i * heads + h) * stride, i * d + h * headDim)
                columnSums(keys, headDim, q + own, work, stride, p)
                causalSoftmax(keys, scale, p)
                rowSum(keys, headDim, p, v + at, d, out + own)
                i += 1
            }
            h += 1
        }
        first = end
    }
}

/// The way back of ``attentionForward``. dq is written; dk and dv are added to.
public func attentionBackward(
    _ queries: Int, _ T: Int, _ heads: Int, _ headDim: Int, _ rows: UnsafePointer<Int32>,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ probabilities: UnsafePointer<Float>, _ dOut: UnsafePointer<Float>,
    _ dq: UnsafeMutablePointer<Float>, _ dk: UnsafeMutablePointer<Float>, _ dv: UnsafeMutablePointer<Float>,
    _ work: UnsafeMutablePointer<Float>
) {
    let (d, stride) = (heads * headDim, attentionStride(T))
    let scale = 1 / Float(headDim).squareRoot()
    let dScores = work + headDim * stride
    var first = 0
    while first < queries {
        let walk = Int(rows[first]) / T
        let end = endOfWalk(first, queries, rows, (walk + 1) * T)
        var h = 0
        while h < heads {
            let at = walk * T * d + h * headDim
            transpose(T, headDim, v + at, d, work, stride)
            var i = first
            while i < end {
                let keys = Int(rows[i]) - walk * T + 1
                let (p, own) = (probabilities + (i * heads + h) * stride, i * d + h * headDim)
                columnSums(keys, headDim, dOut + own, work, stride, dScores)
                softmaxBackward(keys, scale, p, dScores)
                rowSum(keys, headDim, dScores, k + at, d, dq + own)
                addOuter(keys, headDim, dScores, q + own, dk + at, d)
                addOuter(keys, headDim, p, dOut + own, dv + at, d)
                i += 1
            }
            h += 1
        }
        first = end
    }
}

@inline(__always)
private func endOfWalk(_ first: Int, _ queries: Int, _ rows: UnsafePointer<Int32>, _ bound: Int) -> Int {
    var end = first + 1
    while end < queries && Int(rows[end]) < bound { end += 1 }
    return end
}

/// y (columns, stride) = xᵀ for x (rows, columns), rows `xRow` apart; zeros up to `stride`.
@inline(__always)
private func transpose(
    _ rows: Int, _ columns: Int, _ x: UnsafePointer<Float>, _ xRow: Int, _ y: UnsafeMutablePointer<Float>,
    _ stride: Int
) {
    var j = 0
    while j < columns {
        var (from, to) = (x + j, y + j * stride)
        var row = 0
        while row < rows {
            to.pointee = from.pointee
            from += xRow
            to += 1
            row += 1
        }
        clear(to, stride - rows)
        j += 1
    }
}

/// z[s] = Σ_j x[j] · y[j, s] for s below `keys`, and up to a whole register.
@inline(__always)
private func columnSums(
    _ keys: Int, _ columns: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ stride: Int,
    _ z: UnsafeMutablePointer<Float>
) {
    var s = 0
    while s < keys {
        var (even, odd) = (Lanes(), Lanes())
        var at = y + s
        var j = 0
        while j + 1 < columns {
            even = multiplyAdd(Lanes(repeating: x[j]), load(at), even)
            odd = multiplyAdd(Lanes(repeating: x[j + 1]), load(at + stride), odd)
            at += 2 * stride
            j += 2
        }
        if j < columns { even = multiplyAdd(Lanes(repeating: x[j]), load(at), even) }
        store(even + odd, z + s)
        s += laneCount
    }
}

/// Softmax of `keys` scores times `scale`, in place; zeros up to a whole register.
@inline(__always)
private func causalSoftmax(_ keys: Int, _ scale: Float, _ p: UnsafeMutablePointer<Float>) {
    let last = (keys - 1) / laneCount * laneCount
    let beyond = afterLane(keys - 1 - last)
    // What is beyond is too small to be the largest, whatever the scale.
    let hidden = masked(Lanes(repeating: -3e38), beyond)
    var tops = load(p + last) + hidden
    var s = 0
    while s < last {
        tops = larger(load(p + s), tops)
        s += laneCount
    }
    let top = Lanes(repeating: largest(tops) * scale)
    var sums = Lanes()
    s = 0
    while s < last {
        let e = exponential(load(p + s) * scale - top)
        store(e, p + s)
        sums += e
        s += laneCount
    }
    let e = masked(exponential(load(p + last) * scale - top + hidden), ~beyond)
    let factor = 1 / total(sums + e)
    store(e * factor, p + last)
    s = 0
    while s < last {
        store(load(p + s) * factor, p + s)
        s += laneCount
    }
}

/// Gradient of the scores from that of the probabilities, in place: p · (dp - Σ p·dp) · scale.
@inline(__always)
private func softmaxBackward(
    _ keys: Int, _ scale: Float, _ p: UnsafePointer<Float>, _ dp: UnsafeMutablePointer<Float>
) {
    var sums = Lanes()
    var s = 0
    while s < keys {
        sums = multiplyAdd(load(p + s), load(dp + s), sums)
        s += laneCount
    }
    let mean = total(sums)
    s = 0
    while s < keys {
        store(load(p + s) * (load(dp + s) - mean) * scale, dp + s)
        s += laneCount
    }
}

/// out[j] = Σ_s factors[s] · x[s, j].
@inline(__always)
private func rowSum(
    _ count: Int, _ columns: Int, _ factors: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ xRow: Int,
    _ out: UnsafeMutablePointer<Float>
) {
    var j = 0
    while j + laneCount <= columns {
        var sum = Lanes()
        var s = 0
        while s < count {
            sum = multiplyAdd(Lanes(repeating: factors[s]), load(x + s * xRow + j), sum)
            s += 1
        }
        store(sum, out + j)
        j += laneCount
    }
    #if FUSED
        while j + HalfLanes.scalarCount <= columns {
            var sum = HalfLanes()
            var s = 0
            while s < count {
                sum.addProduct(HalfLanes(repeating: factors[s]), loadHalf(x + s * xRow + j))
                s += 1
            }
            storeHalf(sum, out + j)
            j += HalfLanes.scalarCount
        }
    #endif
    while j < columns {
        var sum: Float = 0
        var s = 0
        while s < count {
            sum += factors[s] * x[s * xRow + j]
            s += 1
        }
        out[j] = sum
        j += 1
    }
}

/// y[s, j] += factors[s] · x[j].
@inline(__always)
private func addOuter(
    _ count: Int, _ columns: Int, _ factors: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>, _ yRow: Int
) {
    var j = 0
    while j + laneCount <= columns {
        let lanes = load(x + j)
        var s = 0
        while s < count {
            let at = y + s * yRow + j
            store(multiplyAdd(Lanes(repeating: factors[s]), lanes, load(at)), at)
            s += 1
        }
        j += laneCount
    }
    #if FUSED
        while j + HalfLanes.scalarCount <= columns {
            let lanes = loadHalf(x + j)
            var s = 0
            while s < count {
                let at = y + s * yRow + j
                storeHalf(loadHalf(at).addingProduct(HalfLanes(repeating: factors[s]), lanes), at)
                s += 1
            }
            j += HalfLanes.scalarCount
        }
    #endif
    while j < columns {
        var s = 0
        while s < count {
            y[s * yRow + j] += factors[s] * x[j]
            s += 1
        }
        j += 1
    }
}

// Causal attention over short walks (Vaswani et al. 2017, §3.2.1). At T ≤ 64 and head widths of
// 8-32 plain loops over contiguous rows are enough.
//
// Layout: keys and values (B·T, d), head h in columns h·e ..< (h+1)·e with e = d / heads. Queries
// are the rows `rows` of the batch, (Q, d). Probabilities (Q, heads, T), zero above the diagonal
// is not written.

/// out = softmax(q·kᵀ/√e) · v for each query row and head.
public func attentionForward(
    _ queries: Int, _ T: Int, _ heads: Int, _ headDim: Int, _ rows: UnsafePointer<Int32>,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ probabilities: UnsafeMutablePointer<Float>, _ out: UnsafeMutablePointer<Float>
) {
    let d = heads * headDim
    let scale = 1 / Float(headDim).squareRoot()
    var i = 0
    while i < queries {
        let row = Int(rows[i])
        let t = row % T
        let start = (row - t) * d
        var h = 0
        while h < heads {
            let p = probabilities + (i * heads + h) * T
            let (query, result) = (q + i * d + h * headDim, out + i * d + h * headDim)
            let (keys, values) = (k + start + h * headDim, v + start + h * headDim)
            var top = -Float.infinity
            var s = 0
            while s <= t {
                p[s] = inner(query, keys + s * d, headDim) * scale
                if p[s] > top { top = p[s] }
                s += 1
            }
            var sum: Float = 0
            s = 0
            while s <= t {
                p[s] = exponential(p[s] - top)
                sum += p[s]
                s += 1
            }
            clear(result, headDim)
            s = 0
            while s <= t {
                p[s] /= sum
                addScaled(p[s], values + s * d, result, headDim)
                s += 1
            }
            h += 1
        }
        i += 1
    }
}

/// The way back of ``attentionForward``. dq is written; dk and dv are added to.
public func attentionBackward(
    _ queries: Int, _ T: Int, _ heads: Int, _ headDim: Int, _ rows: UnsafePointer<Int32>,
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ probabilities: UnsafeMutablePointer<Float>, _ dOut: UnsafePointer<Float>,
    _ dq: UnsafeMutablePointer<Float>, _ dk: UnsafeMutablePointer<Float>, _ dv: UnsafeMutablePointer<Float>
) {
    let d = heads * headDim
    let scale = 1 / Float(headDim).squareRoot()
    var i = 0
    while i < queries {
        let row = Int(rows[i])
        let t = row % T
        var h = 0
        while h < heads {
            let p = probabilities + (i * heads + h) * T
            let (own, other) = (i * d + h * headDim, (row - t) * d + h * headDim)
            // Σ_s p_s·dp_s = dOut·out, needed before any score's gradient.
            var mean: Float = 0
            var s = 0
            while s <= t {
                mean += p[s] * inner(dOut + own, v + other + s * d, headDim)
                s += 1
            }
            clear(dq + own, headDim)
            s = 0
            while s <= t {
                let dp = inner(dOut + own, v + other + s * d, headDim)
                addScaled(p[s], dOut + own, dv + other + s * d, headDim)
                let dScore = p[s] * (dp - mean) * scale
                addScaled(dScore, k + other + s * d, dq + own, headDim)
                addScaled(dScore, q + own, dk + other + s * d, headDim)
                s += 1
            }
            h += 1
        }
        i += 1
    }
}

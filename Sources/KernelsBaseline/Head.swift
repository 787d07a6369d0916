internal import CHints

// The output head with its softmax cross-entropy, fused over blocks of the vocabulary.
//
// A chunk of R asked rows h (R, d) meets the token rows E (V, d) block by block. Logits are kept transposed,
// (block, R): token rows then lie as both products want them and nothing is packed twice, and the softmax runs
// across lanes without a horizontal step. One way through the vocabulary suffices for dh: the sums are kept
// relative to the largest logit so far and rescaled when it grows (Milakov and Gimelshein 2018; Dao et al. 2022).
// What is kept for dE are the exponentials, each relative to the largest logit when its block was done.
//
//   headForward     z = E·hᵀ; top, sum; e = exp(z - top); mixed = Σ e·E
//   headBackward    dE += e · (h · scale·exp(blockTop - top)/sum)
//   headAnswers     loss, dh = mixed·scale/sum - answers; dE -= answers
//
// Where the candidates are a sample, those from `plain` on stand for `weight` candidates each: their exponentials
// count that often.
//
// Label smoothing is linear: ε/V of the sum of all token rows goes to every dh, ε/V of the sum of all h to every
// dE. The first is done here, the second is left to whoever adds up the gradients.

/// Token rows per block.
private let block = 128

/// Exponentials of a chunk that stay in the second-level cache; beyond, what the next block needs is asked for while
/// this one is worked on.
private let cached = 1 << 18

/// Rows of a chunk are filled up to a multiple of this, for every variant.
public let headRowMultiple = 32

/// Floats of workspace for a chunk of `rows` (a multiple of ``headRowMultiple``).
public func headWorkspace(_ rows: Int, _ d: Int) -> Int { rows * d + multiplyScratch }

/// Floats of `tops` for ``headForward``.
public func headTops(_ rows: Int, _ candidates: Int) -> Int { ((candidates + block - 1) / block + 1) * rows }

/// - Parameters:
///   - rows: R, a multiple of ``headRowMultiple`` up to 256; rows beyond those asked are zeros.
///   - plain: the first candidates that stand for themselves alone; the others stand for `weight` each.
///   - h: (R, d).
///   - table: E (candidates, d).
///   - e: (candidates, R), receives exponentials.
///   - tops: (blocks + 1, R), receives the largest logit so far of each block; the last row is the final one.
///   - sums: (R), receives Σ e relative to the final top.
///   - mixed: (R, d), receives Σ e·E, likewise.
///   - columnSum: (d), receives the weighted sum of all token rows; `nil` = not needed.
///   - work: ``headWorkspace`` floats.
public func headForward(
    _ rows: Int, _ d: Int, _ candidates: Int, _ plain: Int, _ weight: Float, _ h: UnsafePointer<Float>,
    _ table: UnsafePointer<Float>, _ e: UnsafeMutablePointer<Float>, _ tops: UnsafeMutablePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>,
    _ mixed: UnsafeMutablePointer<Float>, _ columnSum: UnsafeMutablePointer<Float>?,
    _ work: UnsafeMutablePointer<Float>
) {
    let panels = work
    let scratch = work + rows * d
    var r = 0
    while r < rows {
        pack(h + r * d, 1, d, d, panel, panels + r * d)
        r += panel
    }
    let far = candidates * rows > cached
    fill(tops, rows, -.infinity)
    fill(sums, rows, 0)
    if let columnSum { fill(columnSum, d, 0) }
    var first = 0
    var top = tops
    while first < candidates {
        let count = min(block, candidates - first)
        let (tokens, z) = (table + first * d, e + first * rows)
        let plainHere = min(count, max(0, plain - first))
        // The next block's token rows, a part with each tile of this one.
        let (ahead, aheadCount, steps) = (
            tokens + count * d, far ? min(block, candidates - first - count) * d : 0, rows / panel * block
        )
        let next = first == 0 ? top : top + rows
        r = 0
        while r < rows {
            var i = 0
            while i < count {
                fetch(ahead, aheadCount * (r / panel * block + i) / steps, aheadCount * tileRows / steps)
                let height = min(tileRows, count - i)
                column(
                    height, d, panel, tokens + i * d, d, 1, panels + r * d, panel, z + r + i * rows, rows, false,
                    scratch)
                i += tileRows
            }
            panelExponentials(
                count, plainHere, weight, z + r, rows, top + r, next + r, sums + r, mixed + r * d, d, first > 0)
            r += panel
        }
        multiply(rows, d, count, z, 1, rows, tokens, d, 1, mixed, d, first > 0, scratch)
        if let columnSum {
            sumRows(plainHere, d, 1, tokens, columnSum)
            sumRows(count - plainHere, d, weight, tokens + plainHere * d, columnSum)
        }
        top = next
        first += count
    }
    // After the last block's tops, so that the caller finds them at one place.
    let blocks = (candidates + block - 1) / block
    r = 0
    while r < rows {
        store(load(top + r), tops + blocks * rows + r)
        r += laneCount
    }
}

/// One panel of a block: the new largest logits, e in place of z, and what was summed before rescaled.
@inline(__always)
private func panelExponentials(
    _ count: Int, _ plain: Int, _ weight: Float, _ z: UnsafeMutablePointer<Float>, _ stride: Int,
    _ old: UnsafePointer<Float>, _ new: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
    _ mixed: UnsafeMutablePointer<Float>,
    _ d: Int, _ rescales: Bool
) {
    let (old0, old1) = (load(old), load(old + laneCount))
    let (top0, top1) = panelTops(count, z, stride, old0, old1)
    var (sum0, sum1) = (Lanes(), Lanes())
    if rescales {
        let (shrink0, shrink1) = (exponential(old0 - top0), exponential(old1 - top1))
        sum0 = load(sums) * shrink0
        sum1 = load(sums + laneCount) * shrink1
        rescale(mixed, d, old0, top0, shrink0)
        rescale(mixed + laneCount * d, d, old1, top1, shrink1)
    }
    var i = 0
    var at = z
    while i < plain {
        let (e0, e1) = (exponential(load(at) - top0), exponential(load(at + laneCount) - top1))
        store(e0, at)
        store(e1, at + laneCount)
        sum0 += e0
        sum1 += e1
        at += stride
        i += 1
    }
    while i < count {
        let e0 = exponential(load(at) - top0) * weight
        let e1 = exponential(load(at + laneCount) - top1) * weight
        store(e0, at)
        store(e1, at + laneCount)
        sum0 += e0
        sum1 += e1
        at += stride
        i += 1
    }
    store(sum0, sums)
    store(sum1, sums + laneCount)
    store(top0, new)
    store(top1, new + laneCount)
}

/// The largest logits of a panel and those before it. Two rows at a time: a comparison waits for the one before.
@inline(__always)
private func panelTops(
    _ count: Int, _ z: UnsafePointer<Float>, _ stride: Int, _ old0: Lanes, _ old1: Lanes
) -> (Lanes, Lanes) {
    var (even0, even1, odd0, odd1) = (old0, old1, old0, old1)
    var i = 0
    var at = z
    while i + 1 < count {
        even0 = larger(load(at), even0)
        even1 = larger(load(at + laneCount), even1)
        at += stride
        odd0 = larger(load(at), odd0)
        odd1 = larger(load(at + laneCount), odd1)
        at += stride
        i += 2
    }
    if i < count {
        even0 = larger(load(at), even0)
        even1 = larger(load(at + laneCount), even1)
    }
    return (larger(even0, odd0), larger(even1, odd1))
}

/// Rows of `mixed` whose top has grown.
@inline(__always)
private func rescale(_ mixed: UnsafeMutablePointer<Float>, _ d: Int, _ old: Lanes, _ new: Lanes, _ factors: Lanes) {
    var lane = 0
    while lane < laneCount {
        if new[lane] > old[lane] { scaleRow(d, mixed + lane * d, factors[lane], mixed + lane * d) }
        lane += 1
    }
}

/// dE of all candidates, without the answers and the smoothing.
///
/// - Parameters:
///   - e, tops, sums: from ``headForward``.
///   - asked: rows that count, 1 to R.
///   - scale: 1 / number of counted positions of the whole batch.
///   - dTable: (candidates, d); written, or added to when `adding`.
public func headBackward(
    _ rows: Int, _ asked: Int, _ d: Int, _ candidates: Int, _ h: UnsafePointer<Float>, _ e: UnsafePointer<Float>,
    _ tops: UnsafePointer<Float>, _ sums: UnsafePointer<Float>, _ scale: Float,
    _ dTable: UnsafeMutablePointer<Float>, _ adding: Bool, _ work: UnsafeMutablePointer<Float>
) {
    let far = candidates * rows > cached
    let scaled = work
    let scratch = work + rows * d
    let final = tops + (candidates + block - 1) / block * rows
    var first = 0
    var top = tops
    while first < candidates {
        let count = min(block, candidates - first)
        var r = 0
        while r < asked {
            let factors = exponential(load(top + r) - load(final + r)) * scale / load(sums + r)
            var lane = 0
            while lane < laneCount && r + lane < asked {
                scaleRow(d, h + (r + lane) * d, factors[lane], scaled + (r + lane) * d)
                lane += 1
            }
            r += laneCount
        }
        outer(
            count, far ? min(block, candidates - first - count) : 0, rows, asked, d, e + first * rows, scaled,
            dTable + first * d,
            adding, scratch)
        top += rows
        first += count
    }
}

/// dE of one block, (count, d) = or += e (count, R) · scaled (asked, d).
@inline(__always)
private func outer(
    _ count: Int, _ next: Int, _ rows: Int, _ asked: Int, _ d: Int, _ e: UnsafePointer<Float>,
    _ scaled: UnsafePointer<Float>, _ dTable: UnsafeMutablePointer<Float>, _ adding: Bool,
    _ scratch: UnsafeMutablePointer<Float>
) {
    let edge = scratch + panel * asked
    let steps = (d + panel - 1) / panel * block
    var j = 0
    while j < d {
        let width = min(panel, d - j)
        pack(scaled + j, d, 1, asked, width, scratch)
        var i = 0
        while i < count {
            let step = j / panel * block + i
            fetch(e + count * rows, next * rows * step / steps, next * rows * tileRows / steps)
            fetch(dTable + count * d, next * d * step / steps, next * d * tileRows / steps)
            column(
                min(tileRows, count - i), asked, width, e + i * rows, rows, 1, scratch, panel, dTable + i * d + j, d,
                adding, edge)
            i += tileRows
        }
        j += panel
    }
}

/// Asks for floats `first ..< first + count` from `start` on.
@inline(__always)
private func fetch(_ start: UnsafePointer<Float>, _ first: Int, _ count: Int) {
    var at = first / 16 * 16
    while at < first + count {
        shoal_prefetch(start + at)
        at += 16
    }
}

/// The answers' share of the loss and of both gradients, and dh as a whole.
///
/// - Parameters:
///   - tops: the final ones, (R).
///   - mixed: from ``headForward``; becomes dh.
///   - starts, answers, shares: row i's answers are `starts[i] ..< starts[i + 1]` of the other two; shares add
///     up to 1 in each row. An answer that comes twice counts twice.
///   - uniform: smoothing's share of one candidate that stands for itself, times scale.
///   - columnSum: from ``headForward``; needed when smoothing is above 0.
///   - dTable: added to.
/// - Returns: the sum over rows of -Σ share · log softmax[answer], without the smoothing's share.
public func headAnswers(
    _ asked: Int, _ d: Int, _ h: UnsafePointer<Float>, _ table: UnsafePointer<Float>,
    _ tops: UnsafePointer<Float>, _ sums: UnsafePointer<Float>, _ starts: UnsafePointer<Int32>,
    _ answers: UnsafePointer<Int32>, _ shares: UnsafePointer<Float>, _ smoothing: Float, _ scale: Float,
    _ uniform: Float,
    _ columnSum: UnsafePointer<Float>?, _ mixed: UnsafeMutablePointer<Float>, _ dTable: UnsafeMutablePointer<Float>
) -> Double {
    var loss = 0.0
    var row = 0
    while row < asked {
        let (own, dh) = (h + row * d, mixed + row * d)
        scaleRow(d, dh, scale / sums[row], dh)
        if let columnSum { addScaled(-uniform, columnSum, dh, d) }
        var said: Float = 0
        var i = Int(starts[row])
        while i < Int(starts[row + 1]) {
            let at = Int(answers[i]) * d
            let pull = -(1 - smoothing) * scale * shares[i]
            said += shares[i] * inner(own, table + at, d)
            addScaled(pull, table + at, dh, d)
            addScaled(pull, own, dTable + at, d)
            i += 1
        }
        loss += Double(logarithm(sums[row]) + tops[row] - said)
        row += 1
    }
    return loss
}

/// y = factor · x; x may be y.
@inline(__always)
private func scaleRow(_ d: Int, _ x: UnsafePointer<Float>, _ factor: Float, _ y: UnsafeMutablePointer<Float>) {
    var j = 0
    while j + laneCount <= d {
        store(load(x + j) * factor, y + j)
        j += laneCount
    }
    while j < d {
        y[j] = x[j] * factor
        j += 1
    }
}

@inline(__always)
private func fill(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ value: Float) {
    var i = 0
    while i < count {
        x[i] = value
        i += 1
    }
}

/// Softmax cross-entropy of rows of logits, and its gradient in their place.
///
/// A row has one right answer or several, each with its share of the target's probability. With smoothing ε
/// the target distribution is (1-ε)·share on each answer plus ε/E on every candidate (Szegedy et al. 2016, §7).
/// Gradient = scale · (softmax - target distribution).
///
/// - Parameters:
///   - rows: logits (rows, candidates), `stride` apart; overwritten by the gradient.
///   - starts: rows + 1 offsets; row i's answers are `starts[i] ..< starts[i + 1]` of the next two.
///   - answers: candidates; one that comes twice counts twice.
///   - shares: one per answer, adding up to 1 in each row.
///   - scale: 1 / number of counted positions of the whole batch.
/// - Returns: the sum over rows of -Σ share · log softmax[answer], without the smoothing's share.
public func crossEntropy(
    _ rows: Int, _ candidates: Int, _ logits: UnsafeMutablePointer<Float>, _ stride: Int,
    _ starts: UnsafePointer<Int32>, _ answers: UnsafePointer<Int32>, _ shares: UnsafePointer<Float>,
    _ smoothing: Float, _ scale: Float
) -> Double {
    let uniform = smoothing / Float(candidates) * scale
    var loss = 0.0
    var row = 0
    while row < rows {
        let z = logits + row * stride
        let (first, end) = (Int(starts[row]), Int(starts[row + 1]))
        var asked: Float = 0
        var i = first
        while i < end {
            asked += shares[i] * z[Int(answers[i])]
            i += 1
        }
        let top = peak(z, candidates)
        let sum = exponentials(z, candidates, top)
        loss += Double(logarithm(sum) + top - asked)
        let factor = scale / sum
        let (factors, uniforms) = (Lanes(repeating: factor), Lanes(repeating: uniform))
        var j = 0
        while j + laneCount <= candidates {
            store(load(z + j) * factors - uniforms, z + j)
            j += laneCount
        }
        while j < candidates {
            z[j] = z[j] * factor - uniform
            j += 1
        }
        i = first
        while i < end {
            z[Int(answers[i])] -= (1 - smoothing) * scale * shares[i]
            i += 1
        }
        row += 1
    }
    return loss
}

/// Softmax in place of `count` numbers.
public func softmax(_ count: Int, _ z: UnsafeMutablePointer<Float>) {
    let sum = exponentials(z, count, peak(z, count))
    var j = 0
    while j < count {
        z[j] /= sum
        j += 1
    }
}

@inline(__always)
private func peak(_ z: UnsafePointer<Float>, _ count: Int) -> Float {
    var top = z[0]
    var j = 0
    if count >= laneCount {
        var tops = load(z)
        while j + laneCount <= count {
            let next = load(z + j)
            tops.replace(with: next, where: next .> tops)
            j += laneCount
        }
        top = largest(tops)
    }
    while j < count {
        if z[j] > top { top = z[j] }
        j += 1
    }
    return top
}

/// Replaces z by exp(z - top) and returns the sum.
@inline(__always)
private func exponentials(_ z: UnsafeMutablePointer<Float>, _ count: Int, _ top: Float) -> Float {
    let tops = Lanes(repeating: top)
    var sums = Lanes()
    var j = 0
    while j + laneCount <= count {
        let e = exponential(load(z + j) - tops)
        store(e, z + j)
        sums += e
        j += laneCount
    }
    var sum = total(sums)
    while j < count {
        z[j] = exponential(z[j] - top)
        sum += z[j]
        j += 1
    }
    return sum
}

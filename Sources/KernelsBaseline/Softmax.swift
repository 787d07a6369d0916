/// Softmax in place of `count` numbers.
public func softmax(_ count: Int, _ z: UnsafeMutablePointer<Float>) {
    let sum = exponentials(z, count, peak(z, count))
    let factor = 1 / sum
    var j = 0
    while j + laneCount <= count {
        store(load(z + j) * factor, z + j)
        j += laneCount
    }
    while j < count {
        z[j] *= factor
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
            tops = larger(load(z + j), tops)
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

/// How many of `count` scores are above `bound`, and how many equal it; what is no number is neither.
public func compare(_ count: Int, _ scores: UnsafePointer<Float>, _ bound: Float) -> (above: Int, equal: Int) {
    let bounds = Lanes(repeating: bound)
    var (above, equal) = (Signed(), Signed())
    var j = 0
    while j + laneCount <= count {
        let lanes = load(scores + j)
        // A mask is -1 where it holds.
        above &-= unsafeBitCast(lanes .> bounds, to: Signed.self)
        equal &-= unsafeBitCast(lanes .== bounds, to: Signed.self)
        j += laneCount
    }
    var result = (above: Int(above.wrappedSum()), equal: Int(equal.wrappedSum()))
    while j < count {
        if scores[j] > bound { result.above += 1 }
        if scores[j] == bound { result.equal += 1 }
        j += 1
    }
    return result
}

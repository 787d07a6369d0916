/// x = max(x, 0).
public func reluForward(_ count: Int, _ x: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + laneCount <= count {
        let lanes = load(x + i)
        store(masked(lanes, ~negative(lanes)), x + i)
        i += laneCount
    }
    while i < count {
        if x[i] <= 0 { x[i] = 0 }
        i += 1
    }
}

/// dx = 0 where the forward result `y` is 0.
public func reluBackward(_ count: Int, _ y: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + laneCount <= count {
        // y has no sign, so that 0 - y is negative just where y is above 0.
        store(masked(load(dx + i), negative(0 - load(y + i))), dx + i)
        i += laneCount
    }
    while i < count {
        if y[i] <= 0 { dx[i] = 0 }
        i += 1
    }
}

/// y += x.
public func add(_ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    var i = 0
    while i + laneCount <= count {
        store(load(y + i) + load(x + i), y + i)
        i += laneCount
    }
    while i < count {
        y[i] += x[i]
        i += 1
    }
}

/// Σ x².
public func sumOfSquares(_ count: Int, _ x: UnsafePointer<Float>) -> Double {
    var sum = 0.0
    var i = 0
    while i < count {
        // Blocks, so that long sums keep their low digits.
        let end = min(i + 4096, count)
        var sums = Lanes()
        while i + laneCount <= end {
            let lanes = load(x + i)
            sums = multiplyAdd(lanes, lanes, sums)
            i += laneCount
        }
        var block = total(sums)
        while i < end {
            block += x[i] * x[i]
            i += 1
        }
        sum += Double(block)
    }
    return sum
}

/// Dropout without a stored mask: y = x · scale where the hash of (key, index) is at or above
/// `threshold` · 2^-32 (to 31 bits, so that a sign tells), else 0. The way back is the same call on the gradient. x may be y.
///
/// The hash is the finaliser `lowbias32` (Wellons 2018) of index · golden ratio + key: integers only, so
/// every kernel drops the same elements.
public func dropout(
    _ count: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ key: UInt32, _ threshold: UInt32,
    _ scale: Float
) {
    var index = Words()
    var lane = 0
    while lane < laneCount {
        index[lane] = UInt32(lane) &* 0x9E37_79B1 &+ key
        lane += 1
    }
    let step = Words(repeating: UInt32(laneCount) &* 0x9E37_79B1)
    let half = Words(repeating: threshold >> 1)
    var i = 0
    while i + laneCount <= count {
        let below = unsafeBitCast((scramble(index) &>> 1) &- half, to: Signed.self) &>> 31
        store(masked(load(x + i) * scale, ~below), y + i)
        index &+= step
        i += laneCount
    }
    lane = 0
    let last = scramble(index)
    while i < count {
        y[i] = last[lane] >> 1 >= threshold >> 1 ? x[i] * scale : 0
        lane += 1
        i += 1
    }
}

@inline(__always)
private func scramble(_ words: Words) -> Words {
    var x = words
    x ^= x &>> 16
    x = x &* 0x7FEB_352D
    x ^= x &>> 15
    x = x &* 0x846C_A68B
    return x ^ (x &>> 16)
}

/// y += factor · Σ rows of x, (rows, d).
public func sumRows(
    _ rows: Int, _ d: Int, _ factor: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var row = 0
    while row < rows {
        addScaled(factor, x + row * d, y, d)
        row += 1
    }
}

/// y[i] += factor · x for `rows` rows of width d.
public func addToRows(
    _ rows: Int, _ d: Int, _ factor: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
    var row = 0
    while row < rows {
        addScaled(factor, x, y + row * d, d)
        row += 1
    }
}

// Rows of numbers, for the kernels that go row by row.

/// Σ a·b.
@inline(__always)
func inner(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var j = 0
    var sum: Float = 0
    if count >= laneCount {
        var sums = Lanes()
        while j + laneCount <= count {
            sums = multiplyAdd(load(a + j), load(b + j), sums)
            j += laneCount
        }
        sum = total(sums)
    }
    while j < count {
        sum += a[j] * b[j]
        j += 1
    }
    return sum
}

/// y += factor · x.
@inline(__always)
func addScaled(
    _ factor: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
    let factors = Lanes(repeating: factor)
    var j = 0
    while j + laneCount <= count {
        store(multiplyAdd(factors, load(x + j), load(y + j)), y + j)
        j += laneCount
    }
    while j < count {
        y[j] += factor * x[j]
        j += 1
    }
}

/// x = 0.
@inline(__always)
func clear(_ x: UnsafeMutablePointer<Float>, _ count: Int) {
    var j = 0
    while j < count {
        x[j] = 0
        j += 1
    }
}

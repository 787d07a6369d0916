/// RMSNorm (Zhang and Sennrich 2019): y = γ · x / √(mean(x²) + ε), row by row.
///
/// - Parameters:
///   - x, y: (rows, d).
///   - gain: γ (d).
///   - inverse: receives 1/√(mean(x²) + ε) per row, for the way back.
public func normForward(
    _ rows: Int, _ d: Int, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>, _ epsilon: Float,
    _ y: UnsafeMutablePointer<Float>, _ inverse: UnsafeMutablePointer<Float>
) {
    var row = 0
    while row < rows {
        let (from, to) = (x + row * d, y + row * d)
        let scale = 1 / (dot(from, from, d) / Float(d) + epsilon).squareRoot()
        inverse[row] = scale
        var j = 0
        while j + laneCount <= d {
            store(load(from + j) * scale * load(gain + j), to + j)
            j += laneCount
        }
        while j < d {
            to[j] = from[j] * scale * gain[j]
            j += 1
        }
        row += 1
    }
}

/// The way back of ``normForward``, with its projection term:
/// dx += r·(γ·dy) - x · r³/d · Σ(γ·dy·x) and dγ += Σ dy·x·r, where r is the saved inverse.
///
/// - Parameters:
///   - dy, x, dx: (rows, d); dx is added to.
///   - dGain: dγ (d), added to.
public func normBackward(
    _ rows: Int, _ d: Int, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>,
    _ inverse: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>, _ dGain: UnsafeMutablePointer<Float>
) {
    var row = 0
    while row < rows {
        let (up, input, down) = (dy + row * d, x + row * d, dx + row * d)
        let scale = inverse[row]
        var sums = Lanes()
        var j = 0
        while j + laneCount <= d {
            let weighted = load(up + j) * load(input + j)
            sums = multiplyAdd(weighted, load(gain + j), sums)
            store(multiplyAdd(weighted, Lanes(repeating: scale), load(dGain + j)), dGain + j)
            j += laneCount
        }
        var sum = total(sums)
        while j < d {
            let weighted = up[j] * input[j]
            sum += weighted * gain[j]
            dGain[j] += weighted * scale
            j += 1
        }
        let projection = -scale * scale * scale * sum / Float(d)
        j = 0
        while j + laneCount <= d {
            let direct = multiplyAdd(load(up + j) * load(gain + j), Lanes(repeating: scale), load(down + j))
            store(multiplyAdd(load(input + j), Lanes(repeating: projection), direct), down + j)
            j += laneCount
        }
        while j < d {
            down[j] += up[j] * gain[j] * scale + input[j] * projection
            j += 1
        }
        row += 1
    }
}

@inline(__always)
private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var sums = Lanes()
    var j = 0
    while j + laneCount <= count {
        sums = multiplyAdd(load(a + j), load(b + j), sums)
        j += laneCount
    }
    var sum = total(sums)
    while j < count {
        sum += a[j] * b[j]
        j += 1
    }
    return sum
}

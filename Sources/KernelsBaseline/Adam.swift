/// One step of Adam (Kingma and Ba 2015) with decoupled decay (Loshchilov and Hutter 2019).
///
/// m = β1·m + (1-β1)·g; v = β2·v + (1-β2)·g²; w -= rate·m/(√(v·c2) + ε) + decay·w, where g is
/// the gradient times `gradientScale`, `rate` holds the first bias correction and c2 is 1/(1-β2^t).
public func adam(
    _ count: Int, _ weights: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>, _ gradientScale: Float,
    _ beta1: Float, _ beta2: Float, _ rate: Float, _ secondCorrection: Float, _ epsilon: Float, _ decay: Float
) {
    var i = 0
    while i + laneCount <= count {
        let g = load(gradient + i) * gradientScale
        let m = multiplyAdd(g, Lanes(repeating: 1 - beta1), load(first + i) * beta1)
        let v = multiplyAdd(g * g, Lanes(repeating: 1 - beta2), load(second + i) * beta2)
        let w = load(weights + i)
        let change = m / (squareRoot(v * secondCorrection) + epsilon)
        store(m, first + i)
        store(v, second + i)
        store(w - change * rate - w * decay, weights + i)
        i += laneCount
    }
    while i < count {
        let g = gradient[i] * gradientScale
        first[i] = first[i] * beta1 + g * (1 - beta1)
        second[i] = second[i] * beta2 + g * g * (1 - beta2)
        let change = first[i] / ((second[i] * secondCorrection).squareRoot() + epsilon)
        weights[i] -= change * rate + weights[i] * decay
        i += 1
    }
}

/// √x for x ≥ 0 within 1e-6 relative, by Newton's method on 1/√x; 0 stays 0.
///
/// The standard library's version checks each lane for a negative and calls libm for it.
@inline(__always)
private func squareRoot(_ x: Lanes) -> Lanes {
    let half = x * 0.5
    var y = unsafeBitCast(0x5F37_59DF &- (unsafeBitCast(x, to: Words.self) &>> 1), to: Lanes.self)
    y = y * (1.5 - half * y * y)
    y = y * (1.5 - half * y * y)
    y = y * (1.5 - half * y * y)
    return x * y
}

/// One step of Adam over all arrays of a model: what is the same for each of them.
struct AdamStep {
    let kernels: Kernels
    let options: TrainingOptions
    /// The schedule's rate at this step.
    let rate: Float
    /// Adam's own count, from 1.
    let steps: Int
    /// Below 1 where the gradient is clipped.
    let gradientScale: Float

    /// Moves `weights[range]`.
    func apply(
        _ weights: inout [Float], _ gradient: ConstFloats, _ moments: inout AdamState.Moments, _ range: Range<Int>,
        decays: Bool
    ) {
        let firstCorrection = 1 / (1 - power(Double(options.beta1), steps))
        let secondCorrection = 1 / (1 - power(Double(options.beta2), steps))
        let at = range.lowerBound
        weights.withUnsafeMutableBufferPointer { w in
            moments.first.withUnsafeMutableBufferPointer { first in
                moments.second.withUnsafeMutableBufferPointer { second in
                    kernels.adam(
                        range.count, w.baseAddress! + at, gradient + at, first.baseAddress! + at,
                        second.baseAddress! + at, gradientScale, options.beta1, options.beta2,
                        rate * Float(firstCorrection), Float(secondCorrection), options.epsilon,
                        decays ? rate * options.weightDecay : 0)
                }
            }
        }
    }

    /// base^exponent by squaring: libm's differs between versions.
    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}

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

    /// Moves all weights, each thread a slice. Vectors do not decay.
    func apply(
        _ weights: inout Parameters, _ moments: inout AdamState, _ gradients: Pass.Gradients, _ tensors: [TensorSpec],
        _ shape: ModelShape, _ crew: Crew
    ) {
        let vocabulary = weights.tokens.count / shape.dim
        let count = Slice.count(crew, shape, vocabulary)
        Target.borrowing(&weights.dense, &moments.dense) { dense in
            Target.borrowing(&weights.tokens, &moments.tokens) { tokens in
                crew.run(count) { index in
                    let slice = Slice(index, of: count, shape: shape, vocabulary: vocabulary)
                    for tensor in tensors where tensor.range.overlaps(slice.dense) {
                        let range = tensor.range.clamped(to: slice.dense)
                        move(dense, gradients.dense, range, decays: tensor.rows > 1)
                    }
                    let range = slice.rows.lowerBound * shape.dim..<slice.rows.upperBound * shape.dim
                    move(tokens, gradients.tokens, range, decays: true)
                }
            }
        }
    }

    /// The addresses of one array of weights and its moments.
    private struct Target {
        let weights: Floats
        let first: Floats
        let second: Floats

        static func borrowing(
            _ weights: inout [Float], _ moments: inout AdamState.Moments, _ body: (Target) -> Void
        ) {
            weights.withUnsafeMutableBufferPointer { w in
                moments.first.withUnsafeMutableBufferPointer { first in
                    moments.second.withUnsafeMutableBufferPointer { second in
                        body(
                            Target(weights: w.baseAddress!, first: first.baseAddress!, second: second.baseAddress!))
                    }
                }
            }
        }
    }

    private func move(_ target: Target, _ gradient: ConstFloats, _ range: Range<Int>, decays: Bool) {
        let firstCorrection = 1 / (1 - power(Double(options.beta1), steps))
        let secondCorrection = 1 / (1 - power(Double(options.beta2), steps))
        let at = range.lowerBound
        kernels.adam(
            range.count, target.weights + at, gradient + at, target.first + at, target.second + at, gradientScale,
            options.beta1, options.beta2, rate * Float(firstCorrection), Float(secondCorrection), options.epsilon,
            decays ? rate * options.weightDecay : 0)
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

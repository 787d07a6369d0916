/// The register-blocked matrix product at a size that stays in the caches: what the processor can reach, and so
/// the measure for everything else. It reads no clock; the caller does.
public final class ProductLoad {
    private let kernels: Kernels
    private let operands: [Buffer<Float>]
    private let crew: Crew
    private static let side = 256

    /// - Throws: ``LearningError`` for a kernel this processor lacks or threads outside 1 to 256.
    public init(threads: Int, kernel: KernelVariant = .best) throws(LearningError) {
        try checkSizes(vocabulary: 1, candidates: 1, threads: threads)
        kernels = try Kernels(kernel)
        let count = 3 * ProductLoad.side * ProductLoad.side + Kernels.scratch
        operands = (0..<threads).map { _ in Buffer<Float>(count) }
        crew = Crew(threads)
    }

    /// Multiplies two 256 x 256 matrices `repetitions` times on every thread.
    ///
    /// - Returns: the floating point operations done, a multiply and an add being two.
    public func run(_ repetitions: Int) -> Double {
        let (side, kernels, operands) = (ProductLoad.side, kernels, operands)
        crew.run { thread in
            let (a, square) = (operands[thread].start, side * side)
            for _ in 0..<repetitions {
                kernels.multiply(
                    side, side, side, a, side, 1, a + square, side, 1, a + 2 * square, side, false, a + 3 * square)
            }
        }
        return 2 * Double(side * side * side) * Double(repetitions * operands.count)
    }
}

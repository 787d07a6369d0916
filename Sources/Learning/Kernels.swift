internal import KernelsBaseline

typealias Floats = UnsafeMutablePointer<Float>
typealias ConstFloats = UnsafePointer<Float>
typealias ConstInts = UnsafePointer<Int32>

/// The functions of one kernel build, chosen once. What each does is said at its source in
/// `Sources/KernelsBaseline`.
struct Kernels: Sendable {
    typealias Multiply =
        @Sendable (
            Int, Int, Int, ConstFloats, Int, Int, ConstFloats, Int, Int, Floats, Int, Bool, Floats
        ) -> Void
    typealias CrossEntropy =
        @Sendable (
            Int, Int, Floats, Int, ConstInts, ConstInts, ConstFloats, Float, Float
        ) -> Double
    typealias NormForward = @Sendable (Int, Int, ConstFloats, ConstFloats, Float, Floats, Floats) -> Void
    typealias NormBackward =
        @Sendable (
            Int, Int, ConstFloats, ConstFloats, ConstFloats, ConstFloats, Floats, Floats
        ) -> Void
    typealias AttentionForward =
        @Sendable (
            Int, Int, Int, Int, ConstInts, ConstFloats, ConstFloats, ConstFloats, Floats, Floats
        ) -> Void
    typealias AttentionBackward =
        @Sendable (
            Int, Int, Int, Int, ConstInts, ConstFloats, ConstFloats, ConstFloats, Floats, ConstFloats, Floats, Floats,
            Floats
        ) -> Void
    typealias Dropout = @Sendable (Int, ConstFloats, Floats, UInt32, UInt32, Float) -> Void
    typealias Adam =
        @Sendable (
            Int, Floats, ConstFloats, Floats, Floats, Float, Float, Float, Float, Float, Float, Float
        ) -> Void
    typealias Embed = @Sendable (Int, Int, Int, ConstInts, ConstFloats, ConstFloats, Floats) -> Void
    typealias EmbedBackward = @Sendable (Int, Int, Int, ConstInts, ConstFloats, Floats, Floats) -> Void
    typealias MoveRows = @Sendable (Int, Int, ConstInts, ConstFloats, Floats) -> Void

    let multiply: Multiply
    let crossEntropy: CrossEntropy
    let softmax: @Sendable (Int, Floats) -> Void
    let normForward: NormForward
    let normBackward: NormBackward
    let attentionForward: AttentionForward
    let attentionBackward: AttentionBackward
    let reluForward: @Sendable (Int, Floats) -> Void
    let reluBackward: @Sendable (Int, ConstFloats, Floats) -> Void
    let add: @Sendable (Int, ConstFloats, Floats) -> Void
    let sumOfSquares: @Sendable (Int, ConstFloats) -> Double
    let dropout: Dropout
    let adam: Adam
    let embed: Embed
    let embedBackward: EmbedBackward
    let gather: MoveRows
    let scatterAdd: MoveRows

    /// Floats of aligned scratch that `multiply` needs.
    static let scratch = KernelsBaseline.multiplyScratch
}

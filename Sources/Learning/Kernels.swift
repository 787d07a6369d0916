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
    typealias HeadForward =
        @Sendable (
            Int, Int, Int, Int, Float, ConstFloats, ConstFloats, Floats, Floats, Floats, Floats, Floats?, Floats
        ) -> Void
    typealias HeadBackward =
        @Sendable (
            Int, Int, Int, Int, ConstFloats, ConstFloats, ConstFloats, ConstFloats, Float, Floats, Bool, Floats
        ) -> Void
    typealias HeadAnswers =
        @Sendable (
            Int, Int, ConstFloats, ConstFloats, ConstFloats, ConstFloats, ConstInts, ConstInts, ConstFloats, Float,
            Float, Float, ConstFloats?, Floats, Floats
        ) -> Double
    typealias NormForward = @Sendable (Int, Int, ConstFloats, ConstFloats, Float, Floats, Floats) -> Void
    typealias NormBackward =
        @Sendable (
            Int, Int, ConstFloats, ConstFloats, ConstFloats, ConstFloats, Floats, Floats
        ) -> Void
    typealias AttentionForward =
        @Sendable (
            Int, Int, Int, Int, ConstInts, ConstFloats, ConstFloats, ConstFloats, Floats, Floats, Floats
        ) -> Void
    typealias AttentionBackward =
        @Sendable (
            Int, Int, Int, Int, ConstInts, ConstFloats, ConstFloats, ConstFloats, ConstFloats, ConstFloats, Floats,
            Floats, Floats, Floats
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
    let headForward: HeadForward
    let headBackward: HeadBackward
    let headAnswers: HeadAnswers
    let softmax: @Sendable (Int, Floats) -> Void
    let compare: @Sendable (Int, ConstFloats, Float) -> (above: Int, equal: Int)
    let normForward: NormForward
    let normBackward: NormBackward
    let attentionForward: AttentionForward
    let attentionBackward: AttentionBackward
    let reluForward: @Sendable (Int, Floats) -> Void
    let reluBackward: @Sendable (Int, ConstFloats, Floats) -> Void
    let add: @Sendable (Int, ConstFloats, Floats) -> Void
    let sumOfSquares: @Sendable (Int, ConstFloats) -> Double
    let sumRows: @Sendable (Int, Int, Float, ConstFloats, Floats) -> Void
    let addToRows: @Sendable (Int, Int, Float, ConstFloats, Floats) -> Void
    let dropout: Dropout
    let adam: Adam
    let embed: Embed
    let embedBackward: EmbedBackward
    let rowProducts: @Sendable (Int, Int, ConstFloats, ConstFloats, Floats) -> Void
    let gather: MoveRows
    let scatterAdd: MoveRows

    /// Floats of aligned scratch that `multiply` needs.
    static let scratch = KernelsBaseline.multiplyScratch
    /// Numbers per row of attention's probabilities.
    static let attentionStride: @Sendable (Int) -> Int = KernelsBaseline.attentionStride
    /// Floats of workspace of both directions of attention.
    static let attentionWorkspace: @Sendable (Int, Int) -> Int = KernelsBaseline.attentionWorkspace
    /// Asked rows of one chunk of the head are filled up to a multiple of this.
    static let headRowMultiple = KernelsBaseline.headRowMultiple
    /// Floats of workspace of `headForward` and `headBackward`.
    static let headWorkspace: @Sendable (Int, Int) -> Int = KernelsBaseline.headWorkspace
    /// Floats of the largest logits of a chunk.
    static let headTops: @Sendable (Int, Int) -> Int = KernelsBaseline.headTops
}

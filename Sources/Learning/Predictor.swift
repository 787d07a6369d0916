/// Reads contexts and scores what may come next; no training.
public final class Predictor {
    public let shape: ModelShape
    public let candidates: Int

    /// - Throws: ``LearningError/wrongCount(name:found:expected:)``
    public init(
        shape: ModelShape, parameters: Parameters, candidates: Int, kernel: KernelVariant = .best
    ) throws(LearningError) {
        self.shape = shape
        self.candidates = candidates
    }

    /// Scores of all candidates after `context`, of which the last C tokens are read.
    ///
    /// - Returns: E unnormalised log-probabilities.
    public func logits(context: [Int32]) throws(LearningError) -> [Float] { Array(repeating: 0, count: candidates) }

    /// The `k` most probable next tokens, best first; ties by token index.
    public func topK(_ k: Int, context: [Int32]) throws(LearningError) -> [(token: Int32, probability: Float)] { [] }
}

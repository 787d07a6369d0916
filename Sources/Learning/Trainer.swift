/// Adam's memory of one model. Stays at its site; survives restarts.
public struct AdamState: Hashable, Sendable {
    /// First and second moments of ``Parameters/dense``.
    public var dense: Moments
    /// First and second moments of ``Parameters/tokens``.
    public var tokens: Moments
    /// Steps taken, for the bias correction.
    public var steps: Int

    public struct Moments: Hashable, Sendable {
        public var first: [Float]
        public var second: [Float]
        public init(first: [Float], second: [Float]) {
            self.first = first
            self.second = second
        }
    }

    public init(dense: Moments, tokens: Moments, steps: Int) {
        self.dense = dense
        self.tokens = tokens
        self.steps = steps
    }
}

/// Trains one micro-GPT. Not `Sendable`: one owner at a time.
public final class Trainer {
    public let shape: ModelShape
    public private(set) var vocabulary: Int
    public private(set) var candidates: Int
    public var options: TrainingOptions
    public var parameters: Parameters
    public var adam: AdamState
    /// Position in the schedule and in the stream of dropout masks; +1 per step.
    public var globalStep = 0

    /// - Throws: ``LearningError`` for options or sizes outside their ranges.
    public init(
        shape: ModelShape, vocabulary: Int, candidates: Int, options: TrainingOptions = TrainingOptions(),
        seed: UInt64, threads: Int = 1, kernel: KernelVariant = .best
    ) throws(LearningError) {
        try options.validate()
        self.shape = shape
        self.vocabulary = vocabulary
        self.candidates = candidates
        self.options = options
        parameters = .initial(shape: shape, vocabulary: vocabulary, seed: seed)
        let zeros = Parameters.zeros(shape: shape, vocabulary: vocabulary)
        adam = AdamState(
            dense: .init(first: zeros.dense, second: zeros.dense),
            tokens: .init(first: zeros.tokens, second: zeros.tokens), steps: 0)
    }

    /// Makes room for new tokens.
    ///
    /// - Parameters:
    ///   - rows: for each row of the new vocabulary, the old local index it comes from, or -1 for a
    ///     new row, which starts with zero moments and zero weights (set ``parameters`` next).
    ///   - candidates: the new number of graph nodes.
    public func regrow(rows: [Int32], candidates: Int) throws(LearningError) {
        vocabulary = rows.count
        self.candidates = candidates
    }

    /// One step of Adam on one batch.
    ///
    /// - Returns: the mean loss over the counted positions, before the step, without label smoothing's share.
    @discardableResult
    public func step(_ batch: Batch) throws(LearningError) -> Float { 0 }
}

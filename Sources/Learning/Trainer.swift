/// Trains one micro-GPT. Not `Sendable`: one owner at a time.
///
/// The same seed, options, batches, kernel and number of threads give the same bits. After the first
/// step of a size, a step allocates no memory for numbers.
public final class Trainer {
    public let shape: ModelShape
    public let kernel: KernelVariant
    /// Tokens the model knows, V.
    public private(set) var vocabulary: Int
    /// Graph nodes: the softmax runs over the first E local token indices.
    public private(set) var candidates: Int
    /// May change between steps, within ``TrainingOptions/validate()``.
    public private(set) var options: TrainingOptions
    /// Position in the schedule and in the stream of dropout masks; +1 per step.
    public var globalStep = 0

    private let seed: UInt64
    private let tensors: [TensorSpec]
    private let kernels: Kernels
    private let crew: Crew
    private let shards: [Shard]
    /// Shards that took part in the last pass.
    private var active = 1
    /// Operations that make it worth it to wake a thread.
    var leastWork = 4_000_000
    private let sample = CandidateSample()
    /// Whether the last pass looked at a sample of the candidates.
    private(set) var isSampled = false
    private var weights: Parameters
    private var moments: AdamState

    /// A model at its seeded start.
    ///
    /// - Parameters:
    ///   - vocabulary: 1 to 16,777,216 tokens.
    ///   - candidates: 1 to `vocabulary`.
    ///   - threads: 1 to 256; walks of a batch are divided among them.
    /// - Throws: ``LearningError`` for options or sizes outside their ranges.
    public init(
        shape: ModelShape, vocabulary: Int, candidates: Int, options: TrainingOptions = TrainingOptions(),
        seed: UInt64, threads: Int = 1, kernel: KernelVariant = .best
    ) throws(LearningError) {
        try options.validate()
        try checkSizes(vocabulary: vocabulary, candidates: candidates, threads: threads)
        let kernels = try Kernels(kernel)
        self.shape = shape
        self.kernel = kernel
        self.vocabulary = vocabulary
        self.candidates = candidates
        self.options = options
        self.seed = seed
        tensors = shape.tensors
        self.kernels = kernels
        crew = Crew(threads)
        shards = (0..<threads).map { _ in Shard(shape: shape, kernels: kernels) }
        weights = .initial(shape: shape, vocabulary: vocabulary, seed: seed)
        moments = .fresh(shape: shape, vocabulary: vocabulary)
    }

    /// The weights as they are now.
    ///
    /// - Precondition: what is set has the counts of this shape and vocabulary.
    public var parameters: Parameters {
        get { weights }
        set {
            precondition(newValue.fits(shape: shape, vocabulary: vocabulary), "weights of another shape")
            weights = newValue
        }
    }

    /// Adam's moments, to be kept across restarts.
    public var adam: AdamState { moments }

    /// Takes up moments that were kept.
    ///
    /// - Throws: ``LearningError/wrongCount(name:found:expected:)`` for another shape or vocabulary.
    public func resume(_ adam: AdamState) throws(LearningError) {
        try adam.check(shape: shape, vocabulary: vocabulary)
        moments = adam
    }

    /// Trains on with other options.
    public func change(_ options: TrainingOptions) throws(LearningError) {
        try options.validate()
        self.options = options
    }

    /// Makes room for new tokens and keeps what is known of the old ones.
    ///
    /// - Parameters:
    ///   - rows: for each row of the new vocabulary the old local index it comes from, or -1 for a
    ///     new row, which starts with zero weights and moments (set ``parameters`` next).
    ///   - candidates: the new number of graph nodes.
    public func regrow(rows: [Int32], candidates: Int) throws(LearningError) {
        try checkSizes(vocabulary: rows.count, candidates: candidates, threads: crew.count)
        for (index, old) in rows.enumerated() where old < -1 || old >= vocabulary {
            throw .unknownToken(index: index, token: Int(old), vocabulary: vocabulary)
        }
        weights.tokens = reordered(weights.tokens, dim: shape.dim, rows: rows)
        moments.tokens.first = reordered(moments.tokens.first, dim: shape.dim, rows: rows)
        moments.tokens.second = reordered(moments.tokens.second, dim: shape.dim, rows: rows)
        vocabulary = rows.count
        self.candidates = candidates
        for shard in shards { shard.forget() }
        sample.reset()
    }

    /// One step of Adam on one batch. A batch in which nothing is asked changes nothing.
    ///
    /// - Returns: the mean of -log probability over the counted positions, before the step.
    /// - Throws: ``LearningError`` for a batch that does not fit, and
    ///   ``LearningError/diverged(step:)``; the weights are then as before.
    @discardableResult
    public func step(_ batch: Batch) throws(LearningError) -> Float {
        let counted = try batch.counted(context: shape.context, vocabulary: vocabulary, candidates: candidates)
        guard counted > 0 else { return 0 }
        differentiate(batch, counted)
        let norm = sum(counted).squares.squareRoot()
        guard norm.isFinite, loss.isFinite else { throw .diverged(step: globalStep) }
        update(norm)
        globalStep += 1
        return Float(loss / Double(counted))
    }

    /// The gradient of the mean smoothed loss, without a step; for tests and diagnosis. Dropout as in a step.
    public func gradient(_ batch: Batch) throws(LearningError) -> (loss: Float, gradient: Parameters) {
        let counted = try batch.counted(context: shape.context, vocabulary: vocabulary, candidates: candidates)
        guard counted > 0 else { return (0, .zeros(shape: shape, vocabulary: vocabulary)) }
        differentiate(batch, counted)
        _ = sum(counted)
        let sums = shards[0].gradients
        let gradient = Parameters(
            dense: Array(UnsafeBufferPointer(start: sums.dense, count: shape.denseCount)),
            tokens: Array(UnsafeBufferPointer(start: sums.tokens, count: vocabulary * shape.dim)))
        return (Float(loss / Double(counted)), gradient)
    }

    /// Sum of -log probability over the last pass.
    private var loss: Double { shards[..<active].reduce(0) { $0 + $1.loss } }

    /// The seed of this step's dropout masks.
    var dropoutStream: UInt64 { seed &+ UInt64(bitPattern: Int64(globalStep)) &* 0xA076_1D64_78BD_642F }

    /// Runs the shards over their walks.
    private func differentiate(_ batch: Batch, _ counted: Int) {
        isSampled = options.sampledCandidates > 0 && candidates > options.sampledAbove
        if isSampled { draw(batch) }
        active = useful(batch)
        let (scale, dropout, stream) = (1 / Float(counted), options.dropout, dropoutStream)
        borrowing(batch) { tokens, targets, answers, weights in
            withHead(weights.tokens) { table in
                let objective = Pass.Objective(
                    candidates: candidates, smoothing: options.labelSmoothing, scale: scale, table: table)
                let step = Shard.Step(
                    tokens: tokens, targets: targets, answers: answers, T: batch.T, vocabulary: vocabulary,
                    weights: weights, objective: objective, sample: isSampled ? sample : nil, dropout: dropout,
                    stream: stream)
                let (shards, share) = (shards, (batch.B + active - 1) / active)
                crew.run(active) { index in
                    let first = min(index * share, batch.B)
                    shards[index].run(step, walks: first..<min(first + share, batch.B), index: index)
                }
            }
        }
    }

    /// What the head multiplies with in this step.
    private func withHead(_ tokens: ConstFloats, _ body: (Pass.HeadTable) -> Void) {
        guard isSampled else { return body(.whole(tokens, candidates)) }
        let rows = sample.gathered(tokens, kernels, dim: shape.dim)
        sample.withSlots { slots in
            body(
                Pass.HeadTable(
                    rows: rows, count: sample.count, plain: sample.plain, weight: sample.weight, slots: slots))
        }
    }

    /// Draws the candidates of this step. Gradients of the last one's are cleared before they are forgotten.
    private func draw(_ batch: Batch) {
        for shard in shards { shard.clear(sample) }
        sample.draw(
            batch, vocabulary: vocabulary, candidates: candidates, wanted: options.sampledCandidates,
            seed: dropoutStream ^ 0x5A17_CE0F_CA4D_1DA7)
    }

    /// Threads among which it pays to divide a batch.
    private func useful(_ batch: Batch) -> Int {
        let head = isSampled ? sample.count : candidates
        let perRow = 6 * (shape.dim * head + shape.layers * 12 * shape.dim * shape.dim)
        return max(1, min(crew.count, batch.B, batch.B * batch.T * perRow / leastWork))
    }

    /// Hands out the addresses of the batch and the weights.
    private func borrowing(
        _ batch: Batch, _ body: (ConstInts, ConstInts, Pass.AnswerLists?, Pass.Weights) -> Void
    ) {
        weights.dense.withUnsafeBufferPointer { dense in
            weights.tokens.withUnsafeBufferPointer { table in
                batch.tokens.withUnsafeBufferPointer { tokens in
                    batch.targets.withUnsafeBufferPointer { targets in
                        let weights = Pass.Weights(dense: dense.baseAddress!, tokens: table.baseAddress!)
                        guard let answers = batch.answers else {
                            return body(tokens.baseAddress!, targets.baseAddress!, nil, weights)
                        }
                        answers.borrowing { body(tokens.baseAddress!, targets.baseAddress!, $0, weights) }
                    }
                }
            }
        }
    }

    /// Adds all gradients to the first shard's.
    private func sum(_ counted: Int) -> GradientSum {
        let smoothing = isSampled ? 0 : options.labelSmoothing / Float(candidates) / Float(counted)
        var sum = GradientSum(
            shards: shards, active: active, shape: shape, vocabulary: vocabulary, candidates: candidates,
            sample: isSampled ? sample : nil, smoothing: smoothing)
        sum.run(kernels, crew)
        return sum
    }

    private func update(_ norm: Double) {
        moments.steps += 1
        let clip = Double(options.clipNorm)
        let step = AdamStep(
            kernels: kernels, options: options, rate: options.rate(at: globalStep), steps: moments.steps,
            gradientScale: clip > 0 && norm > clip ? Float(clip / norm) : 1)
        step.apply(&weights, &moments, shards[0].gradients, tensors, shape, crew)
    }
}

/// One thread's share of a step: its own memory, its own gradient.
final class Shard {
    let pass: Pass
    private let gradient = Buffer<Float>()
    /// Gradient of the sampled rows, side by side.
    private let sampled = Buffer<Float>()
    private var denseCount = 0
    /// Whether the token gradient is 0 but for the rows that the last sample touched.
    private var isClear = false
    /// Sum of -log probability after ``run(_:walks:index:)``.
    private(set) var loss = 0.0
    /// Sum of squares of its slice of the whole gradient.
    var squares = 0.0

    /// A step as every shard sees it.
    struct Step {
        let tokens: ConstInts
        let targets: ConstInts
        let answers: Pass.AnswerLists?
        let T: Int
        let vocabulary: Int
        let weights: Pass.Weights
        let objective: Pass.Objective
        /// `nil`: all candidates.
        let sample: CandidateSample?
        let dropout: Float
        let stream: UInt64
    }

    init(shape: ModelShape, kernels: Kernels) { pass = Pass(shape: shape, kernels: kernels) }

    /// Dense gradient first, token gradient after it.
    var gradients: Pass.Gradients {
        Pass.Gradients(dense: gradient.start, tokens: gradient.start + denseCount)
    }

    /// Loss and gradient of the walks `walks` of the batch; without a sample, the smoothing's share of the
    /// candidates apart.
    func run(_ step: Step, walks: Range<Int>, index: Int) {
        prepare(step)
        let first = walks.lowerBound * step.T
        pass.ask(
            rows: walks.count * step.T, T: step.T, targets: step.targets + first,
            lists: step.answers?.from(row: first), candidates: step.objective.table.count,
            slots: step.objective.table.slots)
        guard pass.Q > 0 else { return nothingAsked(step) }
        let dropout = Pass.Dropout(
            rate: step.dropout, stream: step.stream &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
        let tokens = step.tokens + first
        pass.forward(tokens, step.weights, dropout)
        let head = step.sample.map { sampled.reserve($0.count * pass.shape.dim) } ?? gradients.tokens
        loss = pass.backward(tokens, step.weights, dropout, step.objective, gradients, head: head)
        if let sample = step.sample { spread(sample, step.objective) }
    }

    /// Sets the rows of a sample to 0 again, so that the whole gradient is.
    func clear(_ sample: CandidateSample) {
        guard isClear else { return }
        let d = pass.shape.dim
        for index in 0..<sample.touchedCount {
            (gradients.tokens + Int(sample.touched.start[index]) * d).update(repeating: 0, count: d)
        }
    }

    /// Forgets what is known of the gradient's memory.
    func forget() { isClear = false }

    /// Zeros, where nothing is written later.
    private func prepare(_ step: Step) {
        let d = pass.shape.dim
        denseCount = pass.shape.denseCount
        gradient.reserve(denseCount + step.vocabulary * d).update(repeating: 0, count: denseCount)
        loss = 0
        if step.sample == nil {
            // The head writes the candidates' rows.
            let candidates = step.objective.candidates
            (gradients.tokens + candidates * d).update(repeating: 0, count: (step.vocabulary - candidates) * d)
            isClear = false
        } else if !isClear {
            gradients.tokens.update(repeating: 0, count: step.vocabulary * d)
            isClear = true
        }
    }

    private func nothingAsked(_ step: Step) {
        let d = pass.shape.dim
        pass.headMemory.askedSum.reserve(d).update(repeating: 0, count: d)
        if step.sample == nil { gradients.tokens.update(repeating: 0, count: step.objective.candidates * d) }
    }

    /// The sampled rows' gradient, the smoothing's share included, to where the rows lie.
    private func spread(_ sample: CandidateSample, _ objective: Pass.Objective) {
        let (d, kernels, uniform) = (pass.shape.dim, pass.kernels, objective.uniform)
        if uniform > 0 {
            let sum = pass.headMemory.askedSum.start
            kernels.addToRows(sample.plain, d, -uniform, sum, sampled.start)
            kernels.addToRows(
                sample.count - sample.plain, d, -uniform * sample.weight, sum, sampled.start + sample.plain * d)
        }
        kernels.scatterAdd(sample.count, d, sample.ids.start, sampled.start, gradients.tokens)
    }
}

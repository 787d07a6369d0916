/// One thread's share of a step: its own memory, its own gradient.
final class Shard {
    let pass: Pass
    private let gradient = Buffer<Float>()
    private var denseCount = 0
    /// Sum of -log probability after ``run(_:walks:index:vocabulary:)``.
    private(set) var loss = 0.0
    /// Sum of squares of its slice of the whole gradient.
    var squares = 0.0

    /// A step as every shard sees it.
    struct Step {
        let tokens: ConstInts
        let targets: ConstInts
        let answers: Pass.AnswerLists?
        let T: Int
        let weights: Pass.Weights
        let objective: Pass.Objective
        let dropout: Float
        let stream: UInt64
    }

    init(shape: ModelShape, kernels: Kernels) { pass = Pass(shape: shape, kernels: kernels) }

    /// Dense gradient first, token gradient after it.
    var gradients: Pass.Gradients {
        Pass.Gradients(dense: gradient.start, tokens: gradient.start + denseCount)
    }

    /// Loss and gradient of the walks `walks` of the batch, the smoothing's share of the candidates apart.
    func run(_ step: Step, walks: Range<Int>, index: Int, vocabulary: Int) {
        let (d, candidates) = (pass.shape.dim, step.objective.candidates)
        denseCount = pass.shape.denseCount
        gradient.reserve(denseCount + vocabulary * d).update(repeating: 0, count: denseCount)
        loss = 0
        let first = walks.lowerBound * step.T
        pass.ask(
            rows: walks.count * step.T, T: step.T, targets: step.targets + first,
            lists: step.answers?.from(row: first), candidates: candidates)
        guard pass.Q > 0 else {
            gradients.tokens.update(repeating: 0, count: vocabulary * d)
            pass.headMemory.askedSum.reserve(d).update(repeating: 0, count: d)
            return
        }
        // The head writes the candidates' rows.
        (gradients.tokens + candidates * d).update(repeating: 0, count: (vocabulary - candidates) * d)
        let dropout = Pass.Dropout(
            rate: step.dropout, stream: step.stream &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
        pass.forward(step.tokens + first, step.weights, dropout)
        loss = pass.backward(step.tokens + first, step.weights, dropout, step.objective, gradients)
    }
}

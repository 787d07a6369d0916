internal import Dispatch

/// One thread's share of a step: its own memory, its own gradient.
final class Shard {
    let pass: Pass
    private let gradient = Buffer<Float>()
    private var denseCount = 0
    /// Sum of -log probability after ``run(_:walks:step:)``.
    private(set) var loss = 0.0

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

    /// Loss and gradient of the walks `walks` of the batch.
    func run(_ step: Step, walks: Range<Int>, index: Int, vocabulary: Int) {
        denseCount = pass.shape.denseCount
        let count = denseCount + vocabulary * pass.shape.dim
        gradient.reserve(count).update(repeating: 0, count: count)
        loss = 0
        guard !walks.isEmpty else { return }
        let first = walks.lowerBound * step.T
        pass.ask(
            rows: walks.count * step.T, T: step.T, targets: step.targets + first,
            lists: step.answers?.from(row: first))
        guard pass.Q > 0 else { return }
        let dropout = Pass.Dropout(
            rate: step.dropout, stream: step.stream &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
        pass.forward(step.tokens + first, step.weights, dropout)
        loss = pass.backward(step.tokens + first, step.weights, dropout, step.objective, gradients)
    }
}

/// Runs `body` for 0 ..< count, at the same time where count > 1, and returns when all are done.
///
/// Each index must touch only its own memory; results are then combined in the order of the
/// indices, so the outcome does not depend on timing.
func atOnce(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1 else { return body(0) }
    withoutActuallyEscaping(body) { escaping in
        nonisolated(unsafe) let shared = escaping
        DispatchQueue.concurrentPerform(iterations: count) { @Sendable index in shared(index) }
    }
}

internal import Graph
internal import Learning
internal import Wire

/// Batches for one trainer: walks from every edge in turn.
struct LessonSource {
    private let seed: UInt64
    private var walks: WalkSampler
    private var random: Random
    private var batch: Batch
    /// Batches that show every edge once in both directions.
    let batchesPerEpoch: Double

    init(_ graph: GraphIndex, _ plan: QualityPlan, seed: UInt64) throws {
        self.seed = seed
        random = Random(seed: seed)
        walks = try WalkSampler(graph, kind: .random, start: .everyEdge)
        let zeros = [Int32](repeating: 0, count: plan.batch * 2 * plan.hops)
        batch = Batch(tokens: zeros, targets: zeros, B: plan.batch, T: 2 * plan.hops)
        if plan.allAnswers { batch.answers = Batch.Answers(offsets: zeros + [0], tokens: []) }
        batchesPerEpoch = Double(2 * graph.edgeCount) / Double(plan.batch)
    }

    mutating func next() -> Batch {
        if var answers = batch.answers.take() {
            walks.fill(
                tokens: &batch.tokens, targets: &batch.targets, offsets: &answers.offsets, answers: &answers.tokens,
                batch: batch.B, context: batch.T, using: &random)
            batch.answers = answers
        } else {
            walks.fill(
                tokens: &batch.tokens, targets: &batch.targets, batch: batch.B, context: batch.T, using: &random)
        }
        return batch
    }

    /// Goes on behind a checkpoint, with batches that were not drawn before it.
    mutating func restart(at round: Int) { random = Random(seed: seed &+ UInt64(round) &* 0x9E37_79B9_7F4A_7C15) }
}

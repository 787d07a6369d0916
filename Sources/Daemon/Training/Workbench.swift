internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Wire

/// A trainer, its walks and what it keeps between rounds. Used by one thread at a time.
final class Workbench: @unchecked Sendable {
    private let spec: ModelSpec
    private let graph: SiteGraph
    private let plan: TrainingPlan
    private let trainer: Trainer
    private let builder: RoundBuilder
    private var walks: Walks

    /// One step's walks; a struct of its own, so that both buffers can be filled at once.
    private struct Walks {
        var sampler: WalkSampler
        var random: Random
        var batch: Batch

        mutating func next() -> Batch {
            sampler.fill(
                tokens: &batch.tokens, targets: &batch.targets, batch: batch.B, context: batch.T, using: &random)
            return batch
        }
    }
    private var residuals: Residuals
    /// The residuals that count once the op of this round is durable.
    private var pending: Residuals?
    private var rounds: UInt64 = 0
    private let validation: [LinkQuery]

    /// - Parameter site: whose graph this is. Sites that were told the same seed must still draw different
    ///   walks and dropout masks: errors that all make alike do not average out.
    init(
        spec: ModelSpec, graph: SiteGraph, plan: TrainingPlan, site: PeerID, start: Parameters, saved: TrainerState?
    ) throws {
        let seed = plan.seed ^ UInt64(bigEndianBytes: site.bytes.prefix(8))!
        self.spec = spec
        self.graph = graph
        self.plan = plan
        trainer = try Trainer(
            shape: spec.shape, vocabulary: graph.vocabulary.count, candidates: graph.vocabulary.nodeCount,
            options: plan.options, seed: seed, threads: 1)
        trainer.parameters = start
        builder = RoundBuilder(spec: spec)
        walks = Walks(
            sampler: try graph.sampler(plan.walks.rule), random: Random(seed: seed),
            batch: Batch(
                tokens: Array(repeating: 0, count: plan.batch * plan.tokens),
                targets: Array(repeating: 0, count: plan.batch * plan.tokens), B: plan.batch, T: plan.tokens))
        residuals = Residuals(shape: spec.shape)
        let task = try HeldOutTask(
            heldOut: graph.valid, filter: graph.triples + graph.valid, vocabulary: graph.vocabulary,
            evaluation: .twoSided)
        validation = task.queries.map { LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered) }
        guard let saved else { return }
        // The graph may have changed since: what is known of a token stays with it.
        try trainer.resume(try saved.adam(for: graph.vocabulary.tokens, shape: spec.shape))
        residuals = saved.residuals
        rounds = saved.rounds
    }

    var parameters: Parameters { trainer.parameters }
    var state: TrainerState {
        TrainerState(tokens: graph.vocabulary.tokens, adam: trainer.adam, residuals: residuals, rounds: rounds)
    }

    /// Trains one round from the merged weights and makes its delta. ``commit()`` follows when it is durable.
    func round(from base: Node.RoundBase, model: ModelID) throws -> (delta: Delta, loss: Float) {
        trainer.parameters = base.parameters
        let loss = try steps()
        rounds += 1
        let round = TrainingRound(
            model: model, round: rounds, steps: UInt64(plan.steps),
            tokensSeen: UInt64(plan.steps * plan.batch * plan.tokens), base: base.parameters,
            trained: trainer.parameters, tokens: graph.vocabulary.tokens, shares: base.shares, members: base.sites)
        let (delta, kept) = try builder.build(round, residuals: residuals)
        pending = kept
        return (delta, loss)
    }

    func commit() {
        if let pending { residuals = pending }
        pending = nil
    }

    /// One round of steps; the mean loss.
    func steps() throws -> Float {
        var sum: Float = 0
        for _ in 0..<plan.steps {
            sum += try trainer.step(walks.next())
        }
        return sum / Float(plan.steps)
    }

    /// MRR on the validation split, filtered by the site's own triples; nil without one.
    func validate() throws -> Double? {
        try evaluate(
            shape: spec.shape, parameters: trainer.parameters, candidates: graph.vocabulary.nodeCount,
            queries: validation, threads: 1
        ).mrr
    }
}

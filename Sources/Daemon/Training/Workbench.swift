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
    private let kernel: KernelVariant
    private let builder: RoundBuilder
    private let privacy: PrivacyGuard?
    /// The tokens whose rows may be sent.
    private let shared: [TokenID]
    private var walks: Walks

    /// One step's walks; a struct of its own, so that both buffers can be filled at once.
    private struct Walks {
        var sampler: WalkSampler
        var random: Random
        var batch: Batch

        /// Walks that ask for all known answers at each step.
        mutating func next() -> Batch {
            var answers = batch.answers.take() ?? Batch.Answers(offsets: [0] + batch.tokens.map { _ in 0 }, tokens: [])
            sampler.fill(
                tokens: &batch.tokens, targets: &batch.targets, offsets: &answers.offsets, answers: &answers.tokens,
                batch: batch.B, context: batch.T, using: &random)
            batch.answers = answers
            return batch
        }
    }
    private var lookahead = Lookahead()
    private var residuals: Residuals
    /// The residuals that count once the ops of this round are durable.
    private var pending: Residuals?
    private var rounds: UInt64 = 0

    /// - Parameters:
    ///   - site: whose graph this is. Sites that were told the same seed must still draw different
    ///     walks and dropout masks: errors that all make alike do not average out.
    ///   - walked: edges to walk in place of the graph's.
    ///   - privacy: nil for a bench whose rounds stay at home.
    ///   - kernel: each rounds differently, so that the same training ends elsewhere.
    init(
        spec: ModelSpec, graph: SiteGraph, plan: TrainingPlan, site: PeerID, start: Parameters, saved: TrainerState?,
        walked: GraphIndex? = nil, privacy: PrivacyGuard? = nil, kernel: KernelVariant = .best
    ) throws {
        let seed = plan.seed ^ UInt64(bigEndianBytes: site.bytes.prefix(8))!
        self.spec = spec
        self.graph = graph
        self.plan = plan
        self.kernel = kernel
        trainer = try Trainer(
            shape: spec.shape, vocabulary: graph.vocabulary.count, candidates: graph.vocabulary.nodeCount,
            options: plan.options, seed: seed, threads: plan.threads, kernel: kernel)
        trainer.parameters = start
        trainer.globalStep = plan.firstRound * plan.steps
        builder = RoundBuilder(
            spec: spec, topRows: plan.topRows, coarser: RoundBuilder.coarsest, minRows: privacy?.policy.minRows ?? 0)
        self.privacy = privacy
        shared = privacy?.shared(graph) ?? graph.vocabulary.tokens
        walks = Walks(
            sampler: try walked.map { (index) throws(GraphError) in
                try WalkSampler(index, kind: .random, start: .everyEdge)
            } ?? graph.sampler(plan.walks.rule),
            random: Random(seed: seed &+ UInt64(plan.firstRound)),
            batch: Batch(
                tokens: Array(repeating: 0, count: plan.batch * plan.tokens),
                targets: Array(repeating: 0, count: plan.batch * plan.tokens), B: plan.batch, T: plan.tokens))
        residuals = Residuals(shape: spec.shape)
        guard let saved else { return }
        // The graph may have changed since: what is known of a token stays with it.
        try trainer.resume(try saved.adam(for: graph.vocabulary.tokens, shape: spec.shape))
        residuals = saved.residuals
        rounds = saved.rounds
    }

    var parameters: Parameters { trainer.parameters }
    /// Steps that Adam's moments have seen.
    var adamSteps: Int { trainer.adam.steps }

    func state(at place: TrainerState.Place) -> TrainerState {
        TrainerState(
            tokens: graph.vocabulary.tokens, adam: trainer.adam, residuals: residuals, rounds: rounds, place: place)
    }

    /// Trains one round from the merged weights; the mean loss.
    func train(from base: Node.RoundBase, isCancelled: () -> Bool = { false }) throws -> Float {
        trainer.parameters = lookahead.start(from: base.parameters)
        return try steps(isCancelled: isCancelled)
    }

    /// What the round changed, scaled and quantised. ``commit()`` follows when it is durable.
    ///
    /// - Parameter damping: what a base that has aged leaves of it, see ``TrainingRound/damping(age:)``.
    /// - Returns: nothing when nothing changed; several where one cannot hold all rows and none was to be left out.
    func seal(from base: Node.RoundBase, model: ModelID, damping: Double) throws -> [Delta] {
        rounds += 1
        var round = TrainingRound(
            model: model, round: rounds, steps: UInt64(plan.steps),
            tokensSeen: UInt64(plan.steps * plan.batch * plan.tokens), base: base.parameters,
            trained: trainer.parameters, tokens: graph.vocabulary.tokens, shares: base.shares, members: base.sites,
            damping: damping)
        if let privacy { round = try privacy.protect(round, shared: shared, shares: base.shares, spec: spec) }
        let (deltas, kept) = try builder.buildAll(round, residuals: residuals)
        pending = kept
        return deltas
    }

    func commit() {
        if let pending { residuals = pending }
        pending = nil
    }

    /// One round of steps; the mean loss.
    ///
    /// - Throws: `CancellationError` between two steps.
    func steps(isCancelled: () -> Bool = { false }) throws -> Float {
        var sum: Float = 0
        for _ in 0..<plan.steps {
            if isCancelled() { throw CancellationError() }
            sum += try trainer.step(walks.next())
        }
        return sum / Float(plan.steps)
    }

    func validate(_ probe: Probe) throws -> Double? {
        try probe.mrr(
            trainer.parameters, shape: spec.shape, candidates: graph.vocabulary.nodeCount, kernel: kernel)
    }

    func score(_ probe: Probe, others: [Bool]) throws -> HomeScore {
        try probe.score(
            trainer.parameters, shape: spec.shape, candidates: graph.vocabulary.nodeCount, others: others,
            kernel: kernel)
    }
}

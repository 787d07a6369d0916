internal import Federation
internal import Graph
internal import Learning
internal import Wire

/// Trains every arm of a plan with every seed and asks each site its test questions.
///
/// Finished trainings and the running one are kept in a checkpoint, so that a run of hours can be stopped and
/// started again. After a restart batches are drawn anew: the figures are as good, not the same to the bit.
public final class QualityRun {
    /// One training of the run.
    public struct Stage: Hashable, Sendable, CustomStringConvertible {
        public let seed: UInt64
        public let arm: QualityPlan.Arm
        /// The place of the site that learns alone.
        public let site: Int?

        public var description: String { "\(arm.rawValue) \(site.map { "\($0) " } ?? "")seed \(seed)" }
    }

    /// What ``run(tell:)`` reports after each round.
    public struct Progress: Sendable {
        public let stage: Stage
        public let stages: (done: Int, all: Int)
        public let figures: RoundFigures
        public let rounds: Int
    }

    let data: QualityData
    let plan: QualityPlan
    var checkpoint: QualityCheckpoint
    /// What became of the patterns that sites proposed.
    var exchanges: [QualityReport.Exchange] = []
    /// Of what sites changed in each round of joint training.
    private var norms: [Double] = []
    /// What each site is asked.
    let questions: [[LinkQuery]]
    private let checkpointEvery: Duration

    /// - Parameters:
    ///   - path: of the checkpoint file; nil: none. An existing one is gone on from.
    ///   - checkpointEvery: time of training between two writes of it.
    /// - Throws: ``BenchmarkError`` for a checkpoint that does not belong here.
    public init(
        _ data: QualityData, _ plan: QualityPlan, checkpoint path: String? = nil,
        checkpointEvery: Duration = .seconds(60)
    ) throws {
        self.checkpointEvery = checkpointEvery
        self.data = data
        self.plan = plan
        checkpoint = try QualityCheckpoint(path: path, fingerprint: plan.fingerprint(of: data))
        questions = try data.sites.map {
            try data.queries(plan.asked == .test ? $0.test : $0.valid, filter: data.everything, over: $0.vocabulary)
        }
    }

    /// The trainings in their order. A single graph has only itself: it counts as pooled.
    public var stages: [Stage] {
        plan.seeds.flatMap { seed in
            plan.arms.flatMap { arm -> [Stage] in
                switch arm {
                case .isolated where data.sites.count > 1:
                    data.sites.indices.map { Stage(seed: seed, arm: arm, site: $0) }
                case .isolated: []
                case .federated: data.sites.count > 1 ? [Stage(seed: seed, arm: arm, site: nil)] : []
                case .pooled: [Stage(seed: seed, arm: arm, site: nil)]
                }
            }
        }
    }

    /// - Parameter tell: called after each round; throwing ends the run, the checkpoint stays.
    public func run(tell: (Progress) throws -> Void) throws -> QualityReport {
        let clock = ContinuousClock()
        let stages = stages
        for (index, stage) in stages.enumerated() where !isDone(stage) {
            var last = clock.now
            let follow = { (figures: RoundFigures, save: () throws -> Bytes) throws in
                if clock.now - last > self.checkpointEvery, figures.round < self.plan.rounds {
                    try self.checkpoint.save(stage, try save())
                    last = clock.now
                }
                try tell(
                    Progress(stage: stage, stages: (index, stages.count), figures: figures, rounds: self.plan.rounds))
            }
            switch stage.arm {
            case .isolated: try isolated(stage, follow)
            case .federated: try federated(stage, follow)
            case .pooled: try pooled(stage, follow)
            }
        }
        var report = QualityReport(data, plan, questions: questions.map(\.count)) { checkpoint.outcome(of: $0) }
        report.rules = rulesReport()
        if report.federated != nil { report.privacy = try QualityReport.Privacy(data, plan, norms: norms) }
        return report
    }

    private typealias Follow = (RoundFigures, () throws -> Bytes) throws -> Void

    private func isolated(_ stage: Stage, _ follow: Follow) throws {
        let place = stage.site ?? 0
        let site = data.sites[place]
        guard site.learns else {
            return try checkpoint.finish(stage, QualityOutcome(ranks: data.sites.map { _ in [] }))
        }
        // A site alone knows only its own triples.
        let validation = try data.queries(site.valid, filter: site.train + site.valid, over: site.vocabulary)
        var training = try LoneTraining(
            site.train, over: site.vocabulary, validation: validation, plan,
            stepsPerRound: plan.steps(of: site),
            seed: stage.seed, place: place)
        try complete(&training, stage, follow)
        var ranks: [[Double]] = data.sites.map { _ in [] }
        ranks[place] = try ask(place, training.best)
        try checkpoint.finish(stage, QualityOutcome(ranks: ranks))
    }

    private func pooled(_ stage: Stage, _ follow: Follow) throws {
        let validation = try data.queries(
            data.sites.flatMap(\.valid), filter: data.everything, over: data.vocabulary)
        var training = try LoneTraining(
            data.sites.flatMap(\.train), over: data.vocabulary, validation: validation, plan,
            stepsPerRound: data.sites.filter(\.learns).reduce(0) { $0 + plan.steps(of: $1) },
            seed: stage.seed, place: 0)
        try complete(&training, stage, follow)
        let weights = data.sites.map { training.rows(of: $0.vocabulary) }
        let ranks = try data.sites.indices.map { try ask($0, weights[$0]) }
        try checkpoint.finish(stage, QualityOutcome(ranks: ranks), state: training.saved.bytes)
        if usesRules(stage) { try measureRules(stage) { weights[$0] } }
    }

    private func complete(_ training: inout LoneTraining, _ stage: Stage, _ follow: Follow) throws {
        if let state = checkpoint.state(of: stage) { try training.resume(try SavedTraining(bytes: state)) }
        while training.round < plan.rounds {
            let figures = try training.train()
            try follow(figures) { training.saved.bytes }
        }
    }

    private func federated(_ stage: Stage, _ follow: Follow) throws {
        let training = try JointTraining(data, plan, seed: stage.seed)
        let validation = try data.sites.map {
            spread(
                try data.queries($0.valid, filter: data.everything, over: $0.vocabulary),
                atMost: plan.validationLimit / data.sites.count)
        }
        if let state = checkpoint.state(of: stage) { try training.resume(try SavedJoint(encoded: state)) }
        while training.round < plan.rounds {
            var figures = try training.train()
            if figures.round % plan.measureEvery == 0 || figures.round == plan.rounds {
                // For people alone: the merged model at the end is what counts.
                figures.validation =
                    Ranking(ranks: try rank(validation) { training.sites[$0].parameters() }.flatMap { $0 })
                    .mrr
            }
            try follow(figures) { try training.saved().encoded }
        }
        norms += training.sites.flatMap(\.norms)
        guard training.agree() else { throw BenchmarkError.sitesDisagree }
        try checkpoint.finish(
            stage,
            QualityOutcome(
                ranks: try rank(questions) { training.sites[$0].parameters() }, bytesPerRound: training.bytesPerRound))
        if usesRules(stage) { try measureRules(stage) { training.sites[$0].parameters() } }
    }

    private func rank(_ questions: [[LinkQuery]], _ parameters: (Int) -> Parameters) throws -> [[Double]] {
        try questions.indices.map { place in
            try evaluate(
                shape: plan.shape, parameters: parameters(place), candidates: data.sites[place].vocabulary.nodeCount,
                queries: questions[place], threads: plan.threads
            ).ranks
        }
    }

    private func ask(_ place: Int, _ parameters: Parameters) throws -> [Double] {
        try evaluate(
            shape: plan.shape, parameters: parameters, candidates: data.sites[place].vocabulary.nodeCount,
            queries: questions[place], threads: plan.threads
        ).ranks
    }
}

internal import Federation
internal import Graph
internal import Learning

/// What a quality benchmark measured: filtered MRR on held-out triples, two-sided, over several seeds.
public struct QualityReport: Sendable, Codable {
    /// One number over the seeds.
    public struct Spread: Sendable, Codable {
        public var mean: Double
        public var low: Double
        public var high: Double

        init?(_ values: [Double]) {
            guard let low = values.min(), let high = values.max() else { return nil }
            (self.low, self.high) = (low, high)
            mean = values.reduce(0, +) / Double(values.count)
        }
    }

    public struct Figures: Sendable, Codable {
        public var mrr: Spread
        public var hits1: Spread
        public var hits10: Spread
    }

    /// Federated minus isolated, over the same questions, with all seeds: a paired bootstrap.
    public struct Gain: Sendable, Codable {
        public var difference: Double
        public var low: Double
        public var high: Double
        public var isBelow: Bool
        public var isAbove: Bool
    }

    /// What rules add to the model that was trained last: federated, or that of the one graph.
    public struct RulesReport: Sendable, Codable {
        public struct Site: Sendable, Codable {
            public var name: String
            public var alone: Figures?
            public var model: Figures?
            public var both: Figures?
            /// Both minus model.
            public var gain: Gain?
        }
        public var arm: QualityPlan.Arm
        public var alone: Figures?
        public var model: Figures?
        public var both: Figures?
        public var gain: Gain?
        public var sites: [Site]
        /// One a seed; none for one graph, or where a checkpoint had the ranks already.
        public var exchanges: [Exchange]
    }

    /// What sites did to their changes before they sent them, and what a proof of privacy that gives.
    public struct Privacy: Sendable, Codable {
        /// As `shoal run --privacy` takes them; none: off.
        public var settings: [String]
        /// Of a site's graph after all rounds; nil: without bound.
        public var epsilon: Double?
        public var delta: Double
        /// Tokens that a site neither announces nor sends, on average.
        public var withheld: Double
        /// Of the L2 norm of a round's change before it is clipped; nil where a checkpoint had the training already.
        public var medianNorm: Double?

        init(_ data: QualityData, _ plan: QualityPlan, norms: [Double]) throws {
            settings = plan.privacy.words
            delta = plan.privacy.delta
            var accountant = PrivacyAccountant()
            for _ in 0..<plan.rounds where (try? accountant.admit(plan.privacy)) != nil {
                accountant.record(plan.privacy)
            }
            let bound = accountant.epsilon(delta: delta)
            epsilon = bound.isFinite ? bound : nil
            let learning = data.sites.filter(\.learns)
            withheld = try learning.reduce(0) { sum, site in
                let graph = try GraphIndex(site.vocabulary, triples: site.train)
                let shared = plan.shared(site.vocabulary, graph)
                return sum + Double(site.vocabulary.count - shared.count) / Double(learning.count)
            }
            medianNorm = norms.isEmpty ? nil : norms.sorted()[norms.count / 2]
        }
    }

    /// What became of the rules that sites proposed, and how long mining took.
    public struct Exchange: Sendable, Codable {
        public var mined: Int
        public var miningSeconds: Double
        public var proposed: Int
        public var accepted: Int
        public var rejected: Int
        /// Too few sites could say anything.
        public var undecided: Int
    }

    public struct Site: Sendable, Codable {
        public var name: String
        public var queries: Int
        public var isolated: Figures?
        public var federated: Figures?
        public var pooled: Figures?
        public var gain: Gain?
    }

    public var dataset: String
    public var `protocol` = "two-sided"
    public var filter = "all-sites"
    /// The split that was asked about.
    public var asked: QualityPlan.Asked
    public var seeds: [UInt64]
    public var parameters: Int
    public var rounds: Int
    /// Of a site per round; nil: as its graph asks for.
    public var steps: Int?
    /// Over all questions of all sites.
    public var isolated: Figures?
    public var federated: Figures?
    public var pooled: Figures?
    public var sites: [Site]
    /// Of the federated arm.
    public var privacy: Privacy?
    /// With `--with-rules`.
    public var rules: RulesReport?
    /// Mean bytes of one site's deltas of one round.
    public var bytesPerRound: Double?

    /// Share of the gap between isolated and pooled that federated closes; nil without a gap.
    public var gapClosed: Double? {
        guard let isolated, let federated, let pooled, pooled.mrr.mean > isolated.mrr.mean else { return nil }
        return (federated.mrr.mean - isolated.mrr.mean) / (pooled.mrr.mean - isolated.mrr.mean)
    }

    init(
        _ data: QualityData, _ plan: QualityPlan, questions: [Int],
        outcome: (QualityRun.Stage) -> QualityOutcome?
    ) {
        // ranks[arm][seed][site]
        var ranks: [QualityPlan.Arm: [[[Double]]]] = [:]
        var bytes: [Double] = []
        for arm in plan.arms {
            ranks[arm] = plan.seeds.compactMap { seed in
                guard arm != .isolated else { return Self.isolated(data, seed, outcome) }
                let result = outcome(QualityRun.Stage(seed: seed, arm: arm, site: nil))
                if let sent = result?.bytesPerRound { bytes.append(sent) }
                return result?.ranks
            }
        }
        dataset = data.name
        seeds = plan.seeds
        asked = plan.asked
        parameters = plan.shape.parameterCount(vocabulary: data.vocabulary.count)
        (rounds, steps) = (plan.rounds, plan.steps)
        func figures(_ arm: QualityPlan.Arm, at place: Int? = nil) -> Figures? {
            Figures((ranks[arm] ?? []).map { sites in place.map { sites[$0] } ?? sites.flatMap { $0 } })
        }
        (isolated, federated, pooled) = (figures(.isolated), figures(.federated), figures(.pooled))
        sites = data.sites.indices.map { place in
            Site(
                name: data.sites[place].name, queries: questions[place], isolated: figures(.isolated, at: place),
                federated: figures(.federated, at: place), pooled: figures(.pooled, at: place),
                gain: Gain(
                    (ranks[.federated] ?? []).map { $0[place] }, over: (ranks[.isolated] ?? []).map { $0[place] }))
        }
        bytesPerRound = bytes.isEmpty ? nil : bytes.reduce(0, +) / Double(bytes.count)
    }

    /// The ranks of one seed, each site's from its own training.
    private static func isolated(
        _ data: QualityData, _ seed: UInt64, _ outcome: (QualityRun.Stage) -> QualityOutcome?
    ) -> [[Double]]? {
        guard data.sites.count > 1 else { return nil }
        var ranks: [[Double]] = []
        for place in data.sites.indices {
            guard let result = outcome(QualityRun.Stage(seed: seed, arm: .isolated, site: place)) else { return nil }
            ranks.append(result.ranks[place])
        }
        return ranks
    }
}

extension QualityReport.Figures {
    /// - Parameter ranks: for each seed.
    init?(_ ranks: [[Double]]) {
        let rankings = ranks.map { Ranking(ranks: $0) }
        guard let mrr = QualityReport.Spread(rankings.compactMap(\.mrr)),
            let hits1 = QualityReport.Spread(rankings.compactMap(\.hits1)),
            let hits10 = QualityReport.Spread(rankings.compactMap(\.hits10))
        else { return nil }
        self.init(mrr: mrr, hits1: hits1, hits10: hits10)
    }
}

extension QualityReport.Gain {
    init?(_ first: [[Double]], over second: [[Double]]) {
        let seeds = min(first.count, second.count)
        guard seeds > 0, !first[0].isEmpty else { return nil }
        let comparison = pairedBootstrap(Self.overSeeds(first), against: Self.overSeeds(second), seed: 1)
        self.init(
            difference: comparison.difference, low: comparison.low, high: comparison.high,
            isBelow: comparison.isSignificantlyBelow, isAbove: comparison.isSignificantlyAbove)
    }

    /// One rank per question, whose reciprocal is the mean over the seeds: questions are resampled, not seeds.
    private static func overSeeds(_ ranks: [[Double]]) -> [Double] {
        ranks[0].indices.map { question in Double(ranks.count) / ranks.reduce(0) { $0 + 1 / $1[question] } }
    }
}

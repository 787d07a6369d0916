/// How well searches found what was wanted.
public struct SearchMeasure: Sendable, Equatable {
    /// One a query, from 1; nil where the answer was not found at all, which counts as a reciprocal rank of 0.
    public private(set) var ranks: [Int?] = []

    public init() {}

    /// - Parameters:
    ///   - ranking: what was found, best first.
    ///   - answers: any of them is right.
    public mutating func add(_ ranking: [Int32], answers: Set<Int32>) {
        ranks.append(ranking.firstIndex(where: answers.contains).map { $0 + 1 })
    }

    public var queries: Int { ranks.count }
    /// Mean reciprocal rank; nil without queries.
    public var mrr: Double? { mean { $0.map { 1 / Double($0) } ?? 0 } }
    public var hits1: Double? { mean { $0 == 1 ? 1 : 0 } }
    public var hits10: Double? { mean { $0.map { $0 <= 10 ? 1 : 0 } ?? 0 } }

    private func mean(_ value: (Int?) -> Double) -> Double? {
        ranks.isEmpty ? nil : ranks.reduce(0) { $0 + value($1) } / Double(ranks.count)
    }
}

/// How candidates are ranked.
public enum Formula: String, Sendable, CaseIterable {
    /// Full text alone: `ts_rank`.
    case text
    /// `ts_rank · (1 + average perspective weight)`: the seed's `context_search`.
    case context
    /// `ts_rank · (1 + p(node | context))`: the seed's `neural_search`.
    case seed
    /// Σ weight · feature, the weights fitted to what was chosen and linked before.
    case combined
}

/// What a formula needs to know of a candidate.
public struct Evidence: Sendable, Equatable {
    /// `ts_rank` of the text for a query that asks for every word; 0 where one is missing.
    public var textRank: Double
    /// p(node | context) among all graph nodes; 0 without model or context.
    public var probability: Double
    public var features: FeatureVector

    public init(textRank: Double = 0, probability: Double = 0, features: FeatureVector = FeatureVector()) {
        self.textRank = textRank
        self.probability = probability
        self.features = features
    }
}

extension Formula {
    /// - Returns: nil for a candidate that this formula does not find at all. Scores of different formulas do not
    ///   compare.
    public func score(_ evidence: Evidence, weights: FeatureVector) -> Double? {
        switch self {
        case .text: evidence.textRank > 0 ? evidence.textRank : nil
        case .context:
            evidence.textRank > 0 ? evidence.textRank * (1 + evidence.features[.perspective]) : nil
        case .seed: evidence.textRank > 0 ? evidence.textRank * (1 + evidence.probability) : nil
        case .combined: weights.dot(evidence.features)
        }
    }

    /// Positions of the candidates, best first; ties keep their order, and a score that is not a number comes last.
    public func ranking(_ candidates: [Evidence], weights: FeatureVector) -> [(at: Int, score: Double)] {
        var scored: [(at: Int, score: Double)] = []
        for (at, evidence) in candidates.enumerated() {
            guard let score = score(evidence, weights: weights) else { continue }
            scored.append((at, score.isNaN ? -.infinity : score))
        }
        return scored.sorted { $0.score != $1.score ? $0.score > $1.score : $0.at < $1.at }
    }
}

extension FeatureVector {
    /// The weights that count until a site has fitted its own: each feature's usual size times its weight is a few
    /// nats at most, and what names a node (its title, texts that led there) counts more than what mentions it.
    public static let standard = FeatureVector([
        .words: 2, .everyWord: 0.5, .closeness: 1, .title: 2, .titleWords: 1.5, .titleOnly: 1, .called: 4,
        .calledLike: 3, .linked: 0.3, .model: 0.3, .near: 1, .own: -1, .length: -0.1, .kind: 0.5, .perspective: 1,
        .pattern: 1.5, .rules: 2,
    ])
}

/// exp(score) as shares of their sum: with fitted weights, the probability that each candidate is the one wanted.
public func probabilities(_ scores: [Double]) -> [Double] {
    guard let highest = scores.max(), highest.isFinite else {
        return scores.map { _ in scores.isEmpty ? 0 : 1 / Double(scores.count) }
    }
    let powers = scores.map { exponential($0 - highest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

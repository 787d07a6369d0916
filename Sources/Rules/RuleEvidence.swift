internal import Search

/// What the rules that fire for one candidate come to.
///
/// Noisy-or: each rule is a cause that fails with probability 1 - c, independently of the others,
/// p = 1 - Π (1 - c). Rules overlap, so p is too large as a probability; as an order of candidates it was better than the
/// best rule with ties broken by the next ones (AnyBURL's aggregation), which was better than one voice for each form
/// of rule (decision record).
public struct RuleEvidence: Sendable, Equatable {
    /// -ln(1 - p) over the best rules, at most ``RuleAnswerer/kept``.
    public var strength: Float = 0
    /// The same over the paths among them.
    public var pathStrength: Float = 0
    /// Confidence of the best rule.
    public var best: Float = 0

    public init() {}

    /// p.
    public var probability: Float { Float(1 - exponential(-Double(strength))) }
}

extension RuleAnswerer {
    /// What the rules say about a candidate of the last question.
    public func evidence(ofCandidateAt slot: Int) -> RuleEvidence {
        var evidence = RuleEvidence()
        for number in rules(ofCandidateAt: slot) {
            let part = set.strengths[Int(number)]
            evidence.strength += part
            if set.isPath(number) { evidence.pathStrength += part }
        }
        if let first = rules(ofCandidateAt: slot).first {
            evidence.best = Float(set.rules[Int(first)].counts.confidence)
        }
        return evidence
    }

    /// The rank of an answer to the last question by the strength of its evidence alone, ties by their mean; all graph
    /// nodes that no rule names are equal.
    ///
    /// - Parameter filtered: other true answers, which do not count.
    public func rank(of answer: Int32, filtered: [Int32]) -> Double {
        let mine = slot(of: answer).map { evidence(ofCandidateAt: $0).strength } ?? 0
        let excluded = Set(filtered).union([answer])
        var (above, equal, silent) = (0, 0, graph.nodeCount - excluded.count)
        for (slot, candidate) in candidates.enumerated() where !excluded.contains(candidate) {
            let other = evidence(ofCandidateAt: slot).strength
            silent -= 1
            if other > mine { above += 1 } else if other == mine { equal += 1 }
        }
        if mine == 0 { equal += silent }
        return 1 + Double(above) + Double(equal) / 2
    }
}

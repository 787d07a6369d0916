/// What one member's graph says about a pattern.
public enum PatternMeasurement: Hashable, Sendable {
    /// The graph lacks a relation or graph node of the pattern, or has no grounding of its body: it says nothing.
    case abstains
    case counts(RuleCounts)

    /// As a measurement op carries it: `[support, body]`, null for an abstention.
    public var numbers: [Int64]? {
        guard case .counts(let counts) = self else { return nil }
        return [Int64(counts.support), Int64(counts.body)]
    }
}

extension RuleMeasure {
    /// Measures another site's pattern on the own graph: at most ``Limits/verifying``.
    ///
    /// - Parameters:
    ///   - rule: the pattern over this graph, ``RulePattern/rule(in:)``.
    ///   - seed: of the sample; from the pattern's id, so that a member measures alike each time.
    public mutating func measure(_ rule: Rule?, seed: UInt64) -> PatternMeasurement {
        guard let rule else { return .abstains }
        let counts = counts(rule, .verifying, seed: seed)
        return counts.body == 0 ? .abstains : .counts(counts)
    }
}

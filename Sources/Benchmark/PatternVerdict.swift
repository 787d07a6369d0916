internal import Rules

/// What a network makes of the measurements of a pattern: the rule of `docs/decisions` for patterns, in floating point,
/// for a benchmark in which nobody signs.
enum PatternVerdict: Equatable {
    case accepted(RuleCounts)
    case rejected(RuleCounts)
    /// Too few could say anything.
    case undecided

    /// Least lower bound of the pooled confidence.
    static let bound = 0.1

    /// - Parameters:
    ///   - measurements: one a member, without the proposer's: a proposer must not vouch for itself.
    ///   - members: of the network, the proposer included. Two must measure; one in a network of two.
    init(_ measurements: [PatternMeasurement], members: Int) {
        var pooled = RuleCounts(body: 0, support: 0)
        var measured = 0
        for case .counts(let counts) in measurements {
            measured += 1
            pooled.body += counts.body
            pooled.support += counts.support
        }
        guard measured >= (members <= 2 ? 1 : 2) else {
            self = .undecided
            return
        }
        self = Self.lowerBound(pooled) >= Self.bound ? .accepted(pooled) : .rejected(pooled)
    }

    /// The lower end of Wilson's interval (1927) at 95 %, one-sided.
    static func lowerBound(_ counts: RuleCounts) -> Double {
        let (n, z) = (Double(counts.body), 1.645)
        let p = Double(counts.support) / n
        let root = (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        return (p + z * z / (2 * n) - z * root) / (1 + z * z / n)
    }
}

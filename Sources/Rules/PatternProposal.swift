public import Identity
public import Wire

/// What one site proposes and others check on their own data.
public enum Pattern: Hashable, Sendable {
    case rule(RulePattern)
    case centroid(CentroidPattern)

    /// Names the pattern: the same one has the same id, whoever proposes it.
    public var id: Hash32 {
        switch self {
        case .rule(let rule): rule.id
        case .centroid(let centroid): centroid.id
        }
    }

    public var rule: RulePattern? { if case .rule(let rule) = self { rule } else { nil } }
    public var centroid: CentroidPattern? { if case .centroid(let centroid) = self { centroid } else { nil } }
}

/// Body of a pattern-propose op: a pattern, and what its proposer's own data says about it.
///
/// ```cddl
/// pattern-propose = [ 1, kind: 1, rule, support: u53, body: u53 ]        support ≤ body, body > 0
///                 / [ 1, kind: 2, centroid, support: u53, body: u53 ]
/// ```
/// The counts are for people: who verifies measures for itself, and the proposer's word counts for nothing.
public struct PatternProposal: Hashable, Sendable {
    public let pattern: Pattern
    public let counts: RuleCounts

    /// Most bytes of a body, of a rule and of anything.
    static let maxRuleBytes = 128
    public static let maxBytes = CentroidPattern.maxBytes + 24

    /// - Precondition: 0 ≤ support ≤ body, 0 < body < 2^53.
    public init(_ pattern: Pattern, _ counts: RuleCounts) {
        precondition(1..<1 << 53 ~= counts.body && 0...counts.body ~= counts.support, "counts of a pattern")
        (self.pattern, self.counts) = (pattern, counts)
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: Self.maxRuleBytes)
        encoder.array(5)
        encoder.uint(1)
        switch pattern {
        case .rule(let rule):
            encoder.uint(1)
            rule.encode(into: &encoder)
        case .centroid(let centroid):
            encoder.uint(2)
            centroid.encode(into: &encoder)
        }
        encoder.uint(UInt64(counts.support))
        encoder.uint(UInt64(counts.body))
        return encoder.bytes
    }

    /// - Throws: for anything but the one canonical encoding.
    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        let kind = try decoder.uint()
        let most = kind == 1 ? Self.maxRuleBytes : Self.maxBytes
        guard bytes.count <= most else { throw .outOfRange(at: 0, what: "\(bytes.count) bytes > \(most)") }
        switch kind {
        case 1: pattern = .rule(try RulePattern(&decoder))
        case 2: pattern = .centroid(try CentroidPattern(&decoder))
        default: throw .unexpected(at: 2, wanted: "kind 1 or 2, a rule or a centroid")
        }
        let support = try decoder.uint(max: 1 << 53 - 1)
        let body = try decoder.uint(max: 1 << 53 - 1)
        guard support <= body, body > 0 else { throw .outOfRange(at: 3, what: "support beyond the cases") }
        counts = RuleCounts(body: Int(body), support: Int(support))
        try decoder.end()
    }
}

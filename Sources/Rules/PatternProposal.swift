public import Wire

/// Body of a pattern-propose op: a pattern, and what its proposer's own graph says about it.
///
/// ```cddl
/// pattern-propose = [ 1, kind: 1, rule, support: u53, body: u53 ]        support ≤ body, body > 0
/// ```
/// The counts are for people: who verifies measures for itself, and the proposer's word counts for nothing.
public struct PatternProposal: Hashable, Sendable {
    public let pattern: RulePattern
    public let counts: RuleCounts

    /// Most bytes of a body.
    public static let maxBytes = 128

    /// - Precondition: 0 ≤ support ≤ body, 0 < body < 2^53.
    public init(_ pattern: RulePattern, _ counts: RuleCounts) {
        precondition(1..<1 << 53 ~= counts.body && 0...counts.body ~= counts.support, "counts of a rule")
        (self.pattern, self.counts) = (pattern, counts)
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: Self.maxBytes)
        encoder.array(5)
        encoder.uint(1)
        encoder.uint(1)
        pattern.encode(into: &encoder)
        encoder.uint(UInt64(counts.support))
        encoder.uint(UInt64(counts.body))
        return encoder.bytes
    }

    /// - Throws: for anything but the one canonical encoding.
    public init(decoding bytes: Bytes) throws(CBORError) {
        guard bytes.count <= Self.maxBytes else {
            throw .outOfRange(at: 0, what: "\(bytes.count) bytes > \(Self.maxBytes)")
        }
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        guard try decoder.uint() == 1 else { throw .unexpected(at: 2, wanted: "kind 1, a rule") }
        pattern = try RulePattern(&decoder)
        let support = try decoder.uint(max: 1 << 53 - 1)
        let body = try decoder.uint(max: 1 << 53 - 1)
        guard support <= body, body > 0 else { throw .outOfRange(at: 3, what: "support beyond the groundings") }
        counts = RuleCounts(body: Int(body), support: Int(support))
        try decoder.end()
    }
}

public import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Replication
public import Wire

/// Body of a retraction op: a site takes back what it trained in a range of one of its own logs.
///
/// ```cddl
/// retraction = [ 1, log-id, from: 1..2^53, through: 1..2^53, op-id ]        the id of op `through`; from <= through
/// ```
/// Nobody else is asked: whoever may add may take away. Ops keep their places, and whatever else stands in the range (votes,
/// payments, announcements) keeps its effect.
public struct Retraction: Hashable, Sendable {
    public let range: Revocation.Range

    public init(_ range: Revocation.Range) { self.range = range }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        range = try Revocation.Range(&decoder)
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(1)
        range.encode(into: &encoder)
        return encoder.bytes
    }
}

extension StateFold {
    /// Takes deltas of the author out of the sums, unless the op names something that is not its author's, or that the
    /// author had not written yet.
    mutating func foldRetraction(
        _ op: Op, _ body: Bytes, at position: LogPosition, _ causes: Causes
    ) throws(Invalid) -> PeerID {
        let range = try decoded { () throws(CBORError) in try Retraction(decoding: body) }.range
        let key = LogKey(author: op.header.author, log: range.log)
        guard let end = causes.locate(range.id), causes.past(end), end.seq == range.through,
            ledger.key(ofLine: end.log) == key
        else {
            throw Invalid(
                "unknown-range", "op \(range.through) of its author's log is not \(range.id.short), or not in its past")
        }
        retracted[key.author, default: [:]][position] = range
        recount(everythingOf: key.author)
        return key.author
    }

    mutating func undoRetraction(by author: PeerID, at position: LogPosition) {
        retracted[author]?[position] = nil
        recount(everythingOf: author)
    }
}

internal import Identity
internal import Wire

/// Two signed ops of one author for one place in one log: whoever holds both can convince anybody
/// (protocol §6). Usually a copied key or a restored machine, seldom malice.
///
/// What a fork means follows from the set of proofs alone: the ops of a log from the smallest proven seq
/// on have no effect, on whatever branch they stand.
public struct ForkProof: Sendable, Equatable {
    /// Ascending by id, so that the same two ops make the same proof.
    public let first: Op
    public let second: Op

    /// Nil unless the two differ and stand at one place.
    public init?(_ one: Op, _ other: Op) {
        guard one.header.logKey == other.header.logKey, one.header.seq == other.header.seq, one.id != other.id else {
            return nil
        }
        (first, second) = one.id < other.id ? (one, other) : (other, one)
    }

    public var key: LogKey { first.header.logKey }
    public var seq: UInt64 { first.header.seq }
}

internal import Identity
internal import Replication
internal import Wire

/// Invariant 8: for each place in a log there is one op, over everything that was ever written to a
/// journal, stored or announced.
struct PlaceCheck {
    private struct Place: Hashable {
        let key: LogKey
        let seq: UInt64
    }
    private var ops: [Place: OpID] = [:]

    /// The op is nowhere any more, and nobody has seen it.
    mutating func forget(_ key: LogKey, _ seq: UInt64, _ id: OpID) {
        let place = Place(key: key, seq: seq)
        if ops[place] == id { ops[place] = nil }
    }

    /// What was seen at this place.
    func op(at key: LogKey, _ seq: UInt64) -> OpID? { ops[Place(key: key, seq: seq)] }

    mutating func observe(_ key: LogKey, _ seq: UInt64, _ id: OpID, by whom: String) throws(Violation) {
        let place = Place(key: key, seq: seq)
        guard let known = ops[place] else {
            ops[place] = id
            return
        }
        guard known == id else {
            throw Violation(
                .oneOpAPlace,
                "op \(seq) of log \(key.log) by \(key.author.short) is \(known.short), and \(id.short) as \(whom)")
        }
    }
}

internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// Invariants 9 and 10: stores hold only what a member signed for this network, byte for byte; and what
/// a correct member signed was in its journal before anybody else had it.
struct OriginCheck {
    private var envelopes: [OpID: Bytes] = [:]
    private var places = PlaceCheck()
    /// Who may sign two ops for a place.
    private var liars: Set<PeerID> = []
    /// What some database has held, and what is told to others only from then on.
    private var stored: Set<OpID> = []

    /// The other op that was signed for the place of this one.
    func rival(of op: Op) -> OpID? {
        places.op(at: op.header.logKey, op.header.seq).flatMap { $0 == op.id ? nil : $0 }
    }

    /// No honest site has it any more, not in memory either: nobody could tell its author.
    mutating func forget(_ id: OpID, placedAs op: Op) {
        envelopes[id] = nil
        places.forget(op.header.logKey, op.header.seq, id)
    }

    /// A record is in a journal.
    mutating func signed(_ op: Op, at site: Int) throws(Violation) {
        try places.observe(op.header.logKey, op.header.seq, op.id, by: "signed by site \(site)")
        envelopes[op.id] = op.envelope
    }

    /// A hostile member signed it with its own key: taking it is no mistake.
    mutating func allow(_ op: Op) {
        envelopes[op.id] = op.envelope
        liars.insert(op.header.author)
    }

    /// A journal is gone. What was in no database yet has been shown to nobody, and its place is free again; it must
    /// never appear.
    mutating func lost(_ journaled: [Op]) {
        for op in journaled where !stored.contains(op.id) {
            envelopes[op.id] = nil
            places.forget(op.header.logKey, op.header.seq, op.id)
        }
    }

    mutating func stored(_ op: Op, at site: Int) throws(Violation) {
        guard let known = envelopes[op.id] else {
            throw Violation(
                .nothingForeign,
                "site \(site) stored op \(op.id.short) by \(op.header.author.short), which no member journaled")
        }
        guard known == op.envelope else {
            throw Violation(.canonicalOnly, "site \(site) stored op \(op.id.short) in other bytes than were signed")
        }
        stored.insert(op.id)
        guard !liars.contains(op.header.author) else { return }
        try places.observe(op.header.logKey, op.header.seq, op.id, by: "stored at site \(site)")
    }
}

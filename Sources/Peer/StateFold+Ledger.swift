package import Identity
internal import Ledger
package import Membership
package import Replication
internal import Wire

/// Koi: which ops are the ledger's, and what it is told of.
extension StateFold {
    /// What an op builds on.
    package struct Causes {
        /// Whether its causal past contains a position.
        package let past: (LogPosition) -> Bool
        /// Where an op stands that is here, in the past or not.
        package let locate: (OpID) -> LogPosition?
        /// Where the op before it in its log stands.
        package let prev: LogPosition?

        package init(
            past: @escaping (LogPosition) -> Bool, locate: @escaping (OpID) -> LogPosition?, prev: LogPosition?
        ) {
            self.past = past
            self.locate = locate
            self.prev = prev
        }

        /// Holds a copy of what the replica knows: let go of it before the replica changes, or the copy becomes real.
        package init(of op: Op, in replica: Replica) {
            self.init(
                past: replica.judge(op), locate: { replica.position(of: $0) },
                prev: replica.position(of: op.header.prev))
        }
    }

    /// Notes where an op stands whose effect is of no interest.
    mutating func pass(_ position: LogPosition, of key: LogKey, after prev: LogPosition?) {
        ledger.note(position, of: key, after: prev)
    }

    /// What the store is to write with the ops of a batch.
    mutating func takeLedgerUpdate() -> LedgerUpdate { ledger.takeUpdate() }

    func ledgerPast(_ causes: Causes) -> LedgerPast {
        let members = members
        return LedgerPast(
            includes: causes.past, locate: causes.locate,
            isMember: { members.contains($0, inPast: causes.past) })
    }

    /// Judges and counts an op of the ledger, one beyond a fork as well: a certificate may cover it.
    ///
    /// There is nothing to undo: what it counts for follows from the forks that are known.
    mutating func foldLedger(_ op: Op, _ body: Bytes, at position: LogPosition, _ causes: Causes) throws(Invalid) {
        guard hasVotes else {
            throw Invalid("unsupported-kind", "fold version 1 has no rule for \(op.header.kind.name)")
        }
        do throws(LedgerError) {
            guard let words = try LedgerBody(kind: op.header.kind, body: body) else { return }
            let entry = LedgerEntry(id: op.id, key: op.header.logKey, position: position, body: words)
            try ledger.apply(entry, past: ledgerPast(causes))
        } catch {
            throw Invalid(error.code, "\(error)")
        }
    }

    /// A log is proven to fork, and what it did otherwise is taken back.
    package mutating func forked(_ key: LogKey, from seq: UInt64) {
        ledger.fork(key, from: seq)
        forks[key] = min(seq, forks[key] ?? seq)
        if blocks[key] != nil { recount(everythingOf: key.author) }
    }

    /// To be called before the state is read: which certificates count depends on what builds on them.
    package mutating func settle(with replica: Replica) {
        ledger.settle { replica.isReferenced($0) }
        assert(ledger.totals.flaw() == nil, "Koi does not add up: \(ledger.totals.flaw()!)")
    }
}

internal import Consensus
internal import Federation
internal import Identity
internal import Membership
package import Replication
package import Wire

/// Subtracting deltas without a fork: their ops keep their places, and their effect is taken out of the sums.
///
/// Whether a delta counts follows from the certificates in force and from its author's retractions, so a fork that takes
/// such an op back puts the deltas in again. Each costs its body; the caller reads them one by one (``nextRecount()``) and applies nothing else
/// in between.
extension StateFold {
    /// A delta that has to go out of the sums, or back in.
    package struct Recount: Sendable, Equatable {
        package let key: LogKey
        package let seq: UInt64
        let line: Int
    }

    /// Whether a quorum, or its author, has taken a delta out.
    func isRevoked(_ key: LogKey, _ seq: UInt64) -> Bool {
        func holds(_ range: Revocation.Range) -> Bool {
            range.log == key.log && (range.from...range.through).contains(seq)
        }
        if let revocations = revoked[key.author], revocations.contains(where: { $0.range.map(holds) ?? true }) {
            return true
        }
        return retracted[key.author]?.values.contains(where: holds) ?? false
    }

    /// What is revoked came into force, or lost it.
    mutating func revocationChanged(_ revocation: Revocation) {
        let peer = revocation.peer
        revoked[peer] = consensus.revoked.filter { $0.peer == peer }
        if revoked[peer]!.isEmpty { revoked[peer] = nil }
        members.setRevoked(peer, consensus.isRevoked(peer))
        recount(everythingOf: peer)
    }

    /// Notes which deltas of a member have to go out of the sums, or back in.
    mutating func recount(everythingOf peer: PeerID) {
        looksAtSums = looksAtSums || !pinned.isEmpty
        recounts.removeAll { $0.key.author == peer }
        for (line, key) in trainedLines.sorted(by: { $0.key < $1.key }) where key.author == peer {
            for change in changes[line] ?? [] where isMiscounted(change, key) {
                recounts.append(Recount(key: key, seq: change.seq, line: line))
            }
        }
    }

    private func isMiscounted(_ change: Change, _ key: LogKey) -> Bool {
        guard case .model(.merged(let counts)) = change.what else { return false }
        return counts == isTakenOut(key, change.seq)
    }

    /// Whether ``nextRecount()`` may name one.
    package var mayRecount: Bool { !recounts.isEmpty }

    /// The next delta whose body is needed; nil when the sums are right.
    package mutating func nextRecount() -> Recount? {
        while let last = recounts.last {
            // A fork may have taken it out meanwhile.
            if let at = place(of: last), isMiscounted(changes[last.line]![at], last.key) { return last }
            recounts.removeLast()
        }
        return nil
    }

    private func place(of recount: Recount) -> Int? {
        guard let changes = changes[recount.line] else { return nil }
        let at = Self.firstIndex(in: changes, from: recount.seq)
        return at < changes.count && changes[at].seq == recount.seq ? at : nil
    }

    /// Where changes at `seq` or later begin.
    static func firstIndex(in changes: [Change], from seq: UInt64) -> Int {
        changes.partitioningIndex { $0.seq >= seq }
    }

    /// Takes the delta out of the sums, or puts it in.
    ///
    /// - Throws: ``FederationError`` for a body that is not the one of this op.
    package mutating func recount(_ recount: Recount, body: Bytes) throws {
        guard let at = place(of: recount) else { return }
        let delta = try Delta(body: body)
        let counts = !isTakenOut(recount.key, recount.seq)
        if counts {
            try models.apply(delta, author: recount.key.author, log: recount.key.log)
        } else {
            try models.retract(delta, author: recount.key.author, log: recount.key.log)
        }
        changes[recount.line]![at] = Change(seq: recount.seq, what: .model(.merged(counts: counts)))
        recounts.removeAll { $0 == recount }
    }

    /// The sums were read back and are as the certificates and retractions so far want them.
    mutating func settleCounts() {
        for (line, key) in trainedLines {
            for at in (changes[line] ?? []).indices where isMiscounted(changes[line]![at], key) {
                let seq = changes[line]![at].seq
                changes[line]![at] = Change(seq: seq, what: .model(.merged(counts: !isTakenOut(key, seq))))
            }
        }
        recounts = []
        settleSums()
    }
}

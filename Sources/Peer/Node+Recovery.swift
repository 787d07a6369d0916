internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Starting again: from the store, the snapshot and the sign journal.
extension Node {
    mutating func recover(_ recovered: Recovered, now: Instant) throws(RecoveryError) {
        let watermark = recovered.snapshot?.watermark ?? 0
        for sums in recovered.sums { pin(sums) }
        defer { recoveredParts = [:] }
        recoveredParts = recovered.parts
        var snapshotPending = recovered.snapshot
        var forks = recovered.forks[...]
        // Of what is still in the accumulators and must come out again.
        let takesOut =
            recovered.forks.contains { $0.applyIndex > watermark }
            || recovered.ops.contains { $0.op.header.kind.takesOut && $0.applyIndex > watermark }
        let bodies = takesOut ? Self.deltas(in: recovered.ops) : [:]
        for stored in recovered.ops {
            while let fork = forks.first, fork.applyIndex < stored.applyIndex {
                try restoreSnapshot(&snapshotPending, before: fork.applyIndex)
                try replay(forks.removeFirst(), accumulated: fork.applyIndex <= watermark, bodies: bodies)
                if fork.applyIndex > watermark { try replayRecounts(bodies) }
            }
            try restoreSnapshot(&snapshotPending, before: stored.applyIndex)
            try replay(stored, accumulated: stored.applyIndex <= watermark)
            if stored.applyIndex > watermark { try replayRecounts(bodies) }
        }
        for fork in forks {
            try restoreSnapshot(&snapshotPending, before: fork.applyIndex)
            try replay(fork, accumulated: fork.applyIndex <= watermark, bodies: bodies)
            if fork.applyIndex > watermark { try replayRecounts(bodies) }
        }
        try restoreSnapshot(&snapshotPending, before: .max)
        let version = state.consensus.latest.policy.foldVersion
        guard version <= configuration.latestFold else { throw .newerRules(version) }
        durableIndex = applyIndex
        state.settle(with: replica)
        // What the store has need not be written again, unless it is from before there was a ledger.
        if recovered.hasLedger {
            _ = state.takeLedgerUpdate()
            _ = state.takePatternUpdate()
        }
        sinceSnapshot = recovered.ops.count { $0.applyIndex > watermark }
        try recoverOwnLog(recovered.journal, now: now)
    }

    /// Puts the accumulators in place when everything that is in them has been replayed.
    private mutating func restoreSnapshot(
        _ pending: inout StateSnapshot?, before index: UInt64
    ) throws(RecoveryError) {
        guard let snapshot = pending, index > snapshot.watermark else { return }
        try state.restore(snapshot.models)
        state.settleCounts()
        pending = nil
    }

    private static func deltas(in ops: [StoredOp]) -> [OpID: Bytes] {
        var bodies: [OpID: Bytes] = [:]
        for stored in ops where stored.op.header.kind == .updateModelWeights {
            bodies[stored.op.id] = stored.body ?? stored.op.header.inlineBody
        }
        return bodies
    }

    /// - Parameter accumulated: what the proof takes back is not in the restored accumulators any more.
    private mutating func replay(
        _ fork: StoredFork, accumulated: Bool, bodies: [OpID: Bytes]
    ) throws(RecoveryError) {
        let (key, seq) = (fork.proof.key, fork.proof.seq)
        if let line = replica.number(of: key) {
            while let undo = state.lastChange(of: line, from: seq) {
                let id = replica.id(key, undo.seq)!
                var body: Bytes?
                if undo.needsBody, !accumulated {
                    body = bodies[id]
                    if body == nil { throw .missingBody(id) }
                }
                do {
                    try state.undoLast(of: line, key: key, body: body)
                } catch {
                    throw .invalidStoredOp(id, VoidReason(code: "invalid-body", detail: "\(error)"))
                }
            }
        }
        replica.retract(key, from: seq)
        state.forked(key, from: seq)
        forkProofs[key] = fork.proof
        applyIndex = max(applyIndex, fork.applyIndex)
    }

    private mutating func replay(_ stored: StoredOp, accumulated: Bool) throws(RecoveryError) {
        let op = stored.op
        let head = replica.frontier[op.header.logKey]
        let continues =
            replica.isRetracted(op.header.logKey, op.header.seq)
            ? op.header.seq == 1 || replica.contains(op.header.prev)
            : (head?.seq ?? 0) + 1 == op.header.seq && (head?.id ?? .zero) == op.header.prev
        guard continues, op.header.deps.allSatisfy({ replica.contains($0) }) else { throw .brokenChain(op.id) }
        let position = replica.positionOfNext(op)
        try state.restore(
            stored, body: stored.body ?? op.header.inlineBody, at: position, accumulated: accumulated,
            causes: StateFold.Causes(of: op, in: replica))
        replica.apply(op)
        applyIndex = max(applyIndex, stored.applyIndex)
    }

    /// Decides where this node's next op may go, so that it never signs two for one place.
    ///
    /// The journal was synced before anything was published, so its last op is the truth. What the
    /// store lost is taken in again; if the two do not continue each other, a new log is opened.
    private mutating func recoverOwnLog(_ journal: [JournalEntry], now: Instant) throws(RecoveryError) {
        let derived = AccountLog.first(of: identity.peerID, in: network)
        let own = replica.frontier.heads.keys.filter { $0.author == identity.peerID && $0.log != derived }
        var last: Op?
        var lastAccount: Op?
        var named: Set<LogID> = []
        for entry in journal {
            let op: Op
            do {
                op = try Op(verifying: entry.envelope, network: network)
            } catch {
                throw .foreignJournal("\(error)")
            }
            guard op.header.author == identity.peerID else {
                throw .foreignJournal("it holds ops of \(op.header.author.short)")
            }
            named.insert(op.header.log)
            if op.header.log == derived { lastAccount = op } else { last = op }
            guard !replica.contains(op.id) else { continue }
            _ = replica.offer(op, from: nil)
            if let body = entry.body { replica.supply(body, hash: op.header.bodyHash) }
        }
        // A log that the journal does not name was signed with another one, which is lost.
        let namesAll = own.allSatisfy { named.contains($0.log) }
        defer { recoverAccount(derived, last: lastAccount, journalNamesAll: namesAll, now: now) }
        guard let last else {
            ownLog = .fresh(reason: own.isEmpty ? Self.firstStart : "the sign journal is lost")
            return
        }
        let key = last.header.logKey
        journaledLog = key
        guard replica.forks[key] == nil else {
            ownLog = .fresh(reason: "its log forks: another process signed with a copy of this site's key")
            return
        }
        let continues = replica.headersThrough(key) == last.header.seq
        let isHere = replica.id(key, last.header.seq) == last.id || replica.isWaiting(last.id)
        ownLog =
            continues && isHere
            ? .unconfirmed(key, until: now + NodeLimits.confirmMs)
            : .fresh(reason: "the database does not continue the sign journal: it was restored or replaced")
    }

    /// Ops that the journal gave back but that cannot be applied yet, since the store lost what they
    /// build on too. Until peers bring it, nothing may be signed in this log.
    func isBehindJournal(_ key: LogKey) -> Bool {
        replica.headersThrough(key) > replica.frontier[key]?.seq ?? 0
    }

    /// Nobody answered in time: continue with what is known, or anew if that is not enough.
    mutating func confirmationTimedOut() {
        guard case .unconfirmed(let key, _) = ownLog else { return }
        ownLog =
            isBehindJournal(key)
            ? .fresh(reason: "the database lost ops that this node's last ones build on") : .open(key)
    }

    /// A peer showed how much of this node's log it has seen.
    mutating func confirmOwnLog(_ entries: [FrontierEntry], complete: Bool, by peer: PeerID) {
        confirmAccount(entries, complete: complete, by: peer)
        guard case .unconfirmed(let key, _) = ownLog else { return }
        if let entry = entries.first(where: { $0.author == key.author && $0.log == key.log }) {
            // The proof is on its way.
            guard entry.forkSeq == nil else {
                ownLog = .fresh(reason: "a peer knows that it forks")
                return
            }
            confirmOwnLog(seenSeq: entry.seq, by: peer)
        } else if complete {
            confirmOwnLog(seenSeq: 0, by: peer)
        }
    }

    /// One peer may lag behind another: all that can be asked are, as long as time allows.
    mutating func confirmOwnLog(seenSeq: UInt64, by peer: PeerID) {
        guard case .unconfirmed(let key, _) = ownLog else { return }
        if seenSeq > replica.headersThrough(key) {
            ownLog = .fresh(reason: "peers hold more of this node's log than it does itself: it was restored")
            return
        }
        confirmations.insert(peer)
        let all = listed.allSatisfy { confirmations.contains($0) || state.members.hasLeft($0) }
        if !isBehindJournal(key), all { ownLog = .open(key) }
    }
}

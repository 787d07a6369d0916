internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Writing and reading, with every border at which a crash leaves something half done.
extension World {
    /// A slow disk is a fault like the others and is repaired with them.
    mutating func writeDelay() -> UInt64 {
        1 + UInt64(random.below(isHealed ? min(options.writeMs, Simulator.repairedWriteMs) : options.writeMs))
    }
    mutating func readDelay() -> UInt64 { 1 + UInt64(random.below(20)) }

    /// Journal and sync, then the transaction, then the answer.
    mutating func persist(_ original: StoreBatch, at site: Int) {
        var batch = original
        tampering.batch(site, &batch)
        let life = sites[site].life
        if sites[site].isDiskFull, random.chance(0.5) {
            queue.schedule(.answer(site: site, life: life, .persistFailed("no space left on device")), at: now + 1)
        } else if batch.signed.isEmpty {
            queue.schedule(.disk(site: site, life: life, .committed(batch)), at: now + writeDelay())
        } else {
            sites[site].journaling = batch
            queue.schedule(.disk(site: site, life: life, .journaled(batch)), at: now + writeDelay())
        }
    }

    mutating func carryOut(_ step: DiskStep, at site: Int) throws(Violation) {
        let life = sites[site].life
        switch step {
        case .journaled(let batch):
            if sites[site].crashesInJournal, random.chance(0.5) { return try crash(site) }
            sites[site].journaling = nil
            for signed in batch.signed { try journal(signed, at: site) }
            if sites[site].crashesInJournal { return try crash(site) }
            queue.schedule(.disk(site: site, life: life, .committed(batch)), at: now + writeDelay())
        case .committed(let batch):
            guard !sites[site].isDiskFull else {
                note("disk full after the journal")
                queue.schedule(.answer(site: site, life: life, .persistFailed("no space left on device")), at: now + 1)
                return
            }
            for stored in batch.ops {
                try originCheck.stored(stored.op, at: site)
                durabilityCheck.seen(stored.op)
                if !hostiles.isEmpty { publish(stored.op) }
            }
            try sites[site].disk.commit(batch)
            queue.schedule(.answer(site: site, life: life, .persisted(batch.number)), at: now + readDelay())
        case .merged(let snapshot):
            try sites[site].disk.merge(snapshot)
            note("snapshot written")
            queue.schedule(.answer(site: site, life: life, .snapshotWritten), at: now + 1)
        case .readOps(let request, let ranges):
            let database = sites[site].disk.database
            let envelopes = ranges.flatMap { database.envelopes($0) }
            guard envelopes.count >= ranges.reduce(0, { $0 + Int($1.through - $1.from) + 1 }) else {
                throw Violation(.contract, "site \(site) asks its disk for ops that are not there")
            }
            note("pull answered")
            queue.schedule(.answer(site: site, life: life, .opsLoaded(request: request, envelopes: envelopes)), at: now)
        case .keepPart(let sums, let part, let bytes): sites[site].disk.keepPart(sums, part, bytes)
        case .pin(let sums, let snapshot):
            try sites[site].disk.pin(sums, snapshot)
            queue.schedule(.answer(site: site, life: life, .pinned(sums)), at: now + readDelay())
        case .drop(let sums): note(sites[site].disk.drop(sums) ? "bodies dropped" : "bodies kept: too early")
        case .readBody(let request, let hash):
            let body = sites[site].disk.database.body(hash)
            note(body == nil ? "body not here" : "body loaded")
            queue.schedule(.answer(site: site, life: life, .bodyLoaded(request: request, body: body)), at: now)
        }
    }

    private mutating func journal(_ signed: StoredOp, at site: Int) throws(Violation) {
        // Its author lost database and journal, and who had heard of it lost it before it was on a disk.
        if let rival = originCheck.rival(of: signed.op), !isHeld(rival) {
            note("signed again what nobody has any more")
            originCheck.forget(rival, placedAs: signed.op)
        }
        try originCheck.signed(signed.op, at: site)
        durabilityCheck.seen(signed.op)
        gauge.signed += 1
        sites[site].disk.append(signed)
    }

    /// Whether some site has an op on its disk or in memory.
    private func isHeld(_ id: OpID) -> Bool {
        sites.contains { site in
            site.disk.database.contains(id) || site.node?.replica.contains(id) == true
                || site.node?.replica.isWaiting(id) == true
                || site.disk.journal.contains { (try? Op(stored: $0.envelope, network: genesis.networkID))?.id == id }
        }
    }

    /// A record is cut short: it is dropped when it is read, or only its body is.
    private mutating func tear(_ signed: StoredOp, at site: Int) throws(Violation) {
        guard signed.body != nil, random.chance(0.5) else { return note("journal torn") }
        note("journal torn before a body")
        try originCheck.signed(signed.op, at: site)
        durabilityCheck.seen(signed.op)
        sites[site].disk.appendTorn(signed)
    }

    // MARK: Crash and restart

    /// The process is gone. Of journal records that were being written a prefix remains; a torn one is
    /// dropped when it is read.
    mutating func crash(_ site: Int) throws(Violation) {
        guard sites[site].node != nil else { return }
        note("crash")
        try end(site)
        queue.schedule(.restart(site: site), at: now + 20 + UInt64(random.below(random.chance(0.2) ? 25_000 : 5_000)))
    }

    mutating func end(_ site: Int) throws(Violation) {
        countRefusals(at: site)
        if let batch = sites[site].journaling {
            let kept = random.below(batch.signed.count + 1)
            for signed in batch.signed.prefix(kept) { try journal(signed, at: site) }
            if kept < batch.signed.count { try tear(batch.signed[kept], at: site) }
        }
        sites[site].journaling = nil
        sites[site].node = nil
        sites[site].life += 1
        sites[site].wakeAt = nil
        sites[site].effectsUntilCrash = nil
        sites[site].crashesInJournal = false
        sites[site].backlog = sites[site].backlog == nil ? nil : []
        sites[site].isDiskFull = false
        sites[site].hasStopped = false
        try flush(site)
        severConnections(of: site)
        trace.record(90, UInt64(site)) { "\(now) site \(site): crash" }
    }

    /// Starts a site from what its disk holds, which may be less than it was.
    mutating func start(_ site: Int) throws(Violation) {
        guard sites[site].node == nil, !sites[site].isGone else { return }
        guard isHealed || now >= sites[site].awayUntil else {
            return queue.schedule(.restart(site: site), at: sites[site].awayUntil)
        }
        if sites[site].life > 0, !isHealed { damage(site) }
        excuseWhatIsLost()
        var recovered = sites[site].disk.recovered(journalTail: options.journalTail)
        tampering.recovered(site, sites[site].disk, &recovered)
        sites[site].clockOffset = UInt64(random.below(1 << 40))
        let configuration = NodeConfiguration(
            genesis: genesis, contacts: sites[site].contacts, listenAddresses: ["site-\(site):7000"],
            freshLog: LogID(rawValue: random.next()))
        var tuned = configuration
        tuned.snapshotEveryOps = options.snapshotEveryOps
        tuned.sumsEveryDeltas = options.sumsEveryDeltas
        tuned.discovers = options.discovers
        if sites[site].isOutdated { tuned.latestFold -= 1 }
        do {
            sites[site].node = try Node(
                configuration: tuned, identity: sites[site].identity, recovered: recovered, seed: random.next(),
                now: clock(site), wallSeconds: seconds(at: site), memory: memory)
        } catch {
            throw Violation(.contract, "site \(site) cannot start again: \(error)")
        }
        sites[site].checked = nil
        trace.record(91, UInt64(site), UInt64(recovered.ops.count)) {
            "\(now) site \(site): start with \(recovered.ops.count) ops, \(recovered.journal.count) journal records"
        }
        try observe(site)
        try perform(.wake, at: site)
    }

    private mutating func damage(_ site: Int) {
        if options.restoresDatabase, random.chance(0.4), let lost = sites[site].disk.restore(&random) {
            frontierCheck.restored(site)
            if !lost.isEmpty { note("database put back") }
            listSuccessors(at: site)
        }
        if options.losesJournal, random.chance(0.3) {
            originCheck.lost(
                sites[site].disk.journal.compactMap { try? Op(stored: $0.envelope, network: genesis.networkID) })
            sites[site].disk.loseJournal()
            note("journal lost")
        }
    }

    /// The operator of a site that may have been put back to before another's rotation, which nobody may be there to tell it,
    /// lists the new key.
    private mutating func listSuccessors(at site: Int) {
        for other in sites.indices where other != site && !sites[other].formerKeys.isEmpty {
            let peer = sites[other].identity.peerID
            guard knows(site, anyOf: sites[other].formerKeys), !knows(site, anyOf: [peer]) else { continue }
            sites[site].contacts.append(Contact(peer: peer, address: "site-\(other):7000", name: "\(other)"))
        }
    }

    private func knows(_ site: Int, anyOf keys: [PeerID]) -> Bool {
        sites[site].contacts.contains { keys.contains($0.peer) }
    }

    /// Promises that nobody can keep any more: ops on no disk, unless their author's journal has them
    /// and everything they build on.
    private mutating func excuseWhatIsLost() {
        let disks = sites.map(\.disk)
        let tail = options.journalTail
        // Made when an op is on no disk: few are.
        var readable: Set<Bytes>?
        durabilityCheck.excuse { (op: Op) in
            if disks.contains(where: { $0.database.contains(op.id) }) { return true }
            if readable == nil { readable = Set(disks.flatMap { $0.readable(journalTail: tail).map(\.envelope) }) }
            return readable!.contains(op.envelope)
        }
    }
}

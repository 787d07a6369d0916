internal import Federation
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Forks: two ops signed for one place. Found, proven, told to everybody, and what they did taken back.
///
/// ```
/// two ops at a place ─▶ evidence (the one held is read back) ─▶ pending proof
///   ─▶ retraction: deltas subtracted one by one, newest first, while nothing else is applied
///   ─▶ Effect.persist with the proof ─▶ EQUIVOCATION to all neighbours
/// ```
/// Until the proof is durable the node goes on telling its old frontier, which is still true of its disk.
extension Node {
    /// A retraction under way.
    struct Retraction: Sendable {
        let proof: ForkProof
        /// The op whose body is being read.
        var reading: OpID?
    }

    // MARK: Evidence

    /// Another op stands where `offered` claims to: reads that one back, unless it still waits.
    mutating func foundFork(held: OpID, offered: Op, from peer: PeerID, _ effects: inout [Effect]) {
        #if DEBUG
            if PeerBugs.skipsForkCheck { return }
        #endif
        counters.refuse("fork")
        if let here = replica.waitingOp(held) ?? onItsWay(held) { return convict(ForkProof(here, offered)) }
        guard forkProofs[offered.header.logKey].map({ offered.header.seq < $0.seq }) ?? true,
            let request = beginLoad(.evidence(offered, from: peer), for: peer)
        else { return }
        effects.append(.loadOps(request: request, [Self.place(of: offered)]))
    }

    /// An op that is applied and not on the disk yet, or whose batch waits for bodies that are read back.
    private func onItsWay(_ id: OpID) -> Op? {
        let staged = (inFlight?.batch.ops ?? []) + (openBatch?.ops ?? [])
        return staged.first { $0.op.id == id }?.op
    }

    mutating func evidenceLoaded(_ offered: Op, _ envelopes: [Bytes]) {
        for envelope in envelopes {
            guard let held = try? Op(stored: envelope, network: network) else { continue }
            convict(ForkProof(held, offered))
        }
    }

    private static func place(of op: Op) -> OpRange {
        OpRange(key: op.header.logKey, from: op.header.seq, through: op.header.seq)
    }

    /// A log does not continue as its neighbour has it: the fork is where the two differ first, at or before
    /// `seq`. Asks for the last ops up to there; the first that differs is the evidence.
    mutating func searchFork(
        of key: LogKey, through seq: UInt64, from peer: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        let place = ForkSearch(peer: peer, key: key)
        guard seq >= 1, forkSearches[place].map({ $0 <= now }) ?? true else { return }
        if forkSearches.count >= NodeLimits.forkSearches { forkSearches = forkSearches.filter { $0.value > now } }
        guard forkSearches.count < NodeLimits.forkSearches else { return }
        forkSearches[place] = now + UInt64(GossipLimits.answerMs)
        let from = seq - min(seq - 1, GossipLimits.opsPerPull - 1)
        let range = PullRange(author: key.author, log: key.log, from: from, through: seq)
        for message in Message.pulls([range]) { send(message, to: peer, now: now, &effects) }
    }

    struct ForkSearch: Hashable, Sendable {
        let peer: PeerID
        let key: LogKey
    }

    // MARK: Proofs

    mutating func receivedProof(
        _ one: Bytes, _ other: Bytes, from peer: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        guard let first = try? memory.op(verifying: one),
            let second = try? memory.op(verifying: other),
            let proof = ForkProof(first, second)
        else { return ban(peer, "it sent a proof of a fork that proves nothing", now: now, &effects) }
        convict(proof)
    }

    /// Takes a proof up, unless an earlier place of the log is known to fork.
    private mutating func convict(_ proof: ForkProof?) {
        guard let proof, proof.seq < replica.forks[proof.key] ?? .max else { return }
        // Proofs against whoever does not belong would be a way to fill this node's disk.
        guard state.members.contains(proof.key.author) || replica.number(of: proof.key) != nil else {
            return counters.refuse("fork-of-a-stranger")
        }
        guard proof.seq < retraction.flatMap({ $0.proof.key == proof.key ? $0.proof.seq : nil }) ?? .max,
            !pendingProofs.contains(where: { $0.key == proof.key && $0.seq <= proof.seq })
        else { return }
        guard pendingProofs.count < NodeLimits.pendingProofs else { return counters.refuse("too-many-proofs") }
        pendingProofs.removeAll { $0.key == proof.key }
        pendingProofs.append(proof)
    }

    /// Compares how far a neighbour has each log with what is here.
    mutating func compareForks(_ entries: [FrontierEntry], with peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        for entry in entries {
            let key = LogKey(author: entry.author, log: entry.log)
            if let proof = forkProofs[key], proof.seq < entry.forkSeq ?? .max {
                tell(proof, to: peer, now: now, &effects)
            } else if entry.seq <= replica.frontier[key]?.seq ?? 0, let here = replica.id(key, entry.seq),
                here != entry.head
            {
                searchFork(of: key, through: entry.seq, from: peer, now: now, &effects)
            }
        }
    }

    mutating func tell(_ proof: ForkProof, to peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        send(.equivocation(proof.first.envelope, proof.second.envelope), to: peer, now: now, &effects)
    }

    // MARK: Retraction

    /// Goes on with the next proof. Nothing else may be applied until ``Node/retraction`` is nil again.
    ///
    /// - Returns: a proof whose effects are all taken back, to be stored.
    mutating func retract(now: Instant, _ effects: inout [Effect]) -> StoredFork? {
        pendingProofs.removeAll { $0.seq >= replica.forks[$0.key] ?? .max }
        if retraction == nil, !pendingProofs.isEmpty { retraction = Retraction(proof: pendingProofs.removeFirst()) }
        guard let retraction, retraction.reading == nil else { return nil }
        let proof = retraction.proof
        if let line = replica.number(of: proof.key) {
            while let undo = state.lastChange(of: line, from: proof.seq) {
                guard !undo.needsBody else {
                    read(proof.key, undo.seq, &effects)
                    return nil
                }
                // Only a delta can fail, by its body.
                try! state.undoLast(of: line, key: proof.key, body: nil)
            }
        }
        return complete(proof)
    }

    private mutating func complete(_ proof: ForkProof) -> StoredFork {
        retraction = nil
        replica.retract(proof.key, from: proof.seq)
        state.forked(proof.key, from: proof.seq)
        forkProofs[proof.key] = proof
        applyIndex += 1
        counters.forks += 1
        if case .open(proof.key) = ownLog {
            ownLog = .fresh(reason: Self.ownFork)
        } else if case .unconfirmed(proof.key, _) = ownLog {
            ownLog = .fresh(reason: Self.ownFork)
        }
        accountForked(proof.key)
        return StoredFork(proof: proof, applyIndex: applyIndex)
    }

    private static let ownFork =
        "its log forks: another process signs with a copy of this site's key; find and stop it"

    private mutating func read(_ key: LogKey, _ seq: UInt64, _ effects: inout [Effect]) {
        lastLoad += 1
        loads[lastLoad] = .retracted
        retraction!.reading = replica.id(key, seq)!
        effects.append(.loadOps(request: lastLoad, [OpRange(key: key, from: seq, through: seq)]))
    }

    /// The op that is to be taken back was read; its body may stand elsewhere.
    mutating func retractedLoaded(_ envelopes: [Bytes], now: Instant, _ effects: inout [Effect]) {
        guard let id = retraction?.reading else { return }
        let ops = envelopes.compactMap { try? Op(stored: $0, network: network) }
        guard let op = ops.first(where: { $0.id == id }) else { return retractedBodyLoaded(nil, now: now, &effects) }
        if let body = op.header.inlineBody ?? recentBodies[op.header.bodyHash] {
            return retractedBodyLoaded(body, now: now, &effects)
        }
        lastLoad += 1
        loads[lastLoad] = .retractedBody
        effects.append(.loadBody(request: lastLoad, op.header.bodyHash))
    }

    mutating func retractedBodyLoaded(_ body: Bytes?, now: Instant, _ effects: inout [Effect]) {
        guard let retraction, let id = retraction.reading else { return }
        self.retraction!.reading = nil
        do {
            guard let body else { throw RecoveryError.missingBody(id) }
            try state.undoLast(of: replica.number(of: retraction.proof.key)!, key: retraction.proof.key, body: body)
        } catch {
            stop("a forked op cannot be taken back: \(error)", now: now, &effects)
        }
    }

    /// The proof is durable: everybody should have it.
    mutating func publish(_ forks: [StoredFork], now: Instant, _ effects: inout [Effect]) {
        for proof in forks.map(\.proof) {
            effects.append(.notice(.fork(proof)))
            for peer in peers { tell(proof, to: peer, now: now, &effects) }
        }
    }

    // MARK: Ops beyond a fork that others build on

    /// Asks for them by id: frontiers do not show them.
    mutating func askForMissing(now: Instant, _ effects: inout [Effect]) {
        guard !replica.forks.isEmpty else { return }
        let missing = replica.missing
        var due: [PeerID: [OpID]] = [:]
        var times: [OpID: Instant] = [:]
        for (id, sender) in missing.prefix(NodeLimits.missingOps) {
            let time = missingOps[id] ?? now + NodeLimits.missingAfterMs
            times[id] = time
            guard time <= now, let holder = sender.flatMap({ established[$0] == nil ? nil : $0 }) ?? anyPeer() else {
                continue
            }
            times[id] = now + UInt64(GossipLimits.answerMs)
            due[holder, default: []].append(id)
        }
        missingOps = times
        for peer in due.keys.sorted() { send(.iwant(due[peer]!), to: peer, now: now, &effects) }
    }

    private mutating func anyPeer() -> PeerID? {
        let peers = peers
        return peers.isEmpty ? nil : peers[random.below(peers.count)]
    }

    /// A neighbour lacks ops by id; with each go those before it on the forked part of its log.
    mutating func serve(_ ids: [OpID], to peer: PeerID, _ effects: inout [Effect]) {
        var ranges: [OpRange] = []
        for id in ids.prefix(NodeLimits.missingOps) {
            guard let position = replica.position(of: id), onItsWay(id) == nil else { continue }
            let key = replica.key(of: position)
            let forkSeq = min(replica.forks[key] ?? position.seq, position.seq)
            let from = max(forkSeq, position.seq - min(position.seq - 1, NodeLimits.forkedOpsAtOnce))
            ranges.append(OpRange(key: key, from: from, through: position.seq))
        }
        guard !ranges.isEmpty, let request = beginLoad(.ops(peer), for: peer) else { return }
        effects.append(.loadOps(request: request, ranges))
    }
}

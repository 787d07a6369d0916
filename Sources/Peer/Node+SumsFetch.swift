internal import Consensus
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Taking certified sums in place of bodies, and telling others.
extension Node {
    /// Sums that are to take the place of deltas: all parts are here, and then, deltas are taken out for them.
    enum FetchedSums: Sendable {
        case none
        case waiting([BlockSums])
        case replacing([BlockSums])
    }

    /// Goes on with what is under way.
    mutating func fetchSums(now: Instant, _ effects: inout [Effect]) {
        guard !sumsFetch.isIdle else { return }
        carryOut(sumsFetch.tick(now: now), now: now, &effects)
        let tellers = peers.filter(tellsSums.contains)
        carryOut(sumsFetch.look(tellers, hasPeers: !established.isEmpty, now: now), now: now, &effects)
    }

    /// Whoever dropped a delta's body has sums that stand for it.
    mutating func replaceMissingBodies(now: Instant) {
        for part in sumsFetch.wanted where bodies.isMissing(part.hash, length: part.length) {
            sumsFetch.postpone(part.hash, now: now)
        }
        guard stopped == nil, state.hasVotes, bodies.outstanding > 0, sumsFetch.mayBegin(now: now) else { return }
        let missing = replica.wantedBodies.filter {
            bodies.isMissing($0.hash, length: $0.length)
                && replica.waitingOp($0.op)?.header.kind == .updateModelWeights
        }
        sumsFetch.lacksBodies(of: Set(missing.map(\.key)), now: now)
    }

    /// Nothing is applied while a node begins, or while sums take the place of deltas.
    mutating func mayApply(now: Instant, _ effects: inout [Effect]) -> Bool {
        if sumsFetch.holdsOps, !submissions.isEmpty {
            if !state.members.contains(identity.peerID) {
                refuseSubmissions(Self.notMember(identity.peerID), &effects)
            } else if established.isEmpty {
                sumsFetch.giveUp(now: now)
            }
        }
        return !sumsFetch.holdsOps
    }

    private mutating func carryOut(_ actions: [SumsFetch.Action], now: Instant, _ effects: inout [Effect]) {
        for action in actions {
            switch action {
            case .ask(let peer, let want): send(.sumsWant(want), to: peer, now: now, &effects)
            case .keep(let sums, let part, let bytes): effects.append(.keepPart(sums, part, bytes))
            case .pin(let sums): fetchedSums = .waiting(sums)
            case .blame(let peer, let why):
                ban(peer, "it sent a certificate that proves nothing: \(why)", now: now, &effects)
            }
        }
    }

    mutating func received(_ answer: SumsAnswer, from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        let (replica, state) = (replica, state)
        let actions = sumsFetch.answered(answer, by: peer, now: now) { Self.isOfUse($0, replica, state) }
        carryOut(actions, now: now, &effects)
        fetchBodies(now: now, &effects)
    }

    /// Whether places of a block are not applied yet that have effect.
    private static func isOfUse(_ block: LogBlock, _ replica: Replica, _ state: StateFold) -> Bool {
        lastEffective(through: block.through, of: block.key, replica) > replica.frontier[block.key]?.seq ?? 0
            && !state.hasPinned(block)
    }

    /// The last place up to `seq` that has effect: of a log that forks nobody tells more.
    private static func lastEffective(through seq: UInt64, of key: LogKey, _ replica: Replica) -> UInt64 {
        min(seq, replica.forks[key].map { $0 - 1 } ?? .max)
    }

    /// A body, whose hash was checked, may be a part of sums.
    mutating func supply(_ body: Bytes, hash: Hash32, now: Instant, _ effects: inout [Effect]) {
        replica.supply(body, hash: hash)
        carryOut(sumsFetch.supply(body, hash: hash, now: now), now: now, &effects)
    }

    /// What to fetch by hash now. Who begins fetches no body for which there may be sums.
    var wantedBodies: [Replica.WantedBody] {
        let parts = sumsFetch.wanted.map { part in
            Replica.WantedBody(
                op: part.op, hash: part.hash, length: part.length, sender: part.sender, key: part.key,
                seq: Self.lastEffective(through: part.seq, of: part.key, replica))
        }
        return sumsFetch.isBeginning ? parts : parts + replica.wantedBodies
    }

    /// Puts fetched sums in the place of deltas: those of their blocks that were added by themselves are taken out, and the
    /// store notes both at once. Nothing else is applied meanwhile.
    ///
    /// - Precondition: no batch is open, and no fork is being taken back.
    /// - Returns: false while a body is being read.
    mutating func pinFetchedSums(now: Instant, _ effects: inout [Effect]) -> Bool {
        if case .waiting(let fetched) = fetchedSums {
            // An older snapshot must not be written over that of now.
            guard !snapshotInFlight else { return false }
            // Bodies may have come meanwhile, from somebody who was away.
            let useful = fetched.filter {
                Self.isOfUse($0.block, replica, state)
                    && (sumsFetch.isBeginning || replica.lacksBody(of: $0.block.key))
            }
            fetchedSums = useful.isEmpty ? .none : .replacing(useful)
            guard !useful.isEmpty else {
                sumsFetch.pinned(now: now)
                return true
            }
            state.replace(useful.map(\.block))
        }
        guard case .replacing(let useful) = fetchedSums else { return true }
        guard recount(Batch(), now: now, &effects) else { return false }
        fetchedSums = .none
        for sums in useful { pin(sums) }
        let snapshot = StateSnapshot(watermark: applyIndex, models: withoutChange { $0.takeChanges() })
        sinceSnapshot = 0
        effects.append(.pin(useful, snapshot))
        return true
    }

    /// The store knows what the sums stand for.
    mutating func pinned(_ sums: [BlockSums], now: Instant, _ effects: inout [Effect]) {
        let (blocks, bytes) = (sums.count, sums.reduce(0) { $0 + $1.byteCount })
        effects.append(
            .notice(
                sumsFetch.isBeginning
                    ? .beganWithSums(blocks: blocks, bytes: bytes) : .replacedBodies(blocks: blocks, bytes: bytes)))
        sumsFetch.pinned(now: now)
        tellSummary(now: now, &effects)
        fetchBodies(now: now, &effects)
    }

    mutating func pin(_ sums: BlockSums) {
        state.pin(sums)
        replica.waiveBodies(of: sums.block.key, sums.block.after + 1...sums.block.through)
    }

    // MARK: Telling

    /// Certificates for somebody who begins or lacks bodies, a page at a time.
    mutating func answer(_ want: SumsWant, to peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        // One page after the other; whoever goes back at once wants to be a burden.
        if let asked = sumsWants[peer], asked.last >= want {
            guard asked.since + SumsFetch.Limits.againMs <= now else { return counters.refuse("repeated-sums-want") }
            sumsWants[peer] = nil
        }
        sumsWants[peer] = (since: sumsWants[peer]?.since ?? now, last: want)
        let consensus = state.consensus
        let certificates: any Sequence<Certificate>
        switch want {
        case .checkpoints(let height): certificates = consensus.checkpointCertificates(after: height)
        case .sums(let from, let after):
            let start = LogKey(author: from.author, log: from.log)
            certificates = consensus.summedLogs.lazy.filter { $0 >= start }.flatMap { key in
                consensus.certifiedSums(of: key).lazy
                    .filter { key != start || $0.sums.block.after >= after }
                    .compactMap { consensus.matters[$0.id]?.certificate }
            }
        }
        var page: [Bytes] = []
        var bytes = 0
        var more = false
        for certificate in certificates {
            let encoded = certificate.encode()
            guard page.isEmpty || bytes + encoded.count <= SessionLimits.sumsPageBytes,
                page.count < SessionLimits.certificatesPerFrame
            else {
                more = true
                break
            }
            page.append(encoded)
            bytes += encoded.count
        }
        send(.sums(SumsAnswer(certificates: page, more: more)), to: peer, now: now, &effects)
    }
}

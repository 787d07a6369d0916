internal import Consensus
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Taking certified sums in place of bodies, and telling others.
extension Node {
    /// Goes on with what is under way.
    mutating func fetchSums(now: Instant, _ effects: inout [Effect]) {
        guard !sumsFetch.isIdle else { return }
        sumsFetch.tick(now: now)
        let tellers = peers.filter(tellsSums.contains)
        carryOut(sumsFetch.look(tellers, hasPeers: !established.isEmpty, now: now), now: now, &effects)
    }

    /// Whoever dropped a delta's body has sums that stand for it.
    mutating func replaceMissingBodies(now: Instant) {
        guard stopped == nil, state.hasVotes, sumsFetch.isIdle, bodies.outstanding > 0 else { return }
        let isMissing = replica.wantedBodies.contains {
            bodies.isMissing($0.hash, length: $0.length)
                && replica.waitingOp($0.op)?.header.kind == .updateModelWeights
        }
        if isMissing { sumsFetch.lacksBody(now: now) }
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
            case .pin(let sums): fetchedSums = sums
            case .blame(let peer, let why):
                ban(peer, "it sent a certificate that proves nothing: \(why)", now: now, &effects)
            }
        }
    }

    mutating func received(_ answer: SumsAnswer, from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        let actions = sumsFetch.answered(answer, by: peer, now: now) { [replica, state] in
            Self.isOfUse($0, replica, state)
        }
        carryOut(actions, now: now, &effects)
        fetchBodies(now: now, &effects)
    }

    /// Whether a part of a block is not applied yet.
    private static func isOfUse(_ block: LogBlock, _ replica: Replica, _ state: StateFold) -> Bool {
        block.through > replica.frontier[block.key]?.seq ?? 0 && !state.hasPinned(block)
    }

    /// A body, whose hash was checked, may be a part of sums.
    mutating func supply(_ body: Bytes, hash: Hash32, now: Instant, _ effects: inout [Effect]) {
        replica.supply(body, hash: hash)
        carryOut(sumsFetch.supply(body, hash: hash, now: now), now: now, &effects)
    }

    /// What to fetch by hash now. Who begins fetches no body for which there may be sums.
    var wantedBodies: [Replica.WantedBody] {
        sumsFetch.wanted + (sumsFetch.isBeginning ? [] : replica.wantedBodies)
    }

    /// Puts fetched sums in the place of deltas: those of their blocks that were added by themselves are taken out, and the
    /// store notes both at once. Nothing else is applied meanwhile.
    ///
    /// - Precondition: no batch is open, and no fork is being taken back.
    /// - Returns: false while a body is being read.
    mutating func pinFetchedSums(now: Instant, _ effects: inout [Effect]) -> Bool {
        guard !fetchedSums.isEmpty else { return true }
        guard !snapshotInFlight else { return false }
        let useful = fetchedSums.filter { Self.isOfUse($0.block, replica, state) }
        state.replace(useful.map(\.block))
        guard recount(Batch(), now: now, &effects) else { return false }
        fetchedSums = []
        guard !useful.isEmpty else {
            sumsFetch.pinned(now: now)
            return true
        }
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

internal import Consensus
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Beginning with certified sums, and telling others who begin.
extension Node {
    /// Goes on with the first phase, if it is not over.
    mutating func beginWithSums(now: Instant, _ effects: inout [Effect]) {
        guard !newcomer.isDone else { return }
        newcomer.tick(now: now)
        let tellers = peers.filter(tellsSums.contains)
        carryOut(newcomer.look(tellers, hasPeers: !established.isEmpty, now: now), now: now, &effects)
    }

    /// Nothing is applied before that is over.
    mutating func mayApply(_ effects: inout [Effect]) -> Bool {
        if !newcomer.isDone, !submissions.isEmpty {
            if !state.members.contains(identity.peerID) {
                refuseSubmissions(Self.notMember(identity.peerID), &effects)
            } else if established.isEmpty {
                newcomer.giveUp()
            }
        }
        return newcomer.isDone
    }

    private mutating func carryOut(_ actions: [Newcomer.Action], now: Instant, _ effects: inout [Effect]) {
        for action in actions {
            switch action {
            case .ask(let peer, let want): send(.sumsWant(want), to: peer, now: now, &effects)
            case .keep(let sums, let part, let bytes): effects.append(.keepPart(sums, part, bytes))
            case .pin(let sums): effects.append(.pin(sums))
            case .blame(let peer, let why):
                ban(peer, "it sent a certificate that proves nothing: \(why)", now: now, &effects)
            }
        }
    }

    mutating func received(_ answer: SumsAnswer, from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        carryOut(newcomer.answered(answer, by: peer, now: now), now: now, &effects)
        fetchBodies(now: now, &effects)
    }

    /// A body, whose hash was checked, may be a part of sums.
    mutating func supply(_ body: Bytes, hash: Hash32, now: Instant, _ effects: inout [Effect]) {
        replica.supply(body, hash: hash)
        carryOut(newcomer.supply(body, hash: hash, now: now), now: now, &effects)
    }

    /// What to fetch by hash now.
    var wantedBodies: [Replica.WantedBody] { newcomer.isDone ? replica.wantedBodies : newcomer.wanted }

    /// The store has the parts, and knows what they stand for.
    mutating func pinned(_ sums: [BlockSums], now: Instant, _ effects: inout [Effect]) {
        for sums in sums { pin(sums) }
        newcomer.pinned()
        effects.append(.notice(.beganWithSums(blocks: sums.count, bytes: sums.reduce(0) { $0 + $1.byteCount })))
        fetchBodies(now: now, &effects)
    }

    mutating func pin(_ sums: BlockSums) {
        state.pin(sums)
        replica.waiveBodies(of: sums.block.key, sums.block.after + 1...sums.block.through)
    }

    // MARK: Telling

    /// Certificates for somebody who begins, a page at a time.
    mutating func answer(_ want: SumsWant, to peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        // Who begins asks for one page after the other; whoever goes back wants to be a burden.
        guard sumsWants[peer].map({ $0 < want }) ?? true else { return counters.refuse("repeated-sums-want") }
        sumsWants[peer] = want
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

internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Large networks: whom to be connected with, and along which links headers are pushed.
extension Node {
    /// Messages that made links lazy, and eager again.
    public var prunes: Int { ops.tree.counters.prunesSent }
    public var grafts: Int { ops.tree.counters.graftsSent }

    /// The number of members decides whether everybody is connected with everybody.
    mutating func fitOverlay(now: Instant, _ effects: inout [Effect]) {
        let members = state.members.count
        guard members != fittedMembers else { return }
        fittedMembers = members
        ops.tree.prunes = members - 1 > GossipLimits.eagerNeighbours
        carryOut(overlay.setPartial(members > configuration.everybody, now: now), now: now, &effects)
    }

    /// Carries out what the overlay decided.
    mutating func carryOut(_ decisions: [Overlay.Effect], now: Instant, _ effects: inout [Effect]) {
        for decision in decisions {
            switch decision {
            case .dial(let site):
                guard stopped == nil, !isBanned(site.peer, now: now), established[site.peer] == nil else {
                    carryOut(overlay.failed(site.peer, now: now), now: now, &effects)
                    continue
                }
                lastDial += 1
                dials[lastDial] = site.peer
                effects.append(.dial(site.peer, address: site.address, dial: lastDial))
            case .send(let peer, let message): send(.peers(message), to: peer, now: now, &effects)
            case .hangUp(let peer):
                guard let number = established[peer] else { continue }
                end(number, .shutdown, "no neighbour any more", now: now, &effects)
            case .neighbour(let peer, let isOne):
                exchange(ops.setPushedTo(peer, isOne), now: now, &effects)
            }
        }
    }

    mutating func tickOverlay(now: Instant, _ effects: inout [Effect]) {
        let decisions: [Overlay.Effect]
        do {
            // No copy may be alive when dissemination goes on.
            let ops = ops
            decisions = overlay.tick(now: now) { ops.isInStep($0) }
        }
        carryOut(decisions, now: now, &effects)
    }

    mutating func received(
        _ message: PeersMessage, from peer: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        var message = message
        switch message {
        case .shuffle(let sites) where !overlay.isPartial:
            heard(of: sites, from: peer, wantsAnswer: true, now: now, &effects)
            // For the day on which the network is too large for this.
            message = .shuffleAnswer(sites)
        case .shuffleAnswer(let sites): heard(of: sites, from: peer, wantsAnswer: false, now: now, &effects)
        case .request, .answer, .joined, .shuffle, .disconnect: break
        }
        let members = state.members
        let decisions = overlay.received(message, from: peer, isMember: { members.contains($0) }, now: now)
        carryOut(decisions, now: now, &effects)
    }

    /// A neighbour tells what it has: those that are not here are waited for, or asked for.
    mutating func announced(_ ids: [OpID], by peer: PeerID, now: Instant) {
        var news: [OpID] = []
        for id in ids {
            if let position = replica.position(of: id) {
                ops.announced((replica.key(of: position), position.seq), by: peer)
            } else if let op = replica.waitingOp(id) {
                ops.announced((op.header.logKey, op.header.seq), by: peer)
            } else {
                news.append(id)
            }
        }
        let link = established[peer].flatMap { connections[$0]?.link }
        ops.tree.announced(news, by: peer, roundTripMs: link?.roundTrip?.p95Ms ?? 0, now: now)
    }

    /// A neighbour wants ops announced to it, not pushed.
    mutating func pruned(_ authors: [PeerID], by peer: PeerID) {
        // What is remembered of authors is bounded by those that there are.
        let members = authors.filter { state.members.contains($0) }
        if authors.isEmpty || !members.isEmpty { ops.tree.pruned(by: peer, members) }
    }

    /// A neighbour misses what this node announced.
    mutating func grafted(_ ids: [OpID], by peer: PeerID, _ effects: inout [Effect]) {
        let places = ids.prefix(GossipLimits.opsPerGraft).compactMap { id -> OpRange? in
            guard let position = replica.position(of: id) else { return nil }
            let key = replica.key(of: position)
            guard position.seq <= summary.frontier[key]?.seq ?? 0, replica.id(key, position.seq) == id else {
                return nil
            }
            return OpRange(key: key, from: position.seq, through: position.seq)
        }
        ops.tree.grafted(by: peer, Set(places.map(\.key.author)))
        guard !places.isEmpty, let request = beginLoad(.ops(peer), for: peer) else { return }
        effects.append(.loadOps(request: request, OpRange.joined(places)))
    }

    /// A step of comparing frontiers by ranges.
    mutating func receivedRanges(
        _ message: ReconcileMessage, from peer: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        let result: (effects: [OpExchange.Effect], answer: Reconciliation.Answer)?
        do {
            let replica = replica
            result = ops.receivedRanges(
                from: peer, message, headersThrough: { replica.headersThrough($0) }, now: now)
        }
        guard let (decisions, answer) = result else { return counters.refuse("too-many-ranges") }
        confirmOwnLog(answer.theirs, complete: answer.settles(identity.peerID), by: peer)
        compareForks(answer.theirs, with: peer, now: now, &effects)
        exchange(decisions, now: now, &effects)
    }

    /// Whether so many say that this node's state is wrong that it must be. One liar must not stop everybody: in a
    /// small network it takes most of the other members, in a large one most neighbours, and none that agrees.
    var isOutvoted: Bool {
        let digest = summary.frontierDigest
        guard overlay.isPartial else {
            return disagreeing.values.count(where: { $0 == digest }) * 2 > state.members.count - 1
        }
        let neighbours = overlay.neighbours
        return neighbours.count(where: { disagreeing[$0] == digest }) * 2 > neighbours.count
            && neighbours.count >= OverlayLimits.neighboursAtLeast && !neighbours.contains(where: ops.isInStep)
    }
}

extension OpRange {
    /// Single places as ranges, in order.
    static func joined(_ places: [OpRange]) -> [OpRange] {
        var ranges: [OpRange] = []
        for place in Set(places).sorted(by: { ($0.key, $0.from) < ($1.key, $1.from) }) {
            if let last = ranges.last, last.key == place.key, last.through + 1 == place.from {
                ranges[ranges.count - 1] = OpRange(key: last.key, from: last.from, through: place.through)
            } else {
                ranges.append(place)
            }
        }
        return ranges
    }
}

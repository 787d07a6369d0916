public import Identity
internal import Session
public import Wire

extension Overlay {
    // MARK: Who else there is

    mutating func remember(_ site: KnownPeer) {
        guard site.peer != peer, site.isWithinLimits, links[site.peer]?.part != .neighbour else { return }
        // It may be back.
        lost[site.peer] = nil
        if known[site.peer] == nil, known.count >= OverlayLimits.known { known[pick(known.keys.sorted())] = nil }
        known[site.peer] = site.address
    }

    mutating func lose(_ site: KnownPeer) {
        known[site.peer] = nil
        if lost[site.peer] == nil, lost.count >= OverlayLimits.lost {
            let gone = pick(lost.keys.sorted())
            lost[gone] = nil
            if listed[gone] == nil { pauses[gone] = nil }
        }
        lost[site.peer] = site.address
    }

    mutating func pause(_ other: PeerID, now: Instant) {
        let attempts = pauses[other]?.attempts ?? 0
        let bound = min(OverlayLimits.backoffMaxMs, OverlayLimits.backoffMinMs << UInt64(min(attempts, 8)))
        let until = now + OverlayLimits.backoffMinMs / 2 + UInt64(random.below(Int(bound)))
        pauses[other] = Pause(attempts: attempts + 1, until: until)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[random.below(elements.count)] }

    mutating func sample(for other: PeerID) -> [KnownPeer] {
        var near = neighbours.filter { $0 != other }.compactMap { id in
            (links[id]!.address ?? listed[id]).map { KnownPeer(peer: id, address: $0) }
        }
        var far = known.sorted { $0.key < $1.key }.filter { $0.key != other }.map {
            KnownPeer(peer: $0.key, address: $0.value)
        }
        random.shuffle(&near)
        random.shuffle(&far)
        let own = address.map { KnownPeer(peer: peer, address: $0) }
        return (own.map { [$0] } ?? []) + near.prefix(OverlayLimits.shuffledNeighbours)
            + far.prefix(OverlayLimits.shuffledOthers)
    }

    // MARK: Looking for neighbours, and visits

    func canDial(_ other: PeerID, now: Instant) -> Bool {
        links[other] == nil && dialling[other] == nil && pauses[other].map { $0.until <= now } ?? true
    }

    mutating func dial(_ site: KnownPeer, _ purpose: Purpose, _ effects: inout [Effect]) {
        dialling[site.peer] = (site, purpose)
        effects.append(.dial(site))
    }

    /// Sites to dial: known ones, and those of the list.
    func candidates(now: Instant) -> [KnownPeer] {
        known.merging(listed) { known, _ in known }.filter { canDial($0.key, now: now) }
            .map { KnownPeer(peer: $0.key, address: $0.value) }.sorted { $0.peer < $1.peer }
    }

    mutating func look(now: Instant, _ effects: inout [Effect]) {
        guard isPartial, lacking > 0, dialling.count < OverlayLimits.dialsAtOnce else { return }
        nextLook = now + OverlayLimits.lookMs
        var sites = candidates(now: now)
        random.shuffle(&sites)
        // Without a neighbour one is enough to begin with: it makes others hear of this node.
        let joins = neighbourCount == 0 && !hasJoined
        let isInNeed = neighbourCount < OverlayLimits.neighboursAtLeast
        let room = min(lacking, OverlayLimits.dialsAtOnce - dialling.count)
        for site in sites.prefix(joins ? min(room, 1) : room) {
            dial(site, .neighbour(joins ? .join : isInNeed ? .surely : .ifThereIsRoom), &effects)
        }
    }

    mutating func visitInterval() -> UInt64 {
        UInt64(OverlayLimits.visitEveryMs * 7 / 10 + random.below(OverlayLimits.visitEveryMs * 6 / 10))
    }

    /// Who knows nobody but its neighbours hears of others from them.
    mutating func shuffleWithNeighbour(_ effects: inout [Effect]) {
        let neighbours = speakingNeighbours
        guard !neighbours.isEmpty else { return }
        let other = pick(neighbours)
        effects.append(.send(other, .shuffle(sample(for: other))))
    }

    mutating func visitSomebody(now: Instant, _ effects: inout [Effect]) {
        let gone = lost.sorted { $0.key < $1.key }.filter { links[$0.key] == nil && dialling[$0.key] == nil }
        if !gone.isEmpty, random.below(OverlayLimits.lostEvery) == 0 {
            let (peer, address) = pick(gone)
            return dial(KnownPeer(peer: peer, address: address), .visit(heals: true), &effects)
        }
        let sites = candidates(now: now).filter { lost[$0.peer] == nil }
        if !sites.isEmpty { dial(pick(sites), .visit(heals: false), &effects) }
    }

    /// - Parameter isInStep: both have the same ops, as far as this node knows.
    public mutating func tick(now: Instant, isInStep: (PeerID) -> Bool) -> [Effect] {
        guard isPartial else { return [] }
        var effects: [Effect] = []
        for other in links.keys.sorted() {
            switch links[other]!.part {
            case .neighbour: break
            case .asked(let until), .guest(let until):
                if until <= now { leave(other, now: now, &effects) }
            case .visit(let since, let check):
                guard check <= now else { continue }
                if isInStep(other) || now - since >= OverlayLimits.visitAtMostMs {
                    leave(other, now: now, &effects)
                } else {
                    links[other]!.part = .visit(since: since, check: now + OverlayLimits.visitMs / 2)
                }
            }
        }
        if nextVisit <= now {
            nextVisit = now + visitInterval()
            shuffleWithNeighbour(&effects)
            visitSomebody(now: now, &effects)
        }
        look(now: now, &effects)
        return effects
    }
}

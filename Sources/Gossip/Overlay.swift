public import Identity
public import Session
public import Wire

/// Whom a node is connected with where a network has too many members for everybody: HyParView (Leitão, Pereira,
/// Rodrigues, DSN 2007).
///
/// A pure machine over peers. A few *neighbours*, symmetric and kept; some *known* sites to replace them from; and sites
/// that were *lost*.
///
/// ```
///            dial                       request                 accepted
/// known ───────────▶ connected ───────────────────▶ asked ───────────────────▶ neighbour
///   ▲  └─ fails ─▶ lost   │ visit: frontiers, shuffle                            │ DISCONNECT
///   └─────────────────────┴──────────────────────────────────────────────────────┘ connection lost ─▶ lost
/// ```
/// While the network is small (``isPartial`` is false) every connection is a neighbour and nothing is sent.
///
/// Deviations from the paper. Neighbours may be between 6 and 8 instead of exactly 5, and who has fewer than 3 asks with priority, not only who
/// has none. A shuffle goes to a neighbour and to
/// whom the node *visits*, not along a random walk whose end would have to connect back: who is behind a NAT cannot be connected to.
/// For the same reason the news of a joining site goes round only if it has an address; one without fills its view by
/// asking. Lost sites are remembered and visited: two halves of a split network find each other again.
public struct Overlay: Sendable {
    public enum Effect: Sendable, Equatable {
        /// Tell ``connected(_:isInitiator:speaks:now:)`` or ``failed(_:now:)``.
        case dial(KnownPeer)
        case send(PeerID, PeersMessage)
        /// Close the connection when what was sent is out.
        case hangUp(PeerID)
        /// It has become a neighbour, or is none any more.
        case neighbour(PeerID, Bool)
    }

    enum Part: Sendable, Equatable {
        case neighbour
        /// Asked to be one.
        case asked(until: Instant)
        /// This node visits it, and looks at `check` whether it can leave.
        case visit(since: Instant, check: Instant)
        /// It came, and has not said for what.
        case guest(until: Instant)
    }

    struct Link: Sendable {
        var part: Part
        var address: String?
        /// Knows of overlays; an older version is a neighbour for good.
        let speaks: Bool
    }

    enum Purpose: Sendable {
        case neighbour(PeersMessage.Urgency)
        /// `heals`: it was lost. If it is there again, it becomes a neighbour, so that what was split grows together.
        case visit(heals: Bool)
    }

    struct Pause: Sendable {
        var attempts = 0
        var until: Instant
    }

    let peer: PeerID
    let address: String?
    public private(set) var isPartial = false
    var links: [PeerID: Link] = [:]
    var dialling: [PeerID: (to: KnownPeer, purpose: Purpose)] = [:]
    /// The site's own list; never forgotten.
    var listed: [PeerID: String]
    var known: [PeerID: String] = [:]
    var lost: [PeerID: String] = [:]
    /// Not to be dialled, or not to be asked, before.
    var pauses: [PeerID: Pause] = [:]
    var hasJoined = false
    var nextVisit: Instant
    var nextLook: Instant
    var random: Random
    public internal(set) var counters = OverlayCounters()

    /// - Parameter address: where this node can be dialled; nil behind a NAT.
    public init(peer: PeerID, address: String?, listed: [KnownPeer], random: Random, now: Instant) {
        self.peer = peer
        self.address = address
        self.listed = [:]
        self.random = random
        nextVisit = now
        nextLook = now
        for site in listed { list(site) }
        nextVisit = now + visitInterval()
    }

    // MARK: Questions

    public var neighbours: [PeerID] { links.keys.filter { links[$0]!.part == .neighbour }.sorted() }
    public func isNeighbour(_ peer: PeerID) -> Bool { links[peer]?.part == .neighbour }
    public var knownCount: Int { known.count }
    public var lostCount: Int { lost.count }

    public var nextDeadline: Instant? {
        guard isPartial else { return nil }
        var next = nextVisit
        if lacking > 0 { next = min(next, nextLook) }
        for link in links.values {
            switch link.part {
            case .neighbour: break
            case .asked(let until), .guest(let until): next = min(next, until)
            case .visit(_, let check): next = min(next, check)
            }
        }
        return next
    }

    var neighbourCount: Int { links.values.count { $0.part == .neighbour } }

    /// Neighbours to look for, beside those on their way.
    var lacking: Int {
        let coming = links.values.count { if case .asked = $0.part { true } else { false } }
        let dialled = dialling.values.count { if case .neighbour = $0.purpose { true } else { false } }
        return OverlayLimits.neighbours - neighbourCount - coming - dialled
    }

    // MARK: What the node learns

    /// The operator added a site to the list.
    public mutating func list(_ site: KnownPeer) {
        if site.peer != peer, site.isWithinLimits { listed[site.peer] = site.address }
    }

    /// The network has grown beyond, or shrunk below, what needs an overlay.
    public mutating func setPartial(_ isPartial: Bool, now: Instant) -> [Effect] {
        guard isPartial != self.isPartial else { return [] }
        self.isPartial = isPartial
        var effects: [Effect] = []
        if isPartial {
            hasJoined = neighbourCount > 0
            makeRoom(keeping: nil, &effects)
            look(now: now, &effects)
        } else {
            for peer in links.keys.sorted() { promote(peer, &effects) }
        }
        return effects
    }

    /// A connection is open and the other end has proven who it is.
    ///
    /// - Parameter speaks: it knows of overlays.
    public mutating func connected(_ other: PeerID, isInitiator: Bool, speaks: Bool, now: Instant) -> [Effect] {
        let dial = dialling.removeValue(forKey: other)
        lost[other] = nil
        let before = links[other]
        links[other] = Link(
            part: before?.part ?? .guest(until: now + OverlayLimits.guestMs),
            address: dial?.to.address ?? before?.address,
            speaks: speaks)
        var effects: [Effect] = []
        guard isPartial, speaks else {
            promote(other, &effects, anew: true)
            return effects
        }
        if before?.part == .neighbour {
            effects.append(.neighbour(other, true))
        } else if isInitiator {
            switch dial?.purpose ?? .neighbour(.ifThereIsRoom) {
            case .visit(heals: false):
                visit(other, now: now, &effects)
            case .visit(heals: true): ask(other, .surely, now: now, &effects)
            case .neighbour(let urgency): ask(other, urgency, now: now, &effects)
            }
        }
        return effects
    }

    private mutating func ask(
        _ other: PeerID, _ urgency: PeersMessage.Urgency, now: Instant, _ effects: inout [Effect]
    ) {
        links[other]!.part = .asked(until: now + OverlayLimits.answerMs)
        effects.append(.send(other, .request(urgency, address: address)))
    }

    /// A dial did not come to anything.
    public mutating func failed(_ other: PeerID, now: Instant) -> [Effect] {
        guard let dial = dialling.removeValue(forKey: other), links[other] == nil else { return [] }
        counters.failedDials += 1
        pause(other, now: now)
        lose(dial.to)
        var effects: [Effect] = []
        look(now: now, &effects)
        return effects
    }

    public mutating func disconnected(_ other: PeerID, now: Instant) -> [Effect] {
        guard let link = links.removeValue(forKey: other) else { return [] }
        var effects: [Effect] = []
        switch link.part {
        case .neighbour:
            effects.append(.neighbour(other, false))
            if let address = link.address ?? listed[other] { lose(KnownPeer(peer: other, address: address)) }
            pause(other, now: now)
        // It hung up without an answer, as one does that has not heard yet that this node is a member.
        case .asked, .visit: pause(other, now: now)
        case .guest: break
        }
        look(now: now, &effects)
        return effects
    }

    /// - Parameter isMember: only members are remembered: a liar could name anybody's address.
    public mutating func received(
        _ message: PeersMessage, from other: PeerID, isMember: (PeerID) -> Bool, now: Instant
    ) -> [Effect] {
        guard links[other] != nil else { return [] }
        var effects: [Effect] = []
        switch message {
        case .request(let urgency, let address): requested(by: other, urgency, address: address, &effects)
        case .answer(let accepted): answered(accepted, by: other, now: now, &effects)
        case .joined(let site, let hops):
            if site.peer != peer, isMember(site.peer) { heard(of: site, hops: hops, from: other, now: now, &effects) }
        case .shuffle(let sites):
            effects.append(.send(other, .shuffleAnswer(sample(for: other))))
            for site in sites where isMember(site.peer) { remember(site) }
        case .shuffleAnswer(let sites):
            for site in sites where isMember(site.peer) { remember(site) }
        case .disconnect:
            guard isPartial else { break }
            leave(other, now: now, &effects)
        }
        look(now: now, &effects)
        return effects
    }

    // MARK: Neighbours

    private mutating func requested(
        by other: PeerID, _ urgency: PeersMessage.Urgency, address: String?, _ effects: inout [Effect]
    ) {
        if let address { links[other]!.address = address }
        guard
            !isPartial || urgency != .ifThereIsRoom || isNeighbour(other)
                || neighbourCount < OverlayLimits.neighboursAtMost
        else {
            counters.refused += 1
            return effects.append(.send(other, .answer(accepted: false)))
        }
        promote(other, &effects)
        effects.append(.send(other, .answer(accepted: true)))
        guard isPartial else { return }
        makeRoom(keeping: other, &effects)
        guard urgency == .join, let address, !address.isEmpty else { return }
        let news = PeersMessage.joined(KnownPeer(peer: other, address: address), hops: OverlayLimits.joinHops)
        for neighbour in speakingNeighbours where neighbour != other { effects.append(.send(neighbour, news)) }
    }

    private mutating func answered(_ accepted: Bool, by other: PeerID, now: Instant, _ effects: inout [Effect]) {
        guard case .asked = links[other]!.part else { return }
        if accepted {
            hasJoined = true
            pauses[other] = nil
            promote(other, &effects)
            makeRoom(keeping: other, &effects)
            if known.count < OverlayLimits.neighbours { effects.append(.send(other, .shuffle(sample(for: other)))) }
        } else {
            // The way was not in vain.
            pauses[other] = Pause(until: now + OverlayLimits.refusedMs)
            visit(other, now: now, &effects)
        }
    }

    private mutating func visit(_ other: PeerID, now: Instant, _ effects: inout [Effect]) {
        links[other]!.part = .visit(since: now, check: now + OverlayLimits.visitMs)
        effects.append(.send(other, .shuffle(sample(for: other))))
        counters.visits += 1
    }

    private mutating func promote(_ other: PeerID, _ effects: inout [Effect], anew: Bool = false) {
        guard anew || links[other]!.part != .neighbour else { return }
        links[other]!.part = .neighbour
        known[other] = nil
        effects.append(.neighbour(other, true))
    }

    /// Neighbours that know of overlays, ascending.
    public var speakingNeighbours: [PeerID] { neighbours.filter { links[$0]!.speaks } }

    /// Lets go of random neighbours beyond the most there may be.
    private mutating func makeRoom(keeping kept: PeerID?, _ effects: inout [Effect]) {
        while neighbourCount > OverlayLimits.neighboursAtMost {
            let others = speakingNeighbours.filter { $0 != kept }
            guard !others.isEmpty else { return }
            let other = others[random.below(others.count)]
            counters.dropped += 1
            effects.append(.send(other, .disconnect))
            let address = links.removeValue(forKey: other)!.address
            effects += [.neighbour(other, false), .hangUp(other)]
            if let address { remember(KnownPeer(peer: other, address: address)) }
        }
    }

    /// A neighbour has made room.
    mutating func leave(_ other: PeerID, now: Instant, _ effects: inout [Effect]) {
        let link = links.removeValue(forKey: other)!
        if link.part == .neighbour { effects.append(.neighbour(other, false)) }
        effects.append(.hangUp(other))
        pauses[other] = Pause(until: now + OverlayLimits.refusedMs)
        if let address = link.address { remember(KnownPeer(peer: other, address: address)) }
    }

    /// Somebody joins: who is at the end of the walk becomes its neighbour.
    private mutating func heard(
        of site: KnownPeer, hops: Int, from other: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        let others = speakingNeighbours.filter { $0 != other && $0 != site.peer }
        guard hops > 0, !others.isEmpty else {
            if isPartial, links[site.peer] == nil, dialling[site.peer] == nil {
                dial(site, .neighbour(.surely), &effects)
            }
            return
        }
        if hops == OverlayLimits.rememberAt { remember(site) }
        effects.append(.send(others[random.below(others.count)], .joined(site, hops: hops - 1)))
    }
}

public import Identity
public import Wire

/// To whom headers are pushed, and who only hears that they are there: Plumtree (Leitão, Pereira, Rodrigues, SRDS 2007), with
/// a tree for each author.
///
/// A pure machine. All links begin *eager*. Whoever gets an op twice makes the link that was slower *lazy* for ops of its author,
/// at both ends; the eager links that are left are a spanning tree, nearly. On lazy links ids are announced, many in one message.
/// An op that was announced and does not come in time is asked for, which makes that link eager for its author: the tree heals
/// where it broke.
///
/// ```
/// eager ── a duplicate came: PRUNE ▶ ◀ PRUNE received ──▶ lazy
///       ◀── an announced op did not come: GRAFT ▶ ◀ GRAFT received ──
/// ```
/// Deviations. One tree for all falls apart when ops of several authors come at once, as each cuts circles elsewhere: an author's
/// tree begins as a copy of another's and goes on by itself. No optimisation by hops (§3.8) or by time: decision 24. A node waits
/// longer for an announced op than a round trip or two, since each node writes before it passes on.
public struct PushTree: Sendable {
    public enum Effect: Sendable, Equatable {
        /// IHAVE.
        case announce(PeerID, [OpID])
        case graft(PeerID, [OpID])
        /// Ops of these authors should only be announced; if none is named, everybody's.
        case prune(PeerID, [PeerID])
    }

    private struct Link: Sendable {
        /// Its bit in the masks of authors; nil: it knows of one tree for all.
        let bit: UInt64?
        /// Of that one.
        var isEager = true
        /// To be announced, in order.
        var news: [OpID] = []
    }

    /// Announced and not here.
    private struct Missing: Sendable {
        /// Who announced it and was not asked, in that order.
        var announcers: [PeerID]
        var due: Instant
        var wasAskedFor = false
    }

    private var links: [PeerID: Link] = [:]
    /// By author, the links on which its ops are only announced.
    private var lazy: [PeerID: UInt64] = [:]
    private var missing: [OpID: Missing] = [:]
    /// When gathered announcements go out.
    private var announceAt: Instant?
    /// Whether duplicates make links lazy: not in a network where everybody is pushed to.
    public var prunes = false
    public private(set) var counters = PushCounters()

    public init() {}

    /// - Parameter hasTrees: the neighbour understands a PRUNE that names authors.
    /// - Precondition: it understands IHAVE, GRAFT and PRUNE. Others are pushed to, always.
    public mutating func connected(_ peer: PeerID, hasTrees: Bool) {
        disconnected(peer)
        let taken = links.values.reduce(0) { $0 | ($1.bit ?? 0) }
        // More than 64 neighbours are beyond what any node looks for: the others share one tree.
        let bit = hasTrees && ~taken != 0 ? ~taken & (taken &+ 1) : nil
        links[peer] = Link(bit: bit)
    }

    public mutating func disconnected(_ peer: PeerID) {
        guard let bit = links.removeValue(forKey: peer)?.bit else { return }
        lazy = lazy.mapValues { $0 & ~bit }
    }

    /// An op of an author is about to go out. A new author's tree begins as the one that all nodes take, once they know the same.
    public mutating func begin(_ author: PeerID) {
        guard lazy[author] == nil, lazy.count < GossipLimits.treesOfAuthors else { return }
        lazy[author] = lazy.min { $0.key < $1.key }?.value ?? 0
    }

    public func isEager(_ peer: PeerID, for author: PeerID) -> Bool {
        guard let link = links[peer] else { return true }
        guard let bit = link.bit else { return link.isEager }
        return link.isEager && lazy[author, default: 0] & bit == 0
    }

    private mutating func set(_ bit: UInt64, lazy isLazy: Bool, for author: PeerID) {
        begin(author)
        if isLazy { lazy[author]? |= bit } else { lazy[author]? &= ~bit }
    }

    /// Links that are lazy for some author at least.
    public var lazyCount: Int {
        let some = lazy.values.reduce(0, |)
        return links.values.count { !$0.isEager || some & ($0.bit ?? 0) != 0 }
    }
    public var missingCount: Int { missing.count }

    public var nextDeadline: Instant? {
        let due = missing.values.lazy.map(\.due).min()
        guard let announceAt else { return due }
        return min(announceAt, due ?? announceAt)
    }

    // MARK: Going out

    /// An op to announce on a lazy link.
    public mutating func announce(_ id: OpID, to peer: PeerID, now: Instant) {
        links[peer]?.news.append(id)
        if announceAt == nil { announceAt = now + GossipLimits.announceMs }
    }

    /// The neighbour does not want to be pushed ops of these authors; if none is named, anybody's.
    public mutating func pruned(by peer: PeerID, _ authors: [PeerID]) {
        guard let link = links[peer] else { return }
        counters.prunesReceived += 1
        guard !authors.isEmpty else { return links[peer]!.isEager = false }
        guard let bit = link.bit else { return }
        for author in authors { set(bit, lazy: true, for: author) }
    }

    /// The neighbour misses ops of these authors, and wants to be pushed to.
    public mutating func grafted(by peer: PeerID, _ authors: some Sequence<PeerID>) {
        counters.graftsReceived += 1
        links[peer]?.isEager = true
        guard let bit = links[peer]?.bit else { return }
        for author in authors { set(bit, lazy: false, for: author) }
    }

    // MARK: Coming in

    /// A neighbour pushed what was here already, of each of these authors all that it pushed.
    ///
    /// - Parameter isAll: there was nothing else in the message.
    public mutating func duplicate(from peer: PeerID, _ authors: [PeerID], isAll: Bool) -> [Effect] {
        counters.duplicates += 1
        guard prunes, let link = links[peer] else { return [] }
        guard let bit = link.bit else {
            guard isAll, link.isEager else { return [] }
            links[peer]!.isEager = false
            counters.prunesSent += 1
            return [.prune(peer, [])]
        }
        // Also where this end is lazy: it may have copied that, and the other end not.
        for author in authors { set(bit, lazy: true, for: author) }
        counters.prunesSent += 1
        return [.prune(peer, authors)]
    }

    /// A neighbour has these ops, which are not here.
    ///
    /// - Parameter roundTripMs: to it and back, its 95th percentile.
    public mutating func announced(_ ids: [OpID], by peer: PeerID, roundTripMs: UInt64, now: Instant) {
        guard links[peer] != nil else { return }
        let due = now + max(GossipLimits.graftMs, 2 * roundTripMs)
        for id in ids {
            if missing[id] != nil {
                if missing[id]!.announcers.count < GossipLimits.announcers { missing[id]!.announcers.append(peer) }
            } else if missing.count < GossipLimits.missingAnnounced {
                missing[id] = Missing(announcers: [peer], due: due)
            } else {
                counters.announcementsDropped += 1
            }
        }
    }

    /// An op came.
    public mutating func arrived(_ id: OpID, of author: PeerID, from peer: PeerID) {
        // Where it was asked for, the link is to be eager both ways, since trees of new authors are copies of this one.
        guard missing.removeValue(forKey: id)?.wasAskedFor == true, let bit = links[peer]?.bit else { return }
        set(bit, lazy: false, for: author)
    }

    public mutating func tick(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        if let at = announceAt, at <= now {
            announceAt = nil
            for peer in links.keys.sorted() where !links[peer]!.news.isEmpty {
                counters.announced += links[peer]!.news.count
                effects.append(.announce(peer, links[peer]!.news))
                links[peer]!.news = []
            }
        }
        var grafts: [PeerID: [OpID]] = [:]
        for id in missing.filter({ $0.value.due <= now }).keys.sorted() {
            let announcers = missing[id]!.announcers.drop { links[$0] == nil }
            // Whoever has it was asked: comparing frontiers brings it, or it was nothing worth having.
            guard let peer = announcers.first else {
                missing[id] = nil
                continue
            }
            guard grafts[peer, default: []].count < GossipLimits.opsPerGraft else {
                // With the next message.
                missing[id]!.due = now + 1
                continue
            }
            missing[id] = Missing(
                announcers: Array(announcers.dropFirst()), due: now + GossipLimits.graftAgainMs, wasAskedFor: true)
            grafts[peer, default: []].append(id)
        }
        for peer in grafts.keys.sorted() {
            links[peer]!.isEager = true
            counters.graftsSent += 1
            effects.append(.graft(peer, grafts[peer]!))
        }
        return effects
    }
}

/// What pushing did so far, for metrics.
public struct PushCounters: Sendable, Equatable {
    /// Messages with ops that were here, of some author nothing else.
    public var duplicates = 0
    public var prunesSent = 0
    public var prunesReceived = 0
    public var graftsSent = 0
    public var graftsReceived = 0
    /// Ids announced to others, and ids that found no room here.
    public var announced = 0
    public var announcementsDropped = 0

    public init() {}
}

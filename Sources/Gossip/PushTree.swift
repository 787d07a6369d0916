public import Identity
public import Wire

/// To whom headers are pushed, and who only hears that they are there: Plumtree (Leitão, Pereira, Rodrigues, SRDS 2007).
///
/// A pure machine. All links begin *eager*. Whoever gets an op twice makes the link that was slower *lazy*, at both ends;
/// the eager links that are left are a spanning tree, nearly. On lazy links ids are announced, many in one message. An op
/// that was announced and does not come in time is asked for, which makes that link eager: the tree heals where it broke.
///
/// ```
/// eager ── a duplicate came: PRUNE ▶ ◀ PRUNE received ──▶ lazy
///       ◀── an announced op did not come: GRAFT ▶ ◀ GRAFT received ──
/// ```
/// Deviations: no optimisation by hops (§3.8), since a header's way is short beside the write that each node makes before
/// it passes the header on; and for the same reason a node waits longer for an announced op than a round trip or two.
public struct PushTree: Sendable {
    public enum Effect: Sendable, Equatable {
        /// IHAVE.
        case announce(PeerID, [OpID])
        case graft(PeerID, [OpID])
        case prune(PeerID)
    }

    private struct Link: Sendable {
        var isEager = true
        /// To be announced, in order.
        var news: [OpID] = []
    }

    /// Announced and not here.
    private struct Missing: Sendable {
        /// Who announced it and was not asked, in that order.
        var announcers: [PeerID]
        var due: Instant
    }

    private var links: [PeerID: Link] = [:]
    private var missing: [OpID: Missing] = [:]
    /// When gathered announcements go out.
    private var announceAt: Instant?
    /// Whether duplicates make links lazy: not in a network where everybody is pushed to.
    public var prunes = false
    public private(set) var counters = PushCounters()

    public init() {}

    /// - Precondition: the neighbour understands IHAVE, GRAFT and PRUNE. Others are pushed to, always.
    public mutating func connected(_ peer: PeerID) { links[peer] = Link() }

    public mutating func disconnected(_ peer: PeerID) { links[peer] = nil }

    public func isEager(_ peer: PeerID) -> Bool { links[peer]?.isEager ?? true }
    public var lazyCount: Int { links.values.count { !$0.isEager } }
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

    /// The neighbour does not want to be pushed to.
    public mutating func pruned(by peer: PeerID) {
        guard links[peer]?.isEager == true else { return }
        links[peer]!.isEager = false
        counters.prunesReceived += 1
    }

    /// The neighbour misses ops, and wants to be pushed to.
    public mutating func grafted(by peer: PeerID) {
        links[peer]?.isEager = true
        counters.graftsReceived += 1
    }

    // MARK: Coming in

    /// A neighbour pushed only what was here already.
    public mutating func duplicate(from peer: PeerID) -> [Effect] {
        counters.duplicates += 1
        guard prunes, links[peer]?.isEager == true else { return [] }
        links[peer]!.isEager = false
        counters.prunesSent += 1
        return [.prune(peer)]
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

    /// An op came, from wherever.
    public mutating func arrived(_ id: OpID) { missing[id] = nil }

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
            missing[id] = Missing(announcers: Array(announcers.dropFirst()), due: now + GossipLimits.graftAgainMs)
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
    /// Messages with nothing but ops that were here.
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

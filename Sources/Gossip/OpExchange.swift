public import Identity
public import Replication
public import Session
public import Wire

/// Spreading of op headers: push along a tree of neighbours, and anti-entropy that repairs whatever push missed
/// (protocol §4, §5).
///
/// A pure machine over peers, not connections. It compares frontiers on connecting and every ten
/// seconds; whoever lacks something pulls it. Push is an optimisation: without it everything still
/// arrives.
public struct OpExchange: Sendable {
    public enum Effect: Sendable, Equatable {
        /// Digests only: at most 120 bytes.
        case sendSummary(PeerID)
        /// The whole frontier of the latest summary.
        case sendFrontier(PeerID)
        /// A step of comparing large frontiers; one message, of the latest summary.
        case sendRanges(PeerID, [FrontierRange])
        case sendPull(PeerID, [OpRange])
        /// Push these ops, all in the store.
        case sendOps(PeerID, [OpID])
        case tree(PushTree.Effect)
        /// Same frontier, other state: somebody's fold is broken.
        case diverged(PeerID, ours: Hash32, theirs: Hash32)
    }

    /// How far a neighbour has a log.
    public struct Place: Sendable, Equatable {
        public let key: LogKey
        public let seq: UInt64
        /// Where it knows the log to fork.
        public let forkSeq: UInt64?

        public init(key: LogKey, seq: UInt64, forkSeq: UInt64? = nil) {
            self.key = key
            self.seq = seq
            self.forkSeq = forkSeq
        }
    }

    struct Neighbour: Sendable {
        /// Up to where this neighbour has each log, as far as we know.
        var theirs: [LogKey: UInt64] = [:]
        /// Logs in which it may have more than this node: where to look for what to pull.
        var ahead: Set<LogKey> = []
        /// The latest frontier at which it reported the same state as this node has there.
        var agreed: Hash32?
        /// The frontier it was last sent whole; nil once a new round of anti-entropy began.
        var sentFrontier: Hash32?
        /// Not a visitor: it hears of what is new.
        var isPushedTo = true
        /// Up to where the latest PULL asked it for each log: what comes from there was asked for.
        var asked: [LogKey: UInt64] = [:]
        /// What it may still send unasked.
        var pushes = TokenBucket(
            perSecond: GossipLimits.pushesPerSecond, burst: GossipLimits.pushBurst, now: Instant(milliseconds: 0))
        /// It speaks of ranges.
        var comparesRanges = false
        /// Messages about ranges it got answers to in this round of anti-entropy.
        var rangeAnswers = 0
    }

    /// A range that was asked for and has not come yet.
    private struct Pull: Sendable {
        let peer: PeerID
        let through: UInt64
        let deadline: Instant
    }

    var summary: Summary
    /// Of the summary; made when it is first needed.
    var reconciliation: Reconciliation?
    public internal(set) var counters = ExchangeCounters()
    var neighbours: [PeerID: Neighbour] = [:]
    public var tree = PushTree()
    private var pulls: [LogKey: Pull] = [:]
    private var nextAntiEntropy: Instant
    /// Whom to compare with next: a shuffled round of all neighbours, so that none waits long.
    private var round: [PeerID] = []
    private var random: Random

    public init(summary: Summary, random: Random, now: Instant) {
        self.summary = summary
        self.random = random
        nextAntiEntropy = now
        nextAntiEntropy = now + interval()
    }

    private mutating func interval() -> UInt64 {
        UInt64(GossipLimits.antiEntropyMs * 7 / 10 + random.below(GossipLimits.antiEntropyMs * 6 / 10))
    }

    /// When ``tick(now:headersThrough:)`` has work to do.
    public var nextDeadline: Instant {
        pulls.values.reduce(min(nextAntiEntropy, tree.nextDeadline ?? nextAntiEntropy)) { min($0, $1.deadline) }
    }

    private var sortedNeighbours: [PeerID] { neighbours.keys.sorted() }

    /// Whether a neighbour was seen at the frontier where this node is now, with the same state.
    public func isInStep(_ peer: PeerID) -> Bool { neighbours[peer]?.agreed == summary.frontierDigest }

    // MARK: Neighbours

    /// - Parameters:
    ///   - frontier: the digest in the neighbour's HELLO.
    ///   - comparesRanges: it speaks of ranges.
    ///   - begins: of the two, this node begins with ranges. Whole frontiers are sent by both.
    ///   - hasTree: it understands announcements.
    ///   - hasTrees: and a tree for each author.
    ///   - isPushedTo: it is a neighbour from the start.
    public mutating func connected(
        _ peer: PeerID, frontier: Hash32, state: Hash32, comparesRanges: Bool = false, begins: Bool = true,
        hasTree: Bool = false, hasTrees: Bool = false, isPushedTo: Bool = true
    ) -> [Effect] {
        neighbours[peer] = Neighbour(isPushedTo: isPushedTo, comparesRanges: comparesRanges)
        if hasTree { tree.connected(peer, hasTrees: hasTrees) }
        guard begins || !usesRanges(peer) || frontier == summary.frontierDigest else { return [] }
        return compare(peer, frontier: frontier, state: state)
    }

    /// A neighbour hears of what is new; a visitor compares frontiers and leaves.
    public mutating func setPushedTo(_ peer: PeerID, _ isPushedTo: Bool) -> [Effect] {
        guard neighbours[peer] != nil, neighbours[peer]!.isPushedTo != isPushedTo else { return [] }
        neighbours[peer]!.isPushedTo = isPushedTo
        // What has come since it was compared with, it was not told.
        return isPushedTo && neighbours[peer]!.agreed != summary.frontierDigest ? [.sendSummary(peer)] : []
    }

    public mutating func disconnected(_ peer: PeerID, headersThrough: (LogKey) -> UInt64, now: Instant) -> [Effect] {
        neighbours[peer] = nil
        tree.disconnected(peer)
        pulls = pulls.filter { $0.value.peer != peer }
        return pullMissing(headersThrough: headersThrough, now: now)
    }

    private mutating func compare(_ peer: PeerID, frontier: Hash32, state: Hash32) -> [Effect] {
        guard frontier == summary.frontierDigest else { return sendFrontierOnce(peer) }
        for (key, head) in summary.frontier.heads { note(peer, has: key, through: head.seq) }
        if state == summary.stateDigest { neighbours[peer]?.agreed = frontier }
        return state == summary.stateDigest
            ? [] : [.diverged(peer, ours: summary.stateDigest, theirs: state)]
    }

    private mutating func sendFrontierOnce(_ peer: PeerID) -> [Effect] {
        guard neighbours[peer] != nil, neighbours[peer]!.sentFrontier != summary.frontierDigest else { return [] }
        neighbours[peer]!.sentFrontier = summary.frontierDigest
        guard usesRanges(peer) else { return [.sendFrontier(peer)] }
        counters.comparisons += 1
        return [.sendRanges(peer, ranges { $0.opening() })]
    }

    // MARK: Frontiers

    public mutating func receivedSummary(from peer: PeerID, frontier: Hash32, state: Hash32) -> [Effect] {
        guard neighbours[peer] != nil else { return [] }
        neighbours[peer]!.sentFrontier = nil
        return compare(peer, frontier: frontier, state: state)
    }

    /// A neighbour's whole frontier, or a part of it.
    public mutating func receivedFrontier(
        from peer: PeerID, digest: Hash32, state: Hash32, entries: [Place], last: Bool,
        headersThrough: (LogKey) -> UInt64, now: Instant
    ) -> [Effect] {
        guard neighbours[peer] != nil else { return [] }
        for entry in entries { note(peer, has: entry.key, through: entry.seq) }
        var effects = pullMissing(headersThrough: headersThrough, now: now)
        // Whoever sees what this node knows of forks sends the proofs that it lacks.
        if entries.contains(where: { $0.forkSeq ?? .max < summary.frontier[$0.key]?.forkSeq ?? .max }) {
            effects += sendFrontierOnce(peer)
        }
        guard last else { return effects }
        if digest == summary.frontierDigest {
            if state == summary.stateDigest {
                neighbours[peer]!.agreed = digest
            } else {
                effects.append(.diverged(peer, ours: summary.stateDigest, theirs: state))
            }
        } else if summary.frontier.heads.contains(where: { $0.value.seq > neighbours[peer]!.theirs[$0.key] ?? 0 }) {
            effects += sendFrontierOnce(peer)
        }
        return effects
    }

    mutating func note(_ peer: PeerID, has key: LogKey, through seq: UInt64) {
        guard neighbours[peer] != nil else { return }
        // No copy of the table may be alive when it is written to.
        let known = neighbours[peer]!.theirs[key]
        guard seq > known ?? 0 else { return }
        guard known != nil || neighbours[peer]!.theirs.count < GossipLimits.logsPerNeighbour else {
            counters.logsIgnored += 1
            return
        }
        neighbours[peer]!.theirs[key] = seq
        neighbours[peer]!.ahead.insert(key)
    }

    // MARK: Ops

    /// Ops came from `peer`, verified and offered to the replica.
    ///
    /// - Parameter places: of those for which there was room.
    public mutating func receivedOps(
        from peer: PeerID, _ places: [(key: LogKey, seq: UInt64)], headersThrough: (LogKey) -> UInt64, now: Instant
    ) -> [Effect] {
        for place in places {
            note(peer, has: place.key, through: place.seq)
            // Answered, and of no use: the log forks. Nothing else should wait for it.
            if let pull = pulls[place.key], pull.peer == peer, pull.through == place.seq,
                headersThrough(place.key) < pull.through
            {
                pulls[place.key] = nil
                neighbours[peer]?.theirs[place.key] = headersThrough(place.key)
            }
        }
        for (key, pull) in pulls where headersThrough(key) >= pull.through { pulls[key] = nil }
        return pullMissing(headersThrough: headersThrough, now: now)
    }

    /// A neighbour asked for ranges; only those that are in the store are worth loading.
    public func servable(_ ranges: [OpRange]) -> [OpRange] {
        var left = GossipLimits.opsPerPull
        var servable: [OpRange] = []
        for range in ranges {
            let through = min(range.through, summary.frontier[range.key]?.seq ?? 0)
            guard left > 0, range.from >= 1, range.from <= through else { continue }
            let end = min(through, range.from + left - 1)
            servable.append(OpRange(key: range.key, from: range.from, through: end))
            left -= end - range.from + 1
        }
        return servable
    }

    /// The node's applied and durable state went on. Pushes what is new to whoever lacks it.
    ///
    /// - Parameter new: in the order of application.
    public mutating func advanced(
        to summary: Summary, new: [(id: OpID, key: LogKey, seq: UInt64)], headersThrough: (LogKey) -> UInt64,
        now: Instant
    ) -> [Effect] {
        self.summary = summary
        reconciliation = nil
        var effects: [Effect] = []
        for op in new { tree.begin(op.key.author) }
        for peer in sortedNeighbours where neighbours[peer]!.isPushedTo {
            let lacking = new.filter { $0.seq > neighbours[peer]!.theirs[$0.key] ?? 0 }
            var pushed: [OpID] = []
            var hasGap = false
            for op in lacking {
                guard tree.isEager(peer, for: op.key.author) else {
                    neighbours[peer]!.theirs[op.key] = op.seq
                    tree.announce(op.id, to: peer, now: now)
                    continue
                }
                // A gap would only fill the neighbour's pool: anti-entropy brings the rest in order.
                guard op.seq == (neighbours[peer]!.theirs[op.key] ?? 0) + 1 else {
                    hasGap = true
                    continue
                }
                neighbours[peer]!.theirs[op.key] = op.seq
                pushed.append(op.id)
            }
            if !pushed.isEmpty { effects.append(.sendOps(peer, pushed)) }
            if hasGap { effects += sendFrontierOnce(peer) }
        }
        return effects + pullMissing(headersThrough: headersThrough, now: now)
    }

    /// A neighbour pushed ops, some of which were here already.
    public mutating func duplicates(
        from peer: PeerID, of places: [(key: LogKey, seq: UInt64)], known: [(key: LogKey, seq: UInt64)]
    ) -> [Effect] {
        guard let neighbour = neighbours[peer], neighbour.isPushedTo,
            !known.contains(where: { wasAsked(peer, for: $0.key, $0.seq) })
        else { return [] }
        let all = Dictionary(grouping: places, by: \.key.author)
        let twice = Dictionary(grouping: known, by: \.key.author).filter { $0.value.count == all[$0.key]?.count }
        guard !twice.isEmpty else { return [] }
        return tree.duplicate(from: peer, twice.keys.sorted(), isAll: twice.count == all.count).map { .tree($0) }
    }

    /// A neighbour has an op that is here, too.
    public mutating func announced(_ place: (key: LogKey, seq: UInt64), by peer: PeerID) {
        note(peer, has: place.key, through: place.seq)
    }

    /// A push did not fit the neighbour's queue: we do not know what it has.
    public mutating func pushFailed(_ peer: PeerID, _ places: [(key: LogKey, seq: UInt64)]) {
        guard neighbours[peer] != nil else { return }
        for place in places where (neighbours[peer]!.theirs[place.key] ?? 0) >= place.seq {
            neighbours[peer]!.theirs[place.key] = place.seq - 1
        }
    }

    /// Asks every neighbour that has no question to answer for what it has more.
    ///
    /// Logs build on each other, so all of them go on at once: a log that was pulled far ahead would
    /// fill the pool with ops that wait for the others. Short gaps are closed whole, long ones share
    /// the rest evenly.
    mutating func pullMissing(headersThrough: (LogKey) -> UInt64, now: Instant) -> [Effect] {
        let busy = Set(pulls.values.map(\.peer))
        var effects: [Effect] = []
        for peer in sortedNeighbours where !busy.contains(peer) && !neighbours[peer]!.ahead.isEmpty {
            let ranges = share(GossipLimits.opsPerPull, among: gaps(of: peer, headersThrough))
            guard !ranges.isEmpty else { continue }
            neighbours[peer]!.asked = Dictionary(uniqueKeysWithValues: ranges.map { ($0.key, $0.through) })
            for range in ranges {
                pulls[range.key] = Pull(peer: peer, through: range.through, deadline: now + GossipLimits.answerMs)
            }
            effects.append(.sendPull(peer, ranges))
        }
        return effects
    }

    private struct Gap {
        let key: LogKey
        /// Ops from 1 to here are at hand.
        let have: UInt64
        /// Ops that may be asked for now.
        let count: UInt64
    }

    /// What a neighbour can bring, the smallest gaps first.
    private mutating func gaps(of peer: PeerID, _ headersThrough: (LogKey) -> UInt64) -> [Gap] {
        var lacking: [(key: LogKey, have: UInt64, seq: UInt64)] = []
        for key in neighbours[peer]!.ahead.sorted() {
            // Beyond a fork there is nothing to pull, whatever a neighbour has that does not know of it yet.
            let end = (summary.frontier[key]?.forkSeq).map { $0 - 1 } ?? .max
            let (have, seq) = (headersThrough(key), min(neighbours[peer]!.theirs[key] ?? 0, end))
            if seq > have { lacking.append((key, have, seq)) } else { neighbours[peer]!.ahead.remove(key) }
        }
        let window = max(2, GossipLimits.opsAhead / UInt64(max(lacking.count, 1)))
        return lacking.compactMap { key, have, seq in
            let waiting = have - min(have, summary.frontier[key]?.seq ?? 0)
            guard pulls[key] == nil, waiting < window else { return nil }
            return Gap(key: key, have: have, count: min(seq - have, window - waiting))
        }
        .sorted { ($0.count, $0.key) < ($1.count, $1.key) }
    }

    /// Divides `total` ops, one at least to each gap as long as there are any.
    private func share(_ total: UInt64, among gaps: [Gap]) -> [OpRange] {
        var left = total
        var ranges: [OpRange] = []
        for (index, gap) in gaps.enumerated() where left > 0 {
            let count = min(gap.count, max(1, left / UInt64(gaps.count - index)))
            left -= count
            ranges.append(OpRange(key: gap.key, from: gap.have + 1, through: gap.have + count))
        }
        return ranges.sorted { $0.key < $1.key }
    }

    /// Whom a missing body can be asked of: neighbours that have the op, in a random order.
    public mutating func holders(of key: LogKey, seq: UInt64) -> [PeerID] {
        var holders = sortedNeighbours.filter { neighbours[$0]!.theirs[key] ?? 0 >= seq }
        random.shuffle(&holders)
        return holders
    }

    // MARK: Time

    public mutating func tick(now: Instant, headersThrough: (LogKey) -> UInt64) -> [Effect] {
        var effects: [Effect] = tree.tick(now: now).map { .tree($0) }
        let late = pulls.filter { $0.value.deadline <= now }
        if !late.isEmpty {
            for (key, pull) in late {
                pulls[key] = nil
                // It did not answer: let somebody else, and learn anew what it has.
                neighbours[pull.peer]?.theirs[key] = headersThrough(key)
            }
            effects += pullMissing(headersThrough: headersThrough, now: now)
        }
        if now >= nextAntiEntropy {
            nextAntiEntropy = now + interval()
            // What was here may have been dropped since.
            for peer in sortedNeighbours {
                neighbours[peer]!.ahead = Set(neighbours[peer]!.theirs.keys)
                neighbours[peer]!.rangeAnswers = 0
            }
            effects += pullMissing(headersThrough: headersThrough, now: now)
            round.removeAll { neighbours[$0] == nil }
            if round.isEmpty {
                round = sortedNeighbours
                random.shuffle(&round)
            }
            if let peer = round.popLast() {
                neighbours[peer]!.sentFrontier = nil
                effects.append(.sendSummary(peer))
            }
        }
        return effects
    }
}

internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Networks with more sites than know each other: what is asked of them, how they are split, and what must hold.
extension World {
    /// Each site lists three that were there before it, as somebody with a ticket would.
    static func sparseEdges(_ count: Int, _ random: inout Random) -> [[Int]] {
        (0..<count).map { site in
            guard site > 0 else { return count > 1 ? [1] : [] }
            return Set((0..<3).map { _ in random.below(site) }).sorted()
        }
    }

    /// One half of the sites hears nothing of the other until everything is healed.
    mutating func split() {
        guard !isHealed else { return }
        note("split in halves")
        for from in sites.indices {
            for to in sites.indices where (from < sites.count / 2) != (to < sites.count / 2) {
                network.block(from, to, .lose)
            }
        }
    }

    /// First who is no founder is admitted, then ops are signed that no model has to be kept for, then the network falls apart.
    mutating func beginLarge(until end: UInt64) {
        scheduleQuestions(until: end)
        if let at = options.splitMs { queue.schedule(.split, at: at) }
        guard options.isHuge else { return }
        let joined = options.joinedMs
        for _ in 0..<options.admissions { queue.schedule(.admit, at: 500 + UInt64(random.below(Int(joined)))) }
        for _ in 0..<options.submissions {
            queue.schedule(.submit, at: 500 + joined + UInt64(random.below(Int(end - joined))))
        }
    }

    /// Those that sign: spread over all sites, so that both halves of a split network have some.
    private var writers: [Int] {
        (0..<options.writers).map { $0 * sites.count / options.writers }.filter {
            sites[$0].node?.state.members.contains(sites[$0].identity.peerID) == true
        }
    }

    /// The next member that is no founder.
    mutating func admit() throws(Violation) {
        let writers = writers
        let next = genesis.founders.count + admitted
        guard !writers.isEmpty, next < sites.count else { return }
        admitted += 1
        try submitAdmission(of: next, at: writers[random.below(writers.count)])
    }

    mutating func submitSmall() throws(Violation) {
        let writers = writers
        guard !writers.isEmpty else { return }
        let site = writers[random.below(writers.count)]
        try submitAdmission(of: site, at: site)
    }

    private mutating func submitAdmission(of member: Int, at site: Int) throws(Violation) {
        do {
            let add = try MemberAdd(peer: sites[member].identity.peerID, name: "site at \(now) ms")
            try submit(.memberAdd, add.encode(), at: site)
        } catch let violation as Violation {
            throw violation
        } catch {
            preconditionFailure("the name is within its bounds: \(error)")
        }
    }

    /// How many running sites hang together by neighbours that both ends know as such.
    var reachable: Int {
        func neighbours(_ site: Int) -> [Int] {
            let own = sites[site].identity.peerID
            return sites[site].node!.overlay.neighbours.compactMap { places[$0] }
                .filter { sites[$0].node?.overlay.isNeighbour(own) == true }
        }
        var seen: Set<Int> = [0]
        var edge = [0]
        while let site = edge.popLast() {
            for other in neighbours(site) where seen.insert(other).inserted { edge.append(other) }
        }
        return seen.count
    }

    /// The overlay is one network within a minute of healing (protocol §10, invariant 23).
    mutating func checkOverlay(healedAt: UInt64) throws(Violation) {
        guard sites.allSatisfy({ $0.node!.overlay.isPartial }) else { return }
        while reachable < sites.count {
            guard now < healedAt + 60_000 else {
                throw Violation(
                    .oneOverlay, "\(reachable) of \(sites.count) sites hang together a minute after healing")
            }
            let until = now + 1_000
            while queue.nextTime.map({ $0 <= until }) ?? false { try step() }
            now = until
        }
        note("one overlay")
    }
}

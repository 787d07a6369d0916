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

    /// Members that are no founders are admitted first; then ops that no model has to be kept for.
    mutating func submitSmall() throws(Violation) {
        let writers = (0..<min(sites.count, SimulationOptions.writers)).filter {
            sites[$0].node?.state.members.contains(sites[$0].identity.peerID) == true
        }
        guard !writers.isEmpty else { return }
        let site = writers[random.below(writers.count)]
        let next = genesis.founders.count + admitted
        let isAdmission = next < sites.count
        if isAdmission { admitted += 1 }
        do {
            let add = try MemberAdd(
                peer: sites[isAdmission ? next : site].identity.peerID, name: "site at \(now) ms")
            try submit(.memberAdd, add.encode(), at: site)
        } catch let violation as Violation {
            throw violation
        } catch {
            preconditionFailure("the name is within its bounds: \(error)")
        }
    }

    /// How many running sites hang together by neighbours that both ends know as such.
    var reachable: Int {
        let places = Dictionary(
            uniqueKeysWithValues: sites.enumerated().map { ($0.element.identity.peerID, $0.offset) })
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

extension SimulationOptions {
    /// Sites up to which a run is what its seed says; larger networks have troubles of their own.
    static let fewNodes = 16
    /// Sites up to which models are trained.
    static let trainedNodes = 64
    static let mostNodes = 1_000
    /// Sites that sign in networks beyond that.
    static let writers = 16

    var isLarge: Bool { nodes > Self.fewNodes }
    var isHuge: Bool { nodes > Self.trainedNodes }

    /// What a large network leaves out: ill will and damaged disks are for small ones, where they are cheaper.
    mutating func fitLarge() {
        partitionEverySeconds = nil
        (restoresDatabase, losesJournal, fillsDisk, lateJoiner, misdirects) = (false, false, false, false, false)
        (movesKoi, decides, hugeBodies, burst) = (false, false, false, 3)
        hostiles = []
        latencyMs = min(latencyMs, 80)
        jitterMs = min(jitterMs, 80)
        writeMs = min(writeMs, 50)
        splits = !isCalm
        guard isHuge else { return }
        (resetEverySeconds, crashEverySeconds, pauseEverySeconds) = (nil, nil, nil)
        largeBodies = false
    }
}

internal import Dispatch
internal import Federation
internal import Graph
internal import Learning
internal import Wire

/// Sites that learn one model together, with everything of production but sockets and databases: owners,
/// scaling, error feedback, quantised and compressed bodies, judged and merged in integers at every site.
final class JointTraining {
    private let plan: QualityPlan
    let sites: [JointSite]
    /// Sites that learn.
    private let members: [Int]
    /// The mean over the sites that learn.
    private let epochsPerRound: Double
    private(set) var round = 0
    /// Bytes of all bodies so far.
    private(set) var bytes = 0
    /// Bodies of each round, by member, kept as long as they are on their way.
    private var sent: [[[Bytes]]] = []
    /// Bodies of the latest round, by member.
    private(set) var latest: [[Bytes]] = []

    init(_ data: QualityData, _ plan: QualityPlan, seed: UInt64) throws {
        self.plan = plan
        members = data.sites.indices.filter { data.sites[$0].learns }
        var sites: [JointSite] = []
        for place in data.sites.indices {
            sites.append(try JointSite(data, place, plan, members: members.count, seed: seed))
        }
        self.sites = sites
        epochsPerRound = members.reduce(0) { $0 + sites[$1].epochsPerRound } / Double(max(1, members.count))
        for author in members {
            for announcement in try sites[author].announcements() {
                for site in sites { try site.hear(announcement, from: author) }
            }
        }
    }

    /// Trains one round at every site and delivers what is due.
    ///
    /// - Parameter conduct: of each site; all are honest unless told otherwise.
    func train(_ conduct: (Int) -> Conduct = { _ in .honest }) throws -> RoundFigures {
        let conducts = members.map(conduct)
        var outcomes: [Result<JointSite.Outcome, any Error>?] = Array(repeating: nil, count: members.count)
        if plan.threads > 1 {
            outcomes = atOnce(members.count) { [sites, members] index in
                Result { try sites[members[index]].train(conducts[index]) }
            }
        } else {
            for index in members.indices {
                outcomes[index] = Result { try sites[members[index]].train(conducts[index]) }
            }
        }
        let results = try outcomes.map { try $0!.get() }
        round += 1
        sent.append(results.map(\.bodies))
        latest = results.map(\.bodies)
        // A site hears itself at once.
        for (index, author) in members.enumerated() {
            for body in results[index].bodies { try sites[author].hear(body, from: author) }
        }
        if sent.count > plan.delay { try deliver(sent.removeFirst()) }
        if round == plan.rounds {
            while !sent.isEmpty { try deliver(sent.removeFirst()) }
        }
        let total = results.reduce(0) { $0 + $1.bodies.reduce(0) { $0 + $1.count } }
        bytes += total
        return RoundFigures(
            round: round, loss: results.reduce(0) { $0 + $1.loss } / Float(results.count),
            epochs: Double(round) * epochsPerRound, bytes: Double(total) / Double(results.count))
    }

    private func deliver(_ bodies: [[Bytes]]) throws {
        for (index, author) in members.enumerated() {
            for (place, site) in sites.enumerated() where place != author {
                for body in bodies[index] { try site.hear(body, from: author) }
            }
        }
    }

    /// Mean bytes of a site's deltas per round.
    var bytesPerRound: Double { Double(bytes) / Double(max(1, round * members.count)) }

    /// Whether all sites hold the same sums and owners, to the bit.
    func agree() -> Bool { Set(sites.map { $0.digest() }).count == 1 }

    // MARK: Checkpoints

    /// For a checkpoint between rounds; bodies that are on their way arrive first.
    func saved() throws -> SavedJoint {
        while !sent.isEmpty { try deliver(sent.removeFirst()) }
        return SavedJoint(
            round: round, bytes: bytes, sums: sites[0].savedSums(), trainers: try members.map { try sites[$0].saved() })
    }

    func resume(_ saved: SavedJoint) throws {
        guard saved.trainers.count == members.count else { throw BenchmarkError.damagedCheckpoint }
        (round, bytes) = (saved.round, saved.bytes)
        for site in sites { try site.load(saved.sums) }
        for (index, place) in members.enumerated() {
            try sites[place].resume(saved.trainers[index], round: round)
        }
    }
}

/// Results of 0 ..< count, calculated at the same time.
private func atOnce<Value>(_ count: Int, _ body: (Int) -> Value) -> [Value?] {
    var results = [Value?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { slots in
        nonisolated(unsafe) let slots = slots
        withoutActuallyEscaping(body) { escaping in
            nonisolated(unsafe) let shared = escaping
            DispatchQueue.concurrentPerform(iterations: count) { @Sendable index in slots[index] = shared(index) }
        }
    }
    return results
}

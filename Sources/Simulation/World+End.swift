internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// What must hold when everything is repaired.
extension World {
    /// How long convergence may take: links that died must be noticed and dialled again, then
    /// ceil(log2 N) + 2 rounds of anti-entropy of at most 13 s, and the writes of a line of sites.
    var convergenceMs: UInt64 {
        var rounds = 2
        while 1 << (rounds - 2) < sites.count { rounds += 1 }
        return 20_000 + UInt64(rounds) * 13_000 + UInt64(sites.count * 3 * options.writeMs)
    }

    var hasEqualFrontiers: Bool {
        let first = sites[0].node?.summary.frontierDigest
        return first != nil && sites.allSatisfy { $0.node?.summary.frontierDigest == first && $0.node?.stopped == nil }
    }

    func describeFrontiers() -> String {
        let frontiers = sites.enumerated().map { site, state in
            let heads = state.node?.summary.frontier.sorted ?? []
            let text = heads.map { "\($0.key.author.short)/\($0.key.log.hex.prefix(4)):\($0.head.seq)" }
            return "    site \(site) (\(state.identity.peerID.short), \(state.node?.peers.count ?? 0) peers): "
                + text.joined(separator: " ")
        }
        return "frontiers differ\n" + frontiers.joined(separator: "\n")
    }

    mutating func lastChecks() throws(Violation) {
        for site in sites.indices { countRefusals(at: site) }
        try durabilityCheck.atTheEnd(sites.map(\.disk))
        for site in sites.indices {
            let node = sites[site].node!
            guard sites[site].disk.ops.count == Int(node.summary.frontier.opCount) else {
                throw Violation(.contract, "site \(site) holds ops beyond what it announces at the end")
            }
        }
        let site = random.below(sites.count)
        try RefoldCheck.check(
            sites[site].disk.ops, against: sites[site].node!.summary.stateDigest, genesis: genesis, random: &random,
            site: site)
    }

    /// What a node counted in the life that ends now.
    mutating func countRefusals(at site: Int) {
        guard let counters = sites[site].node?.counters else { return }
        for (code, count) in counters.refused.sorted(by: { $0.key < $1.key }) {
            note("counted: \(code)", count)
        }
        note("body bytes in vain", counters.bodyBytesReceived - counters.bodyBytesUseful)
        note("bodies fetched", counters.bodiesFetched)
    }

    func report(convergedMs: UInt64) -> SimulationReport {
        SimulationReport(
            options: options, traceHash: trace.hash, events: trace.events, ops: sites[0].disk.ops.count,
            simulatedMs: now, convergedMs: convergedMs,
            occurrences: occurrences.sorted { $0.key < $1.key }.map { .init(name: $0.key, count: $0.value) })
    }
}

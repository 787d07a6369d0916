internal import Consensus
internal import Gossip
internal import Identity
internal import Ledger
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

    /// How long it may take on top until nobody waits for an answer or for the clock: a round that lasts as long as the
    /// faults did, or twice; then a checkpoint for each step of the longest bounty or auction, each with some rounds of its own.
    var businessMs: UInt64 {
        let isAsked =
            options.movesKoi || options.decides || options.lateJoiner || options.sumsEveryDeltas < 256
            || options.leaver != nil || options.rotator != nil
        guard isAsked else { return 0 }
        let checkpoints = LoadGenerator.longestEscrowSeconds / UInt64(options.checkpointSeconds) + 3
        return 2_000 * UInt64(options.faultSeconds) + checkpoints * (1_000 * UInt64(options.checkpointSeconds) + 30_000)
    }

    /// Blocks of deltas whose sums are certified, where most are known.
    var summedBlocks: Int { present.compactMap { sites[$0].node?.certifiedSums.count }.max() ?? 0 }

    /// Everybody tells the same, and nothing is on its way to a disk.
    var hasEqualFrontiers: Bool {
        // By index: a copy of a site costs more than the comparison.
        let present = sites.indices.filter { !sites[$0].isGone }
        guard let first = sites[present[0]].node?.summary.frontierDigest else { return false }
        return present.allSatisfy { site in
            sites[site].node?.summary.frontierDigest == first && sites[site].node!.stopped == nil
                && !sites[site].node!.isWriting
                && sites[site].disk.database.lastIndex == sites[site].node!.durableIndex
        }
    }

    /// The quiet is over before it counted.
    mutating func stirs() {
        for site in sites.indices { (sites[site].idleEvents, sites[site].idleFrames) = (0, 0) }
    }

    func describeFrontiers() -> String {
        let frontiers = sites.enumerated().map { site, state in
            let heads = state.node?.summary.frontier.sorted ?? []
            let text = heads.map {
                "\($0.key.author.short)/\($0.key.log.hex.prefix(4)):\($0.head.seq) \($0.head.id.short)"
                    + ($0.head.forkSeq.map { " forks at \($0)" } ?? "")
            }
            let digest = state.node?.summary.frontierDigest.short ?? "none"
            let unsettled = state.node.map { $0.isWriting || $0.durableIndex != state.disk.database.lastIndex } ?? false
            return
                "    site \(site) (\(state.identity.peerID.short), \(state.node?.peers.count ?? 0) peers) at \(digest)"
                + (unsettled ? ", writing: " : ": ") + text.joined(separator: " ") + waits(state)
        }
        let waiting = awaitingRelease
        let what = waiting.isEmpty ? "frontiers differ" : "sites have left, and are never let go: \(waiting)"
        return what + "\n" + frontiers.joined(separator: "\n")
    }

    /// What keeps a site from resting.
    private func waits(_ site: Site) -> String {
        guard let state = site.node?.state else { return site.isGone ? " (left)" : " (down)" }
        let consensus = state.consensus
        var kinds: [String: Int] = [:]
        for id in consensus.openQuestions {
            guard let question = consensus.matters[id]?.question else { continue }
            kinds["\(question.kind)\(question.expires < 1 << 53 ? " until \(question.expires)" : "")", default: 0] += 1
        }
        let open = kinds.sorted { $0.key < $1.key }.map { "\($0.key) x\($0.value)" }.joined(separator: ", ")
        return "; open: \(open); certified time \(consensus.seconds), next deadline of Koi "
            + (state.ledger.nextDeadline.map(String.init) ?? "none") + rounds(consensus.nextCheckpoint)
    }

    /// The last rounds of a question, and those in which somebody was locked.
    private func rounds(_ matter: Matter) -> String {
        let ballots = matter.votes.map(\.vote.ballot)
        let numbers = Set(ballots.map(\.round) + matter.proposals.values.map(\.proposal.round)).sorted()
        let locking = Set(ballots.filter { $0.phase == .commit }.map(\.round))
        return numbers.filter { locking.contains($0) || numbers.suffix(6).contains($0) }.map { number in
            let proposed = matter.proposals.values.filter { $0.proposal.round == number }
                .map { "\($0.author.short) proposes \($0.proposal.value.hash.hex.prefix(4))" }.sorted()
            let cast = matter.votes.filter { $0.vote.ballot.round == number }.map {
                "\($0.author.short) \($0.vote.ballot.phase) \($0.vote.ballot.value.hex.prefix(4))"
            }.sorted()
            return "; round \(number): " + (proposed + cast).joined(separator: ", ")
        }.joined()
    }

    mutating func lastChecks() throws(Violation) {
        let present = present
        for site in present { countRefusals(at: site) }
        try durabilityCheck.atTheEnd(present.map { ($0, sites[$0].disk) })
        for site in present { try checkRest(of: site) }
        for site in present { try checkKoi(of: site) }
        try checkTickets()
        try checkCredits()
        if options.isCalm { try checkBytes() }
        let site = present[random.below(present.count)]
        try checkHistory(of: site)
        try refold(site, through: .max)
        // Those that began with sums, or dropped bodies, above all.
        for other in present where other != site && !sites[other].disk.pinned.isEmpty {
            try refold(other, through: .max)
        }
    }

    /// What `shoal koi history --verify` says of a site.
    func checkHistory(of site: Int) throws(Violation) {
        let disk = sites[site].disk
        let audit = HistoryAudit(
            Recovered(ops: disk.ops, forks: disk.forks), genesis: genesis, signatures: memory.signatures)
        if let fault = audit.faults.first { throw Violation(.koiHistory, "site \(site): \(fault)") }
        guard audit.ledger == sites[site].node!.state.ledger.everything() else {
            throw Violation(.koiHistory, "site \(site) has another ledger than follows from its ops")
        }
    }

    /// A site with nothing to do does next to nothing.
    private func checkRest(of site: Int) throws(Violation) {
        let node = sites[site].node!
        guard sites[site].disk.database.lastIndex == node.durableIndex else {
            throw Violation(.contract, "site \(site) holds ops beyond what it announces at the end")
        }
        // About ten events a second for every link: PINGs, PONGs and timers, some in pieces.
        let seconds = Int(Simulator.quietMs / 1_000)
        guard sites[site].idleEvents <= (node.peers.count + 1) * seconds * 12 else {
            throw Violation(.contract, "site \(site) handles \(sites[site].idleEvents) events with nothing to do")
        }
        guard sites[site].idleFrames <= seconds * sites.count else {
            throw Violation(.contract, "site \(site) writes \(sites[site].idleFrames) frames with nothing to say")
        }
        // Beyond a fork, which a spender makes as well, nothing comes that an op could build on.
        let mayWait =
            options.hostiles.contains { [.replayer, .equivocator, .spender].contains($0) }
            || options.restoresDatabase || options.losesJournal
            || options.crashEverySeconds != nil || options.absentee != nil || options.fillsDisk
        guard mayWait || node.isQuiet else {
            throw Violation(.contract, "site \(site) still waits for \(node.replica.waitingCount) ops at the end")
        }
    }

    /// Every submission is answered, unless the process that took it is gone.
    private func checkTickets() throws(Violation) {
        for (ticket, taker) in tickets.sorted(by: { $0.key < $1.key }) where sites[taker.site].life == taker.life {
            throw Violation(.contract, "site \(taker.site) never answers ticket \(ticket)")
        }
    }

    /// Where nothing is on its way, credit is at one end or the other.
    private func checkCredits() throws(Violation) {
        for (number, connection) in network.connections.sorted(by: { $0.key < $1.key }) {
            guard connection.isOpen == [true, true],
                connection.pipes.allSatisfy({ $0.sent == $0.delivered && !$0.isDead && $0.held.isEmpty })
            else { continue }
            for end in 0...1 {
                guard case .site(let sender) = connection.parties[end],
                    case .site(let receiver) = connection.parties[1 - end],
                    sites[sender].unsent.isEmpty, sites[receiver].unsent.isEmpty,
                    let sent = sites[sender].node?.credits(number), let got = sites[receiver].node?.credits(number),
                    sent.outstanding != got.held
                else { continue }
                throw Violation(
                    .creditReturns,
                    "site \(sender) waits for credit of \(sent.outstanding) bytes on connection \(number); "
                        + "site \(receiver) holds \(got.held)")
            }
        }
    }

    /// Without faults a body is fetched once by everybody (protocol §10, invariant 21).
    private func checkBytes() throws(Violation) {
        for site in present {
            let counters = sites[site].node!.counters
            guard counters.bodyBytesReceived * 100 <= counters.bodyBytesUseful * 105 else {
                throw Violation(
                    .bodiesOnce,
                    "site \(site) received \(counters.bodyBytesReceived) bytes of bodies for \(counters.bodyBytesUseful)"
                )
            }
        }
    }

    /// What a node counted in the life that ends now.
    mutating func countRefusals(at site: Int) {
        guard let counters = sites[site].node?.counters else { return }
        for (code, count) in counters.refused.sorted(by: { $0.key < $1.key }) { note("counted: \(code)", count) }
        let facts = sites[site].node!.facts
        note("bodies from a second source", facts.secondSources)
        note("waited for credit", facts.creditWaits)
        note("orphans evicted", facts.evictions)
        note("questions expired", sites[site].node!.state.consensus.expiredQuestions.count)
        note("body bytes in vain", counters.bodyBytesReceived - counters.bodyBytesUseful)
        note("body bytes useful", counters.bodyBytesUseful)
        note("bodies fetched", counters.bodiesFetched)
        note("opened from both sides", counters.simultaneousOpens)
        note("headers received", counters.headersReceived)
        note("headers known", counters.headersKnown)
        if sites[site].node!.state.consensus.latest.policy.foldVersion > options.foldVersion { note("rules raised") }
        note("blocks taken out together", sites[site].node!.state.blocksTakenOut)
        note("prunes", sites[site].node!.prunes)
        note("grafts", sites[site].node!.grafts)
        note("visits", sites[site].node!.overlay.counters.visits)
    }

    func report(convergedMs: UInt64) -> SimulationReport {
        SimulationReport(
            options: options, traceHash: trace.hash, events: trace.events, ops: sites[present[0]].disk.ops.count,
            simulatedMs: now, convergedMs: convergedMs,
            spreads: gauge.spreads, decisions: gauge.decisions, forkProofs: gauge.forkProofs,
            occurrences: occurrences.sorted { $0.key < $1.key }.map { .init(name: $0.key, count: $0.value) })
    }
}

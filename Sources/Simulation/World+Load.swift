internal import Consensus
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// What sites are asked to sign.
extension World {
    mutating func submit() throws(Violation) {
        let running = sites.indices.filter { sites[$0].node != nil }
        guard !isHealed, !running.isEmpty else { return }
        if options.isHuge { return try submitSmall() }
        let site =
            options.writers < sites.count
            ? running[random.below(options.writers) * running.count / options.writers]
            : running[random.below(running.count)]
        let count = random.chance(0.1) ? 1 + random.below(options.burst) : 1
        for _ in 0..<count {
            guard let node = sites[site].node else { return }
            let (kind, body) = load.next(for: node, at: seconds)
            try submit(kind, body, at: site)
        }
        // The op before it may have been its end.
        if sites[site].node != nil, options.proposes, proposing.chance(0.1) {
            patterns += 1
            try submit(.patternPropose, Self.pattern(patterns), at: site)
        }
    }

    mutating func submit(_ kind: OpKind, _ body: Bytes, at site: Int) throws(Violation) {
        lastTicket += 1
        tickets[lastTicket] = (site, sites[site].life)
        try perform(.submit(ticket: lastTicket, kind: kind, body: body), at: site)
    }

    /// The last site is no founder: some member adds it, again and again until it belongs.
    mutating func admitJoiner() throws(Violation) {
        guard options.lateJoiner else { return }
        let joiner = sites[sites.count - 1].identity.peerID
        if !isHealed { queue.schedule(.admitJoiner, at: now + 5_000) }
        let members = sites.indices.filter { sites[$0].node?.state.members.contains(joiner) == false }
        let founders = members.filter { $0 != sites.count - 1 }
        let isKnown = sites.contains { $0.node?.state.members.contains(joiner) == true }
        guard !founders.isEmpty, isHealed || !isKnown else { return }
        do {
            let add = try MemberAdd(peer: joiner, name: "late")
            try submit(.memberAdd, add.encode(), at: founders[random.below(founders.count)])
        } catch let violation as Violation {
            throw violation
        } catch {
            preconditionFailure("the name is within its bounds: \(error)")
        }
    }

    /// A part of what an honest site trained, as one of the sites sees it.
    private mutating func partOfSomebody() -> Proposition? {
        let running = sites.indices.filter { sites[$0].node != nil }
        guard !running.isEmpty, let node = sites[running[random.below(running.count)]].node else { return nil }
        let peer = sites[random.below(sites.count)].identity.peerID
        return load.range(of: peer, at: node).map { .revocation(Revocation(peer: peer, range: $0)) }
    }

    /// Some operators agree to something; the same choices for all sites, so that a quorum comes about.
    mutating func agree() throws(Violation) {
        guard !isHealed else { return }
        var choices: [Proposition] = []
        if options.lateJoiner { choices.append(.admission(sites[sites.count - 1].identity.peerID)) }
        for party in hostiles where party.kind == .equivocator || party.kind == .forger {
            choices.append(.revocation(Revocation(peer: party.key.peerID)))
        }
        if options.retracts, let choice = partOfSomebody() { choices.append(choice) }
        var policy = genesis.policy
        policy.checkpointSeconds += 1
        policy.foldVersion = NetworkPolicy.latestFold
        choices.append(.policy(policy))
        let choice = choices[random.below(choices.count)]
        for site in sites.indices where sites[site].node != nil && random.chance(0.8) {
            try perform(.affirm(choice), at: site)
        }
        note("operators agreed")
    }
}

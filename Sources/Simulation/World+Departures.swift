internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Rules
internal import Wire

/// What a site's operator is about to do with its key.
enum Departure {
    /// `shoal leave`: it says so, and its process ends for good when the others can do without it.
    case leaving
    /// `shoal keys rotate`: the same database goes on under another key.
    case rotating(to: KeyPair)
}

/// Sites that leave, and sites that go on under another key. Operators repeat what they asked for until it is done.
extension World {
    /// For so long a rotation waits for its payments to become final; then this operator goes on without.
    private static let patienceMs: UInt64 = 20_000

    mutating func beginDepartures(until end: UInt64) {
        let seed = options.seed ^ 0x6B65_7973
        for (site, departure) in [
            (options.leaver.map(dispensable), Departure.leaving),
            (
                options.rotator.map(dispensable),
                .rotating(to: KeyPair(seed: (0..<4).flatMap { (seed &+ $0).bigEndianBytes }))
            ),
        ] {
            guard let site, sites[site].departure == nil else { continue }
            sites[site].departure = departure
            // Where the old key is, the new one is expected, even before it runs.
            if case .rotating(let next) = departure { places[next.peerID] = site }
            queue.schedule(.depart(site), at: end / 5 + UInt64(departing.below(Int(end) * 3 / 5)))
        }
    }

    /// The first site from this one on without which the others hang together. Where sites do not tell each other where they
    /// can be dialled, those who knew each other only through one that leaves, or that is a stranger to them under its new
    /// key, would not find each other; where they do, any may go but the one through which the late joiner comes.
    private func dispensable(_ first: Int) -> Int {
        let all = sites.indices
        let joiner = all.count - 1
        return (0..<all.count).lazy.map { (first + $0) % all.count }.first { site in
            guard site != joiner || !options.lateJoiner else { return false }
            if options.discovers {
                return !options.lateJoiner || !(knows(joiner, site) || knows(site, joiner))
            }
            var reached: Set = [site == 0 ? 1 : 0]
            var next = Array(reached)
            while let at = next.popLast() {
                for other in all
                where other != site && !reached.contains(other) && (knows(at, other) || knows(other, at)) {
                    reached.insert(other)
                    next.append(other)
                }
            }
            return reached.count == all.count - 1
        } ?? first
    }

    private func knows(_ site: Int, _ other: Int) -> Bool {
        sites[site].contacts.contains { $0.peer == sites[other].identity.peerID }
    }

    /// A site goes away early on, and comes back late. The others are restarted once meanwhile: then they have only what is on
    /// their disks.
    mutating func beginAbsence(until end: UInt64) {
        guard let absentee = options.absentee, sites[absentee].departure == nil else { return }
        let back = end / 2 + UInt64(departing.below(Int(end) / 2))
        queue.schedule(.away(absentee, until: back), at: end / 8 + UInt64(departing.below(Int(end) / 4)))
        for site in sites.indices where site != absentee {
            queue.schedule(.away(site, until: back), at: back - UInt64(departing.below(2_000)))
        }
    }

    mutating func goAway(_ site: Int, until: UInt64) throws(Violation) {
        sites[site].awayUntil = until
        note(site == options.absentee ? "away" : "restarted")
        try crash(site)
    }

    /// Looks how far the site has got, and asks for what comes next.
    mutating func depart(_ site: Int) throws(Violation) {
        guard let departure = sites[site].departure, !sites[site].isGone else { return }
        queue.schedule(.depart(site), at: now + 500 + UInt64(departing.below(1_500)))
        guard let node = sites[site].node, node.stopped == nil, sites[site].backlog == nil else { return }
        let own = sites[site].identity.peerID
        // Who was put back to before it left hears from the others that it has.
        let isTurnedAway = node.turnedAway.contains { node.state.members.contains($0.peer) }
        let isOver = node.farewell.isDone || isTurnedAway
        switch departure {
        case .leaving:
            if isOver {
                note(node.farewell.hasLeft ? "left" : "left, and has forgotten it")
                try end(site)
                sites[site].isGone = true
                let there = present.map { sites[$0].disk.database }
                durabilityCheck.left(own) { id in there.contains { $0.contains(id) } }
            } else if !node.state.members.hasLeft(own) {
                try submit(.memberLeave, MemberLeave.body, at: site)
            }
        case .rotating(let next):
            if isOver {
                note(
                    node.state.members.successor(of: own) == next.peerID ? "key rotated" : "key rotated, and forgotten")
                try succeed(site, next)
            } else if !node.state.members.hasLeft(own) {
                try rotate(site, next)
            }
        }
    }

    private mutating func rotate(_ site: Int, _ next: KeyPair) throws(Violation) {
        let node = sites[site].node!
        let own = sites[site].identity.peerID
        guard node.state.consensus.latest.policy.hasRotation else { return }
        guard node.state.members.contains(next.peerID) || node.state.members.count == 1 else {
            return try vouch(for: next.peerID, at: site)
        }
        let since = sites[site].rotatesSince ?? now
        sites[site].rotatesSince = since
        if options.movesKoi, now < since + Self.patienceMs {
            guard node.state.ledger.provisionalHead(of: own) == nil else { return note("awaits finality") }
            let ledger = node.state.ledger
            let full = ledger.accounts.filter { $0.owner == own }.map { ledger.wallet($0) }.first { $0.balance > 0 }
            if let wallet = full {
                let to = AccountID(owner: next.peerID, agent: wallet.account.agent)
                let payment = Transfer.Payment(to: to, amount: wallet.balance)
                let words = LedgerBody.transfer(Transfer(from: wallet.account.agent, payments: [payment]))
                return try submit(.transfer, words.encode(), at: site)
            }
        }
        let words = KeyRotation(of: own, to: next, in: genesis.networkID)
        try submit(.rotateKey, words.encode(), at: site)
    }

    private mutating func vouch(for peer: PeerID, at site: Int) throws(Violation) {
        guard let add = try? MemberAdd(peer: peer, name: "next") else {
            preconditionFailure("the name is within its bounds")
        }
        try submit(.memberAdd, add.encode(), at: site)
    }

    /// The journal of the old key is put aside, the database is the new one's, and so it begins.
    private mutating func succeed(_ site: Int, _ next: KeyPair) throws(Violation) {
        try crash(site)
        originCheck.lost(
            sites[site].disk.journal.compactMap { try? Op(stored: $0.envelope, network: genesis.networkID) })
        sites[site].disk.loseJournal()
        sites[site].formerKeys.append(sites[site].identity.peerID)
        sites[site].identity = next
        sites[site].departure = nil
    }

    /// Who is there in the end.
    var present: [Int] { sites.indices.filter { !sites[$0].isGone } }

    /// Sites that have left and vote on, though the others could decide without them: nobody does so for ever.
    var awaitingRelease: [Int] {
        present.filter { site in
            guard sites[site].departure != nil, let node = sites[site].node,
                node.state.members.hasLeft(sites[site].identity.peerID)
            else { return false }
            return canDecide(node.state.consensus)
        }
    }

    /// Whether those of the electorate who are honest, there, and sure of their account logs are enough for a checkpoint.
    private func canDecide(_ consensus: ConsensusTable) -> Bool {
        let electorate = consensus.latest.electorate
        let (all, quorum) = (electorate.members.count, electorate.quorum(without: nil))
        let able = able(of: electorate)
        // Who lost a log votes where the locks of the others bear it (decision 31).
        let forgetful = electorate.members.count { consensus.accountGeneration(of: $0) > 0 }
        let bearsThem = 2 * quorum > all + forgetful + (all - 1) / 3
        return able.count { bearsThem || consensus.accountGeneration(of: $0) == 0 } >= quorum
    }

    /// Electors who are honest, there, and sure of their account logs.
    private func able(of electorate: Electorate) -> [PeerID] {
        electorate.members.filter { peer in
            guard let site = self.site(of: peer), !sites[site].isGone, sites[site].identity.peerID == peer else {
                return false
            }
            return sites[site].node?.hasAccount == true
        }
    }

    /// Whether somebody has a pattern that is asked about again and again, as too many electors are silent or lie.
    var asksInVain: Bool {
        present.contains { site in
            let owner = sites[site].identity.peerID
            guard let state = sites[site].node?.state, !state.patterns.undecided(by: owner).isEmpty else {
                return false
            }
            let electorate = state.consensus.latest.electorate
            return able(of: electorate).count { $0 != owner } < electorate.quorum(without: owner)
        }
    }
}

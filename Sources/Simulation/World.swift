internal import Consensus
internal import Gossip
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// All sites, the network between them, and what is going to happen, in one simulated time.
///
/// Every choice is drawn from the seed and every collection is walked in a fixed order, so a seed gives
/// the same run in every process. The extensions carry out what nodes ask for (disk, network) and what
/// nobody asked for (faults, load, hostile parties).
struct World {
    let options: SimulationOptions
    let genesis: Genesis
    let tampering: Tampering
    /// One for all sites: what one of them has read and checked is good for all, so that a run costs a check a signature.
    let memory: OpMemory
    /// Milliseconds since the start.
    var now: UInt64 = 0
    var queue = EventQueue<Occurrence>()
    var sites: [Site] = []
    /// Of each honest peer the site.
    var places: [PeerID: Int] = [:]
    var network: Network
    var hostiles: [HostileParty] = []
    var load: LoadGenerator
    var trace: Trace
    var random: Random
    /// Whether a site proposes a pattern as well, by draws that leave all others as they were.
    var proposing: Random
    var patterns = 0
    /// And whether it leaves, or takes another key.
    var departing: Random
    var isHealed = false
    /// All frontiers have been equal for a while: little should happen.
    var isQuiet = false
    /// Whom the answers that are still to come were promised to.
    var tickets: [UInt64: (site: Int, life: Int)] = [:]
    var lastTicket: UInt64 = 0
    /// Sites that were asked to be admitted, of a network with more than a genesis names.
    var admitted = 0
    /// How often each noteworthy thing occurred.
    private(set) var occurrences: [String: Int] = [:]

    // What hostile parties can know: ops that some site holds, and HELLOs seen on the way.
    private(set) var published: [Bytes] = []
    /// Those of them that create models.
    private(set) var publishedModels: [OpID: Op] = [:]
    var overheard: [Bytes] = []

    // Checks
    var stateCheck = StateCheck()
    var frontierCheck: FrontierCheck
    var originCheck = OriginCheck()
    var durabilityCheck = DurabilityCheck()
    var shutOutCheck = ShutOutCheck()
    var koiCheck: KoiCheck
    /// Of a large network.
    var gauge: SpreadGauge

    mutating func note(_ name: String, _ count: Int = 1) {
        if count > 0 { occurrences[name, default: 0] += count }
    }

    /// Hostile parties can know an op from now on.
    mutating func publish(_ op: Op) {
        published.append(op.envelope)
        if op.header.kind == .createModel { publishedModels[op.id] = op }
    }

    /// A site's own clock.
    func clock(_ site: Int) -> Instant { Instant(milliseconds: now + sites[site].clockOffset) }

    func site(of peer: PeerID) -> Int? { places[peer] }

    // MARK: Steps

    /// Carries out the next thing on the schedule.
    mutating func step() throws(Violation) {
        guard let (time, occurrence) = queue.next() else {
            throw Violation(.contract, "nothing is scheduled any more")
        }
        now = time
        if let site = starvedSite(of: occurrence) {
            sites[site].backlog!.append(occurrence)
        } else {
            try carryOut(occurrence)
        }
    }

    mutating func carryOut(_ occurrence: Occurrence) throws(Violation) {
        switch occurrence {
        case .wake(let site, let life, let armed):
            guard sites[site].life == life, sites[site].wakeAt == armed else { return }
            sites[site].wakeAt = nil
            try perform(.wake, at: site)
        case .opened(let number, let end): try opened(number, end: end)
        case .arrival(let number, let end, let piece): try arrived(piece, number, from: end)
        case .reset(let number, let end): try lost(number, end)
        case .dial(let site, let life, let target, let dial):
            if sites[site].life == life { try dialArrived(from: site, to: target, dial: dial) }
        case .answer(let site, let life, let event):
            if sites[site].life == life { try perform(event, at: site) }
        case .disk(let site, let life, let step):
            if sites[site].life == life { try carryOut(step, at: site) }
        case .fault(let fault): strike(fault)
        case .unblock(let from, let to): try unblock(from, to)
        case .resume(let site): try resume(site)
        case .crash(let site, let life):
            if sites[site].life == life { try crash(site) }
        case .restart(let site): try start(site)
        case .submit: try submit()
        case .admit: try admit()
        case .rest: gauge.rest(now: now)
        case .ask(let number): try ask(number)
        case .split: split()
        case .admitJoiner: try admitJoiner()
        case .agree: try agree()
        case .retain: try retain()
        case .depart(let site): try depart(site)
        case .away(let site, let until): try goAway(site, until: until)
        case .hostile(let index): try hostileActs(index)
        case .inspect: try inspect()
        case .healed, .poll: break
        }
    }

    /// Gives a node an event and carries out what it answers, until it crashes.
    mutating func perform(_ event: Event, at site: Int) throws(Violation) {
        guard sites[site].node != nil else { return }
        record(event, at: site)
        if isQuiet { sites[site].idleEvents += 1 }
        let effects = sites[site].node!.handle(event, now: clock(site))
        try observe(site)
        for effect in effects {
            if let left = sites[site].effectsUntilCrash {
                guard left > 0 else {
                    note("crash between effects")
                    return try crash(site)
                }
                sites[site].effectsUntilCrash = left - 1
            }
            try carryOut(effect, at: site)
        }
        try flush(site)
    }

    /// Looks at what the node now says of itself.
    mutating func observe(_ site: Int) throws(Violation) {
        let summary = sites[site].node!.summary
        guard sites[site].checked != summary.frontierDigest else { return }
        sites[site].checked = summary.frontierDigest
        var state = summary.stateDigest
        tampering.state(site, sites[site].disk, &state)
        try stateCheck.observe(summary, state: state, at: site)
        try frontierCheck.observe(summary, on: sites[site].disk.database, at: site)
        // By part: a copy of a node costs more than the look.
        let totals = sites[site].node!.state.ledger.totals
        let convicted = sites[site].node!.state.consensus.convictedPeers
        try koiCheck.observe(totals, convicted: convicted, at: site) { self.site(of: $0) != nil }
    }

    private mutating func carryOut(_ effect: Effect, at site: Int) throws(Violation) {
        record(effect, at: site)
        let life = sites[site].life
        switch effect {
        case .wake(let at):
            let time = max(at.milliseconds - min(at.milliseconds, sites[site].clockOffset), now + 1)
            sites[site].wakeAt = time
            queue.schedule(.wake(site: site, life: life, armed: time), at: time)
        case .dial(let peer, _, let dial): dialled(peer, from: site, dial: dial)
        case .write(let connection, let bytes): try write(bytes, to: connection, at: site)
        case .authenticated(let connection):
            guard network.end(of: .site(site), in: connection) != nil else {
                throw Violation(.contract, "site \(site) authenticates connection \(connection), which is over")
            }
        case .close(let connection): try close(connection, at: site)
        case .persist(let batch): persist(batch, at: site)
        case .writeSnapshot(let snapshot):
            queue.schedule(.disk(site: site, life: life, .merged(snapshot)), at: now + writeDelay())
        case .loadOps(let request, let ranges):
            queue.schedule(.disk(site: site, life: life, .readOps(request: request, ranges)), at: now + readDelay())
        case .loadBody(let request, let hash):
            queue.schedule(.disk(site: site, life: life, .readBody(request: request, hash)), at: now + readDelay())
        case .submitted(let ticket, let result): try answered(ticket, result, at: site)
        case .applied(let ops): try applied(ops, at: site)
        case .measure(let id, let question):
            let answer = Event.measured(id, numbers: measured(question, at: site))
            queue.schedule(.answer(site: site, life: life, answer), at: now + readDelay())
        case .sum(let block):
            let sums = addUp(block, at: site)
            queue.schedule(.answer(site: site, life: life, .summed(block, sums)), at: now + readDelay())
        case .keepPart(let sums, let part, let bytes):
            queue.schedule(.disk(site: site, life: life, .keepPart(sums, part, bytes)), at: now)
        case .pin(let sums, let snapshot):
            queue.schedule(.disk(site: site, life: life, .pin(sums, snapshot)), at: now + writeDelay())
        case .drop(let sums): queue.schedule(.disk(site: site, life: life, .drop(sums)), at: now + writeDelay())
        case .join(let connection, _, _):
            throw Violation(.contract, "site \(site) sees a ticket on connection \(connection), and nobody has one")
        case .notice(let notice): try noticed(notice, at: site)
        }
    }

    private mutating func answered(_ ticket: UInt64, _ result: SubmitResult, at site: Int) throws(Violation) {
        guard tickets.removeValue(forKey: ticket) != nil else {
            throw Violation(.contract, "site \(site) answers ticket \(ticket), which is not open")
        }
        switch result {
        case .done(let id), .void(let id, _):
            guard sites[site].disk.database.contains(id) else {
                throw Violation(.contract, "site \(site) calls op \(id.short) durable, which is not on its disk")
            }
            durabilityCheck.promised(id, by: site)
        case .refused: note("submission refused")
        }
    }

    private mutating func applied(_ ops: [AppliedOp], at site: Int) throws(Violation) {
        for op in ops {
            guard sites[site].disk.database.contains(op.id) else {
                throw Violation(.contract, "site \(site) reports op \(op.id.short) as applied before it is durable")
            }
            if options.isLarge {
                gauge.stored(op.id, op.kind, at: site, from: op.from.flatMap { self.site(of: $0) }, now: now)
            }
            if let void = op.void {
                note("void: \(void.code)")
            } else if op.kind == .retraction {
                note("deltas retracted")
            } else if op.kind == .certificate || op.kind == .memberRevoke {
                guard let stored = sites[site].disk.database.op(op.id) else { continue }
                if let name = try koiCheck.certified(stored, at: site) {
                    note("certified: \(name)")
                    gauge.certified(name, by: op.id, now: now)
                }
            } else if op.kind == .equivocation {
                note("double vote proven")
            }
        }
    }

    private mutating func noticed(_ notice: Notice, at site: Int) throws(Violation) {
        switch notice {
        case .connected(let peer):
            guard isReachable(peer, from: site) else {
                throw Violation(.helloFirst, "site \(site) takes somebody for \(peer.short) who is not")
            }
            note("connected")
        case .disconnected: note("disconnected")
        case .banned(let peer, let reason, _):
            guard self.site(of: peer) == nil else {
                throw Violation(.nobodyBanned, "site \(site) bans an honest site: \(reason)")
            }
            note("banned")
        case .refused(_, let code, _): note("refused: \(code)")
        case .fork(let proof):
            guard self.site(of: proof.key.author) == nil else {
                throw Violation(
                    .nobodyConvicted,
                    "site \(site) sees a fork by an honest site: \(proof.first.id.short) and \(proof.second.id.short)")
            }
            note("fork proven")
            gauge.proven(proof.key, at: site, now: now)
        case .diverged(let peer, let ours, let theirs):
            guard self.site(of: peer) != nil else { return note("a liar named another state") }
            throw Violation(.sameOpsSameState, "site \(site) has \(ours.short), a peer \(theirs.short)")
        case .beganWithSums: note("began with sums")
        case .replacedBodies: note("sums replaced bodies")
        case .reached(let contact):
            note("learned where a site is")
            sites[site].contacts.removeAll { $0.peer == contact.peer }
            sites[site].contacts.append(contact)
        case .openedLog(_, let reason): note("new log: \(reason)")
        case .stopped where sites[site].isOutdated && !sites[site].isDiskFull:
            // Its operator installs what the others have.
            sites[site].isOutdated = false
            note("upgraded: it did not know the rules")
            queue.schedule(.crash(site: site, life: sites[site].life), at: now + 1_000 + UInt64(departing.below(4_000)))
        case .stopped(let reason):
            guard sites[site].isDiskFull else {
                throw Violation(.contract, "site \(site) stops: \(reason)")
            }
            sites[site].hasStopped = true
            note("stopped: disk full")
        }
    }

    /// Whether an open connection of the site leads to who has this identity.
    private func isReachable(_ peer: PeerID, from site: Int) -> Bool {
        network.numbers(of: site).contains { number in
            guard let connection = network.connections[number],
                let end = connection.parties.firstIndex(of: .site(site)), connection.isOpen[end]
            else {
                return false
            }
            switch connection.parties[1 - end] {
            case .site(let other):
                return sites[other].identity.peerID == peer || sites[other].formerKeys.contains(peer)
            case .hostile(let index): return hostiles[index].key.peerID == peer
            }
        }
    }

    /// Folds some site's ops from scratch.
    private mutating func inspect() throws(Violation) {
        if !isHealed { queue.schedule(.inspect, at: now + 3_000 + UInt64(random.below(5_000))) }
        let running = sites.indices.filter { sites[$0].node != nil }
        guard !running.isEmpty else { return }
        let site = running[random.below(running.count)]
        let node = sites[site].node!
        // The disk may be a batch ahead of what the node knows to be durable.
        let durable = node.durableIndex
        // A node whose sums are not whole says so by its digest.
        guard node.state.isWhole else { return note("not whole") }
        try refold(site, through: durable)
    }
}

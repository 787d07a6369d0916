internal import Gossip
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// What a large network is there to show: how far and how fast ops, proofs and certificates go.
struct SpreadGauge {
    /// An op on its way.
    private struct Way {
        let kind: OpKind
        let since: UInt64
        /// Of each site that has it.
        var hops: [Int: Int]
        var longest = 0
    }
    private struct Question {
        let kind: String
        let at: UInt64
        let received: Int
        let signed: Int
        /// Bytes a millisecond that the network received before.
        let idle: Double
        var certificate: OpID?
        var certifiedMs: UInt64 = 0
    }

    private let sites: Int
    private var ways: [OpID: Way] = [:]
    private var questions: [Question] = []
    private var forks: [LogKey: (since: UInt64, sites: Set<Int>)] = [:]
    private var before: (at: UInt64, received: Int) = (0, 0)
    /// Bytes that reached any site, and ops that any site signed.
    var received = 0
    var signed = 0
    private(set) var spreads: [Spread] = []
    private(set) var decisions: [Decision] = []
    /// From the first site that had the proof to the last.
    private(set) var forkProofs: [UInt64] = []

    init(sites: Int) { self.sites = sites }

    /// An op is on the disk of a site.
    ///
    /// - Parameter from: who brought it; nil for its author, and for who is no site.
    mutating func stored(_ id: OpID, _ kind: OpKind, at site: Int, from: Int?, now: UInt64) {
        var way = ways.removeValue(forKey: id) ?? Way(kind: kind, since: now, hops: [:])
        let hops = from.map { (way.hops[$0] ?? 0) + 1 } ?? 0
        guard way.hops.updateValue(hops, forKey: site) == nil else { return ways[id] = way }
        way.longest = max(way.longest, hops)
        guard way.hops.count == sites else { return ways[id] = way }
        spreads.append(
            Spread(kind: kind.name, sinceMs: way.since, everywhereMs: now - way.since, hops: way.longest))
        if let question = questions.first(where: { $0.certificate == id }) { decided(question, now: now) }
    }

    private mutating func decided(_ question: Question, now: UInt64) {
        let bytes = Double(received - question.received) - question.idle * Double(now - question.at)
        decisions.append(
            Decision(
                kind: question.kind, certifiedMs: question.certifiedMs, everywhereMs: now - question.at,
                ops: signed - question.signed, bytesPerSite: bytes / Double(sites)))
    }

    mutating func proven(_ key: LogKey, at site: Int, now: UInt64) {
        guard forks[key, default: (now, [])].sites.insert(site).inserted, forks[key]!.sites.count == sites else {
            return
        }
        forkProofs.append(now - forks[key]!.since)
    }

    // MARK: Questions

    /// Nothing is asked yet: from here on it is counted what goes on anyway.
    mutating func rest(now: UInt64) { before = (now, received) }

    mutating func ask(_ kind: String, now: UInt64) {
        let idle = Double(received - before.received) / Double(max(1, now - before.at))
        questions.append(Question(kind: kind, at: now, received: received, signed: signed, idle: idle))
    }

    /// An op with the first certificate of a kind that was asked for.
    mutating func certified(_ name: String, by id: OpID, now: UInt64) {
        guard let at = questions.firstIndex(where: { name.hasPrefix($0.kind) && $0.certificate == nil }) else { return }
        questions[at].certificate = id
        questions[at].certifiedMs = now - questions[at].at
    }
}

extension World {
    /// How long nothing else happens before a question, so that its cost can be told.
    static let restMs: UInt64 = 2_000

    /// In the second half of the run, one after the other.
    mutating func scheduleQuestions(until end: UInt64) {
        for number in 0..<options.questions {
            let at = end / 2 + end / 2 * UInt64(number) / UInt64(options.questions)
            queue.schedule(.rest, at: at)
            queue.schedule(.ask(number), at: at + Self.restMs)
        }
    }

    /// Some site proposes a pattern, which electors measure, or pays somebody, which they affirm.
    mutating func ask(_ number: Int) throws(Violation) {
        let running = sites.indices.filter { sites[$0].node != nil }
        guard !isHealed, running.count > 1 else { return }
        let site = running[random.below(min(running.count, genesis.founders.count))]
        if number % 2 == 0 {
            gauge.ask("pattern", now: now)
            try submit(.patternPropose, Self.pattern(number), at: site)
        } else {
            gauge.ask("finality", now: now)
            let other = running[(site + 1) % running.count]
            let payee = AccountID(owner: sites[other].identity.peerID, agent: AccountID.site)
            let words = LedgerBody.transfer(Transfer(from: AccountID.site, payments: [.init(to: payee, amount: 1)]))
            let op = words.op!
            try submit(op.kind, op.body, at: site)
        }
    }

    /// A rule with a head and one step; see `PatternProposal`, whose module knows graphs and is not needed here.
    static func pattern(_ number: Int) -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(1)
        encoder.uint(1)
        encoder.array(3)
        encoder.uint(0)
        encoder.bytes(Bytes(repeating: 1, count: 16))
        encoder.array(1)
        encoder.bytes(Bytes(repeating: UInt8(truncatingIfNeeded: 2 + number), count: 16))
        encoder.uint(90)
        encoder.uint(100)
        return encoder.bytes
    }
}

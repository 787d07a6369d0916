import Gossip
import Identity
import Replication
import Session
import Testing
import Wire

/// Two frontiers that are compared by ranges until neither has anything to say.
struct Comparison {
    var learned: [[LogKey: UInt64]] = [[:], [:]]
    var messages = 0
    var bytes = 0
    var roundTrips = 0

    /// - Parameter frontiers: the first one begins.
    init(_ frontiers: [Frontier]) {
        let sides = frontiers.map(Reconciliation.init)
        var waiting = [sides[0].opening()]
        var to = 1
        while !waiting.isEmpty {
            roundTrips += to
            var answers: [[FrontierRange]] = []
            for ranges in waiting {
                let message = Message.reconcile(ReconcileMessage(digest: .zero, state: .zero, ranges: ranges))
                bytes += message.frame().encode().count
                messages += 1
                #expect((try? Message(message.frame())) == message, "it is within the limits of a frame")
                let answer = sides[to].answer(ranges)
                for entry in answer.theirs {
                    learned[to][LogKey(author: entry.author, log: entry.log)] = entry.seq
                }
                answers += answer.pages
            }
            waiting = answers
            to = 1 - to
        }
    }

    static func key(_ random: inout Random) -> LogKey {
        LogKey(
            author: PeerID((0..<4).flatMap { _ in random.next().bigEndianBytes })!, log: LogID(rawValue: random.next()))
    }

    static func head(_ seq: UInt64, forkSeq: UInt64? = nil) -> Frontier.Head {
        Frontier.Head(seq: seq, id: blake2b256(domain: "test/op", seq.bigEndianBytes), forkSeq: forkSeq)
    }

    static func frontier(_ count: Int, _ random: inout Random) -> Frontier {
        var frontier = Frontier()
        for _ in 0..<count { frontier[key(&random)] = head(1 + UInt64(random.below(100))) }
        return frontier
    }
}

@Suite struct ReconciliationTests {
    @Test(arguments: 0..<24 as Range<UInt64>) func `both sides learn exactly what they lack`(seed: UInt64) {
        var random = Random(seed: seed)
        let common = Comparison.frontier([0, 20, 300, 2_000][random.below(4)], &random)
        var frontiers = [common, common]
        for side in 0...1 {
            for _ in 0..<[0, 1, 30, 700][random.below(4)] {
                frontiers[side][Comparison.key(&random)] = Comparison.head(1 + UInt64(random.below(9)))
            }
            for key in common.sorted.map(\.key) where random.chance(0.01) {
                frontiers[side][key] = Comparison.head(
                    200 + UInt64(random.below(9)), forkSeq: random.chance(0.2) ? 210 : nil)
            }
        }
        let comparison = Comparison(frontiers)
        for side in 0...1 {
            let (here, there) = (frontiers[side], frontiers[1 - side])
            for (key, head) in there.heads where here[key] != head {
                #expect(comparison.learned[side][key] == head.seq, "side \(side) does not hear of a log")
            }
            for (key, seq) in comparison.learned[side] { #expect(there[key]?.seq == seq, "and of nothing untrue") }
        }
    }

    @Test func `equal frontiers cost one message, however large`() {
        var random = Random(seed: 1)
        let frontier = Comparison.frontier(5_000, &random)
        let comparison = Comparison([frontier, frontier])
        #expect(comparison.messages == 1 && comparison.bytes < 2_100)
        #expect(comparison.learned[1].count == 5_000, "the other side knows that all of it is there")
    }

    @Test func `one log that differs among 4,096 costs a fiftieth of the whole frontier`() {
        var random = Random(seed: 2)
        let frontier = Comparison.frontier(4_096, &random)
        var ahead = frontier
        let key = frontier.sorted[1_234].key
        ahead[key] = Comparison.head(1_000)
        let whole = FrontierMessage.pages(
            digest: .zero, state: .zero,
            entries: frontier.sorted.map {
                FrontierEntry(author: $0.key.author, log: $0.key.log, seq: $0.head.seq, head: $0.head.id)
            })
        let wholeBytes = whole.reduce(0) { $0 + Message.frontier($1).frame().encode().count }
        for frontiers in [[frontier, ahead], [ahead, frontier]] {
            let comparison = Comparison(frontiers)
            #expect(comparison.bytes * 50 < wholeBytes, "\(comparison.bytes) of \(wholeBytes)")
            #expect(comparison.messages <= 6)
            #expect(comparison.learned.contains { $0[key] == 1_000 })
        }
    }

    @Test func `a new node hears of everything in messages of bounded size`() {
        var random = Random(seed: 3)
        let frontier = Comparison.frontier(3_000, &random)
        for frontiers in [[Frontier(), frontier], [frontier, Frontier()]] {
            let comparison = Comparison(frontiers)
            #expect(comparison.learned.contains { $0.count == 3_000 })
            #expect(comparison.bytes < 3_000 * 110, "little more than the entries themselves")
        }
    }

    @Test func `no message brings about more than four, whatever it asks`() {
        var random = Random(seed: 4)
        let frontier = Comparison.frontier(6_000, &random)
        let side = Reconciliation(frontier)
        let keys = frontier.sorted.map(\.key)
        let hostile = (0..<256).map { index in
            let from = keys[index * 23]
            let below = keys[index * 23 + 23]
            return FrontierRange(
                from: LogBound(author: from.author, log: from.log),
                below: LogBound(author: below.author, log: below.log),
                content: index % 2 == 0 ? .fingerprint(.zero) : .entries([], isQuestion: true))
        }
        let answer = side.answer(hostile)
        #expect(answer.pages.count == GossipLimits.pagesPerAnswer)
        for page in answer.pages {
            let message = Message.reconcile(ReconcileMessage(digest: .zero, state: .zero, ranges: page))
            #expect((try? Message(message.frame())) == message)
        }
        guard case .fingerprint? = answer.pages.last?.last?.content else {
            Issue.record("what had no room is asked about again")
            return
        }
        #expect(answer.pages.last?.last?.below == hostile.last?.below)
    }

    @Test func `an author is settled when all its logs are within settled ranges`() {
        let author = PeerID(Bytes(repeating: 7, count: 32))!
        func bound(_ author: UInt8, _ log: UInt64) -> LogBound {
            LogBound(author: PeerID(Bytes(repeating: author, count: 32))!, log: LogID(rawValue: log))
        }
        func settles(_ ranges: [(LogBound, LogBound?)]) -> Bool {
            let settled = ranges.map { FrontierRange(from: $0.0, below: $0.1, content: .fingerprint(.zero)) }
            return Reconciliation.Answer(settled: settled).settles(author)
        }
        #expect(settles([(.first, nil)]))
        #expect(settles([(bound(6, 1), bound(7, 5)), (bound(7, 5), bound(8, 0))]))
        #expect(!settles([(bound(6, 1), bound(7, 5)), (bound(7, 6), bound(8, 0))]), "a gap")
        #expect(!settles([(.first, bound(7, 5))]))
        #expect(!settles([(bound(7, 5), nil)]))
        #expect(!settles([]))
    }
}

@Suite struct RangeExchangeTests {
    static let peer = Talker.peers[0]

    static func summary(_ count: Int, seed: UInt64 = 1) -> Summary {
        var random = Random(seed: seed)
        return Summary(frontier: Comparison.frontier(count, &random), stateDigest: .zero)
    }

    func exchange(_ summary: Summary) -> OpExchange {
        OpExchange(summary: summary, random: Random(seed: 1), now: Talker.now)
    }

    @Test func `frontiers of up to 256 logs are sent whole, larger ones by ranges to who understands`() {
        let other = Self.summary(3, seed: 9)
        var small = exchange(Self.summary(256))
        #expect(
            small.connected(Self.peer, frontier: other.frontierDigest, state: .zero, comparesRanges: true) == [
                .sendFrontier(Self.peer)
            ])
        let large = Self.summary(257)
        var old = exchange(large)
        #expect(old.connected(Self.peer, frontier: other.frontierDigest, state: .zero) == [.sendFrontier(Self.peer)])
        var new = exchange(large)
        #expect(
            new.connected(Self.peer, frontier: other.frontierDigest, state: .zero, comparesRanges: true) == [
                .sendRanges(Self.peer, Reconciliation(large.frontier).opening())
            ])
        #expect(new.counters.comparisons == 1)
    }

    @Test func `one of the two begins`() {
        var exchange = exchange(Self.summary(300))
        let effects = exchange.connected(
            Self.peer, frontier: Self.summary(299).frontierDigest, state: .zero, comparesRanges: true, begins: false)
        #expect(effects == [], "the other one will")
    }

    @Test func `what ranges show is pulled`() {
        var exchange = exchange(Self.summary(300))
        _ = exchange.connected(
            Self.peer, frontier: Self.summary(1, seed: 5).frontierDigest, state: .zero, comparesRanges: true)
        let entry = FrontierEntry(
            author: Talker.authors[0], log: LogID(rawValue: 1), seq: 5, head: Talker.id(0, 5))
        let message = ReconcileMessage(
            digest: .zero, state: .zero,
            ranges: [.init(from: .first, below: nil, content: .entries([entry], isQuestion: false))])
        let result = exchange.receivedRanges(from: Self.peer, message, headersThrough: { _ in 0 }, now: Talker.now)
        #expect(
            result?.effects == [.sendPull(Self.peer, [OpRange(key: Talker.key(0), from: 1, through: 5)])])
    }

    @Test func `equal frontiers with other states are told as such`() {
        let summary = Self.summary(300)
        var exchange = exchange(summary)
        _ = exchange.connected(Self.peer, frontier: .zero, state: .zero, comparesRanges: true)
        let other = blake2b256(domain: "test", []) as Hash32
        let message = ReconcileMessage(
            digest: summary.frontierDigest, state: other, ranges: Reconciliation(summary.frontier).opening())
        let result = exchange.receivedRanges(from: Self.peer, message, headersThrough: { _ in .max }, now: Talker.now)
        #expect(result?.effects == [.diverged(Self.peer, ours: .zero, theirs: other)])
    }

    @Test func `a neighbour that asks without end is answered 256 times a round`() {
        var exchange = exchange(Self.summary(300))
        _ = exchange.connected(Self.peer, frontier: .zero, state: .zero, comparesRanges: true)
        let message = ReconcileMessage(
            digest: .zero, state: .zero,
            ranges: [.init(from: .first, below: nil, content: .fingerprint(.zero))])
        func answers() -> Bool {
            exchange.receivedRanges(from: Self.peer, message, headersThrough: { _ in .max }, now: Talker.now) != nil
        }
        for _ in 0..<256 { #expect(answers()) }
        #expect(!answers() && exchange.counters.rangesRefused == 1)
        _ = exchange.tick(now: Instant(milliseconds: 14_000), headersThrough: { _ in .max })
        #expect(answers(), "until the next round")
    }
}

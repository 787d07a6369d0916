import Consensus
import Federation
import Gossip
import Identity
import Ledger
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// The machine alone, and what strangers may tell it.
@Suite struct SumsFetchTests {
    private let bench = Bench(members: 3)
    private var tellers: [PeerID] { [bench.peer(0), bench.peer(1)].sorted() }
    private let now = Instant(milliseconds: 1_000)

    private func sums(_ after: UInt64, _ through: UInt64, byteCount: UInt64 = 10) -> BlockSums {
        let block = LogBlock(
            key: LogKey(author: bench.peer(2), log: LogID(rawValue: 5)), after: after, through: through,
            id: OpID(Bytes(repeating: UInt8(through), count: 32))!)
        return BlockSums(block: block, byteCount: byteCount, parts: [BodyHash.hash(of: Bytes(repeating: 7, count: 10))])
    }

    private func asking() -> SumsFetch {
        var fetch = SumsFetch(genesis: bench.genesis, begins: true)
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[0], .checkpoints(after: 0))])
        #expect(
            fetch.answered(SumsAnswer(certificates: [], more: false), by: tellers[0], now: now)
                == [.ask(tellers[0], .sums(from: .first, after: 0))])
        return fetch
    }

    private func page(_ sums: [BlockSums], by signers: [Int] = [0, 1], more: Bool = false) -> SumsAnswer {
        SumsAnswer(certificates: sums.map { bench.certificate($0, by: signers).encode() }, more: more)
    }

    @Test func `page by page, then the parts, then all at once`() {
        var fetch = asking()
        let (one, other) = (sums(0, 4), sums(4, 9))
        let from = LogBound(author: one.block.key.author, log: one.block.key.log)
        #expect(
            fetch.answered(page([one], more: true), by: tellers[0], now: now)
                == [.ask(tellers[0], .sums(from: from, after: 4))])
        #expect(fetch.answered(page([other]), by: tellers[0], now: now) == [])
        #expect(fetch.wanted.map(\.length) == [10, 10])
        let part = Bytes(repeating: 7, count: 10)
        #expect(fetch.supply([1], hash: one.parts[0], now: now) == [], "another length is another body")
        #expect(
            fetch.supply(part, hash: one.parts[0], now: now)
                == [.keep(one, part: 0, part), .keep(other, part: 0, part), .pin([one, other])])
        #expect(!fetch.isIdle)
        fetch.pinned(now: now)
        #expect(fetch.isIdle)
    }

    @Test(arguments: [[0], [0, 2], []]) func `a certificate that proves nothing is its sender's fault`(_ signers: [Int])
    {
        var fetch = asking()
        guard
            case .blame(let peer, _)? = fetch.answered(page([sums(0, 4)], by: signers), by: tellers[0], now: now)
                .first
        else {
            Issue.record("a certificate with the signatures of \(signers) passes")
            return
        }
        #expect(peer == tellers[0] && fetch.wanted.isEmpty)
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[1], .checkpoints(after: 0))])
    }

    @Test func `bytes that are no certificate, other certificates, and blocks that overlap or go back are refused`() {
        let other = bench.certificate(bench.revocation())
        let answers = [
            SumsAnswer(certificates: [[1, 2, 3]], more: false),
            SumsAnswer(certificates: [other.encode()], more: false),
            page([sums(0, 4), sums(3, 9)]), page([sums(4, 9), sums(0, 4)]), page([sums(0, 4), sums(0, 4)]),
        ]
        for answer in answers {
            var fetch = asking()
            guard case .blame? = fetch.answered(answer, by: tellers[0], now: now).first else {
                Issue.record("\(answer) passes")
                continue
            }
        }
    }

    @Test func `who promises more without an end, or does not answer, delays it and no more`() {
        var fetch = asking()
        _ = fetch.answered(SumsAnswer(certificates: [], more: true), by: tellers[0], now: now)
        #expect(
            fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[1], .checkpoints(after: 0))],
            "an empty page is the last one, and somebody else may know more")
        #expect(fetch.tick(now: now + SumsFetch.Limits.answerMs) == [])
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [] && fetch.isIdle)
    }

    @Test func `a page every nine seconds is not waited for for ever`() {
        var fetch = asking()
        var time = now
        for seq in 0..<20 as Range<UInt64> where !fetch.isIdle {
            time = time + 9_000
            _ = fetch.tick(now: time)
            _ = fetch.look([tellers[0]], hasPeers: true, now: time)
            _ = fetch.answered(page([sums(seq, seq + 1)], more: true), by: tellers[0], now: time)
        }
        #expect(fetch.isIdle && time <= now + SumsFetch.Limits.memberMs + 9_000)
    }

    /// Seed 4002224: the chain of checkpoints was a page older than the sums.
    @Test func `a checkpoint that came into force between two pages is nobody's fault`() {
        var fetch = asking()
        let later = sums(4, 9)
        let question = Proposition.sums(later).question(by: bench.peer(2), electorate: .zero)
        let unknown = Certificate(question: question, value: .yes, round: 0, signatures: [])
        let answer = SumsAnswer(certificates: page([sums(0, 4)]).certificates + [unknown.encode()], more: false)
        #expect(fetch.answered(answer, by: tellers[0], now: now) == [])
        #expect(fetch.wanted.map(\.seq) == [4], "what is proven is taken")
    }

    @Test func `members take turns, and three are asked at a time`() {
        let many = Bench(members: 6)
        let tellers = (1...5).map(many.peer).sorted()
        var fetch = SumsFetch(genesis: many.genesis, begins: false)
        func round(at time: Instant) -> [PeerID] {
            var asked: [PeerID] = []
            while case .ask(let peer, _)? = fetch.look(tellers, hasPeers: true, now: time).first {
                asked.append(peer)
                for _ in 0..<2 { _ = fetch.answered(SumsAnswer(certificates: [], more: false), by: peer, now: time) }
            }
            return asked
        }
        let log = LogKey(author: many.peer(0), log: LogID(rawValue: 1))
        fetch.lacksBodies(of: [log], now: now)
        #expect(round(at: now) == Array(tellers[..<3]) && fetch.isIdle)
        fetch.lacksBodies(of: [log], now: now + 59_999)
        #expect(fetch.isIdle, "not so soon")
        let later = now + SumsFetch.Limits.againMs
        fetch.lacksBodies(of: [log], now: later)
        #expect(round(at: later) == Array(tellers[3...]) + [tellers[0]])
        fetch.lacksBodies(of: [log], now: later + SumsFetch.Limits.againMs)
        #expect(fetch.isIdle, "in vain: twice as long")
    }

    @Test func `who does not begin takes sums of the logs that lack bodies, and of no other`() {
        var fetch = SumsFetch(genesis: bench.genesis, begins: false)
        let block = sums(0, 4)
        for isStarved in [false, true] {
            let log = isStarved ? block.block.key : LogKey(author: bench.peer(1), log: LogID(rawValue: 5))
            let time = now + (isStarved ? SumsFetch.Limits.againMs : 0)
            fetch.lacksBodies(of: [log], now: time)
            _ = fetch.look([tellers[0]], hasPeers: true, now: time)
            _ = fetch.answered(SumsAnswer(certificates: [], more: false), by: tellers[0], now: time)
            _ = fetch.answered(page([block]), by: tellers[0], now: time)
            #expect(fetch.wanted.map(\.sender) == (isStarved ? [tellers[0]] : []))
            _ = fetch.look([tellers[0]], hasPeers: true, now: time)
        }
    }

    @Test func `parts that nobody has end it`() {
        var fetch = asking()
        let block = sums(0, 4)
        _ = fetch.answered(page([block]), by: tellers[0], now: now)
        fetch.progressed(block.parts[0], now: now + 5_000)
        fetch.progressed(.zero, now: now + 9_000)
        #expect(fetch.tick(now: now + SumsFetch.Limits.partMs) == [] && !fetch.isIdle, "chunks are coming")
        #expect(fetch.tick(now: now + 5_000 + SumsFetch.Limits.partMs) == [] && fetch.isIdle, "others do not count")
    }

    @Test func `a part that nobody has makes way for others, and whole blocks are pinned without it`() {
        var fetch = asking()
        let blocks = (0..<4 as Range<UInt64>).map { place in
            let bytes = Bytes(repeating: UInt8(place), count: 10)
            let whole = sums(place * 4, place * 4 + 4)
            return BlockSums(block: whole.block, byteCount: 10, parts: [BodyHash.hash(of: bytes)])
        }
        _ = fetch.answered(page(blocks), by: tellers[0], now: now)
        #expect(fetch.wanted.map(\.hash) == [blocks[0].parts[0], blocks[1].parts[0]])
        fetch.postpone(blocks[0].parts[0], now: now + 9_000)
        fetch.postpone(blocks[1].parts[0], now: now + 9_000)
        #expect(fetch.wanted.map(\.hash) == [blocks[2].parts[0], blocks[3].parts[0]])
        for place in 2...3 {
            _ = fetch.supply(Bytes(repeating: UInt8(place), count: 10), hash: blocks[place].parts[0], now: now + 9_500)
        }
        fetch.postpone(blocks[0].parts[0], now: now + 15_000)
        #expect(fetch.tick(now: now + 19_500) == [.pin(Array(blocks[2...]))], "each is waited for once")
        #expect(fetch.holdsOps)
    }

    @Test func `who was turned away asks again, and a peer that cannot tell ends it`() {
        var fetch = asking()
        #expect(fetch.look([], hasPeers: false, now: now) == [] && !fetch.isIdle)
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[0], .checkpoints(after: 0))])
        var other = SumsFetch(genesis: bench.genesis, begins: true)
        #expect(other.look([], hasPeers: true, now: now) == [] && other.isIdle)
    }
}

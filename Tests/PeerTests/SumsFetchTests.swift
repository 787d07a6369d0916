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
        #expect(fetch.isIdle, "an empty page is the last one")
        fetch = asking()
        fetch.tick(now: now + SumsFetch.Limits.answerMs)
        #expect(
            fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[1], .checkpoints(after: 0))])
        fetch.tick(now: now + 2 * SumsFetch.Limits.answerMs)
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [] && fetch.isIdle)
    }

    @Test func `parts that nobody has end it`() {
        var fetch = asking()
        _ = fetch.answered(page([sums(0, 4)]), by: tellers[0], now: now)
        fetch.progressed(now: now + 5_000)
        fetch.tick(now: now + SumsFetch.Limits.answerMs)
        #expect(!fetch.isIdle, "chunks are coming")
        fetch.tick(now: now + 5_000 + SumsFetch.Limits.answerMs)
        #expect(fetch.isIdle)
    }

    @Test func `who was turned away asks again, and a peer that cannot tell ends it`() {
        var fetch = asking()
        #expect(fetch.look([], hasPeers: false, now: now) == [] && !fetch.isIdle)
        #expect(fetch.look(tellers, hasPeers: true, now: now) == [.ask(tellers[0], .checkpoints(after: 0))])
        var other = SumsFetch(genesis: bench.genesis, begins: true)
        #expect(other.look([], hasPeers: true, now: now) == [] && other.isIdle)
    }
}

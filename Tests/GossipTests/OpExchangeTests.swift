import Gossip
import Identity
import Replication
import Testing
import Wire

/// What one node knows, and an exchange that speaks for it.
struct Talker {
    static let now = Instant(milliseconds: 0)
    static let authors = (1...4 as ClosedRange<UInt8>).map { PeerID(Bytes(repeating: $0, count: 32))! }
    static let peers = (1...3 as ClosedRange<UInt8>).map { PeerID(Bytes(repeating: 100 + $0, count: 32))! }

    var have: [LogKey: UInt64]
    var exchange: OpExchange

    static func key(_ author: Int) -> LogKey { LogKey(author: authors[author], log: LogID(rawValue: 1)) }
    static func id(_ author: Int, _ seq: UInt64) -> OpID {
        blake2b256(domain: "test/op", [UInt8(author)], seq.bigEndianBytes)
    }

    static func summary(_ seqs: [UInt64], state: Hash32 = .zero) -> Summary {
        var frontier = Frontier()
        for (author, seq) in seqs.enumerated() where seq > 0 {
            frontier[key(author)] = Frontier.Head(seq: seq, id: id(author, seq))
        }
        return Summary(frontier: frontier, stateDigest: state)
    }

    static func entries(_ seqs: [UInt64]) -> [(key: LogKey, seq: UInt64)] {
        seqs.enumerated().filter { $0.element > 0 }.map { (key($0.offset), $0.element) }
    }

    init(_ seqs: [UInt64]) {
        have = Dictionary(uniqueKeysWithValues: Self.entries(seqs).map { ($0.key, $0.seq) })
        exchange = OpExchange(summary: Self.summary(seqs), random: Random(seed: 1), now: Self.now)
    }

    mutating func connected(_ peer: Int, with seqs: [UInt64], state: Hash32 = .zero) -> [OpExchange.Effect] {
        exchange.connected(
            Self.peers[peer], frontier: Self.summary(seqs).frontierDigest, state: state)
    }

    mutating func frontier(from peer: Int, _ seqs: [UInt64], state: Hash32 = .zero, at ms: UInt64 = 0)
        -> [OpExchange.Effect]
    {
        let have = have
        return exchange.receivedFrontier(
            from: Self.peers[peer], digest: Self.summary(seqs).frontierDigest, state: state,
            entries: Self.entries(seqs).map { .init(key: $0.key, seq: $0.seq) }, last: true,
            headersThrough: { have[$0] ?? 0 }, now: Instant(milliseconds: ms))
    }

    /// New ops are durable: `author`'s log goes on through `seq`.
    mutating func advance(_ author: Int, through seq: UInt64) -> [OpExchange.Effect] {
        let from = (have[Self.key(author)] ?? 0) + 1
        have[Self.key(author)] = seq
        let known = have
        let seqs = Self.authors.indices.map { known[Self.key($0)] ?? 0 }
        return exchange.advanced(
            to: Self.summary(seqs), new: (from...seq).map { (Self.id(author, $0), Self.key(author), $0) },
            headersThrough: { known[$0] ?? 0 }, now: Self.now)
    }

    mutating func tick(at ms: UInt64) -> [OpExchange.Effect] {
        let have = have
        return exchange.tick(now: Instant(milliseconds: ms), headersThrough: { have[$0] ?? 0 })
    }
}

@Suite struct OpExchangeTests {
    let peers = Talker.peers
    let key = Talker.key

    func range(_ author: Int, _ from: UInt64, _ through: UInt64) -> OpRange {
        OpRange(key: Talker.key(author), from: from, through: through)
    }

    @Test func `equal frontiers and states have nothing to say`() {
        var talker = Talker([3, 2])
        #expect(talker.connected(0, with: [3, 2]) == [])
        #expect(
            talker.exchange.receivedSummary(
                from: peers[0], frontier: Talker.summary([3, 2]).frontierDigest, state: .zero) == [])
    }

    @Test func `equal frontiers and different states are an alarm`() {
        let other = Hash32(Bytes(repeating: 1, count: 32))!
        var talker = Talker([3])
        #expect(talker.connected(0, with: [3], state: other) == [.diverged(peers[0], ours: .zero, theirs: other)])
        #expect(talker.frontier(from: 0, [3], state: other) == [.diverged(peers[0], ours: .zero, theirs: other)])
    }

    @Test func `a different frontier is answered with the whole own one, once`() {
        var talker = Talker([3])
        #expect(talker.connected(0, with: [5]) == [.sendFrontier(peers[0])])
        #expect(talker.frontier(from: 0, [5]) == [.sendPull(peers[0], [range(0, 4, 5)])])
    }

    @Test(
        arguments: [
            ([], [4], [(0, 1, 4)]),
            ([2], [4], [(0, 3, 4)]),
            ([4], [2], []),
            ([4, 0, 7], [5, 1, 7], [(0, 5, 5), (1, 1, 1)]),
            ([0], [400], [(0, 1, 128)]),
            ([0, 0], [100, 100], [(0, 1, 64), (1, 1, 64)]),
            ([0, 90], [400, 100], [(0, 1, 118), (1, 91, 100)]),
        ] as [([UInt64], [UInt64], [(Int, UInt64, UInt64)])])
    func `exactly what is missing is pulled, at most an answer's worth`(
        ours: [UInt64], theirs: [UInt64], ranges: [(Int, UInt64, UInt64)]
    ) {
        var talker = Talker(ours)
        _ = talker.connected(0, with: theirs)
        let pulls = talker.frontier(from: 0, theirs).filter { if case .sendPull = $0 { true } else { false } }
        let expected = ranges.map { range($0.0, $0.1, $0.2) }
        #expect(pulls == (expected.isEmpty ? [] : [.sendPull(peers[0], expected)]))
    }

    @Test func `what one neighbour was asked for is asked of no other until it has had its time`() {
        var talker = Talker([])
        for peer in 0...1 { _ = talker.connected(peer, with: [4]) }
        #expect(talker.frontier(from: 0, [4]) == [.sendPull(peers[0], [range(0, 1, 4)])])
        #expect(talker.frontier(from: 1, [4]) == [])
        #expect(talker.tick(at: 4_999) == [])
        #expect(talker.tick(at: 5_000) == [.sendPull(peers[1], [range(0, 1, 4)])])
    }

    @Test func `a neighbour that goes leaves its ranges to another`() {
        var talker = Talker([])
        for peer in 0...1 { _ = talker.connected(peer, with: [4]) }
        _ = talker.frontier(from: 0, [4])
        _ = talker.frontier(from: 1, [4])
        let effects = talker.exchange.disconnected(peers[0], headersThrough: { _ in 0 }, now: Talker.now)
        #expect(effects == [.sendPull(peers[1], [range(0, 1, 4)])])
    }

    @Test func `new ops are pushed in order to every neighbour that lacks them`() {
        var talker = Talker([2])
        _ = talker.connected(0, with: [2])
        _ = talker.connected(1, with: [2])
        let ids = [Talker.id(0, 3), Talker.id(0, 4)]
        #expect(talker.advance(0, through: 4) == [.sendOps(peers[0], ids), .sendOps(peers[1], ids)])
    }

    @Test func `who sent an op does not get it back`() {
        var talker = Talker([2])
        _ = talker.connected(0, with: [2])
        _ = talker.connected(1, with: [2])
        _ = talker.exchange.receivedOps(
            from: peers[0], [(Talker.key(0), 3)], headersThrough: { _ in 3 }, now: Talker.now)
        #expect(talker.advance(0, through: 3) == [.sendOps(peers[1], [Talker.id(0, 3)])])
    }

    @Test func `nothing is pushed over a gap; the frontier says what there is`() {
        var talker = Talker([2])
        #expect(talker.connected(0, with: [1]) == [.sendFrontier(peers[0])])
        #expect(talker.advance(0, through: 3) == [.sendFrontier(peers[0])])
        #expect(talker.frontier(from: 0, [3]) == [])
    }

    @Test func `a push that did not fit is not believed to have arrived`() {
        var talker = Talker([2])
        _ = talker.connected(0, with: [2])
        #expect(talker.advance(0, through: 3) == [.sendOps(peers[0], [Talker.id(0, 3)])])
        talker.exchange.pushFailed(peers[0], [(Talker.key(0), 3)])
        #expect(talker.advance(0, through: 4) == [.sendFrontier(peers[0])], "op 4 alone would be a gap")
    }

    @Test func `every neighbour is compared with in turn, ten seconds apart, give or take three`() {
        var talker = Talker([1])
        for peer in 0...2 { _ = talker.connected(peer, with: [1]) }
        var asked: [PeerID] = []
        var times: [UInt64] = []
        for ms in stride(from: 0, through: 90_000, by: 100) as StrideThrough<UInt64> {
            for case .sendSummary(let peer) in talker.tick(at: ms) {
                asked.append(peer)
                times.append(ms)
            }
        }
        #expect((6...13).contains(asked.count))
        for round in 0..<2 { #expect(Set(asked[round * 3..<round * 3 + 3]) == Set(peers)) }
        for (one, next) in zip(times, times.dropFirst()) { #expect((7_000...13_100).contains(next - one)) }
    }

    @Test func `only ops that are durable here are served, no more than one answer holds`() {
        let talker = Talker([300, 5])
        let far = OpRange(key: Talker.key(3), from: 1, through: 9)
        #expect(
            talker.exchange.servable([range(1, 4, 99), far, range(0, 1, 300)]) == [range(1, 4, 5), range(0, 1, 126)])
        #expect(talker.exchange.servable([range(0, 301, 400), range(1, 9, 4)]) == [])
    }

    @Test func `holders of an op are the neighbours that are known to have it`() {
        var talker = Talker([])
        for (peer, seq) in [(0, 3), (1, 5), (2, 1)] as [(Int, UInt64)] {
            _ = talker.connected(peer, with: [seq])
            _ = talker.frontier(from: peer, [seq])
        }
        #expect(Set(talker.exchange.holders(of: Talker.key(0), seq: 3)) == [peers[0], peers[1]])
        #expect(talker.exchange.holders(of: Talker.key(1), seq: 1) == [])
    }

    @Test func `who is no neighbour is not answered`() {
        var talker = Talker([1])
        #expect(talker.frontier(from: 0, [9]) == [])
        #expect(talker.exchange.receivedSummary(from: peers[0], frontier: .zero, state: .zero) == [])
    }
}

import Gossip
import Identity
import Replication
import Testing
import Wire

@Suite struct PullTests {
    let peer = PeerID(Bytes(repeating: 1, count: 32))!
    let now = Instant(milliseconds: 1_000)
    let keys = (0..<4).map { LogKey(author: PeerID(Bytes(repeating: 9, count: 32))!, log: LogID(rawValue: $0)) }

    func exchange(applied: [LogKey: UInt64] = [:]) -> OpExchange {
        var frontier = Frontier()
        for (key, seq) in applied { frontier[key] = Frontier.Head(seq: seq, id: .zero) }
        var exchange = OpExchange(
            summary: Summary(frontier: frontier, stateDigest: .zero), random: Random(seed: 1), now: now)
        _ = exchange.connected(peer, frontier: .zero, state: .zero)
        return exchange
    }

    func ranges(_ effects: [OpExchange.Effect]) -> [OpRange] {
        effects.flatMap { if case .sendPull(_, let ranges) = $0 { ranges } else { [] as [OpRange] } }
    }

    @Test func `short gaps are closed whole and long ones share the rest`() {
        var exchange = exchange()
        let effects = exchange.receivedFrontier(
            from: peer, digest: .zero, state: .zero,
            entries: [
                .init(key: keys[0], seq: 5_000), .init(key: keys[1], seq: 2), .init(key: keys[2], seq: 5_000),
                .init(key: keys[3], seq: 1),
            ], last: true,
            headersThrough: { _ in 0 }, now: now)
        let asked = ranges(effects)
        #expect(asked.map(\.key) == keys, "in the order of the logs")
        #expect(asked.map(\.through) == [62, 2, 63, 1])
        #expect(asked.reduce(0) { $0 + $1.through } == GossipLimits.opsPerPull)
    }

    @Test func `a log whose ops wait for others is not pulled further`() {
        var exchange = exchange(applied: [keys[0]: 10, keys[1]: 10])
        let asked = ranges(
            exchange.receivedFrontier(
                from: peer, digest: .zero, state: .zero,
                entries: [.init(key: keys[0], seq: 5_000), .init(key: keys[1], seq: 5_000)], last: true,
                headersThrough: { $0 == keys[0] ? 10 + GossipLimits.opsAhead / 2 : 10 }, now: now))
        #expect(asked == [OpRange(key: keys[1], from: 11, through: 10 + GossipLimits.opsPerPull)])
    }

    @Test func `a log that forks does not hold up the others`() {
        var exchange = exchange()
        _ = exchange.receivedFrontier(
            from: peer, digest: .zero, state: .zero,
            entries: [.init(key: keys[0], seq: 3), .init(key: keys[1], seq: 500)], last: true,
            headersThrough: { _ in 0 }, now: now)
        // The fork's ops come and are not taken in; the other log's are.
        let places = (1...3).map { (key: keys[0], seq: UInt64($0)) } + (1...125).map { (key: keys[1], seq: UInt64($0)) }
        let next = ranges(
            exchange.receivedOps(from: peer, places, headersThrough: { $0 == keys[0] ? 0 : 125 }, now: now))
        #expect(next == [OpRange(key: keys[1], from: 126, through: 125 + GossipLimits.opsPerPull)])
    }
}

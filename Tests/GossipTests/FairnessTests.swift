import Gossip
import Identity
import Replication
import Session
import Testing
import Wire

@Suite struct FairnessTests {
    let peers = (1...3).map { KeyPair(seed: Bytes(repeating: UInt8($0), count: 32)).peerID }
    let now = Instant(milliseconds: 1_000)

    private func key(_ author: Int, _ log: UInt64) -> LogKey {
        LogKey(author: peers[author], log: LogID(rawValue: log))
    }

    @Test func `a pull asks for all logs that lack ops, so that none waits for another's end`() {
        let empty = Summary(frontier: Frontier(), stateDigest: .zero)
        var exchange = OpExchange(summary: empty, random: Random(seed: 1), now: now)
        _ = exchange.connected(peers[0], frontier: .zero, state: .zero)
        let entries = (0..<4).map { OpExchange.Place(key: key(1, UInt64($0)), seq: 5_000) }
        let effects = exchange.receivedFrontier(
            from: peers[0], digest: .zero, state: .zero, entries: entries, last: true, headersThrough: { _ in 0 },
            now: now)
        let share = GossipLimits.opsPerPull / 4
        let ranges = entries.map { OpRange(key: $0.key, from: 1, through: share) }.sorted { $0.key < $1.key }
        #expect(effects.contains(.sendPull(peers[0], ranges)))
    }

    @Test func `a false length in one header does not spoil the body of another, and nobody is blamed`() throws {
        let body = Bytes(repeating: 7, count: 300_000)
        let hash = BodyHash.hash(of: body)
        func want(_ id: UInt8, length: Int) -> Replica.WantedBody {
            Replica.WantedBody(
                op: OpID(Bytes(repeating: id, count: 32))!, hash: hash, length: length, sender: peers[0],
                key: key(1, UInt64(id)), seq: 1)
        }
        var exchange = BodyExchange()
        let wanted = [want(1, length: 290_000), want(2, length: body.count)]
        let asked = exchange.update(wanted: wanted, holders: { _, _ in [] }, connected: { _ in true }, now: now)
        #expect(asked.count == 2)
        var outcomes: [BodyExchange.Effect] = []
        for chunk in 0..<3 {
            outcomes += exchange.received(Blob(chunk: chunk, of: body, hash: hash), from: peers[0], now: now)
        }
        #expect(outcomes.filter { $0 != .progress(hash: hash) } == [.complete(hash: hash, body: body)])
    }

    @Test func `a body that nobody has is not asked for in a loop`() {
        var exchange = BodyExchange()
        let hash: Hash32 = blake2b256(domain: "test", [1])
        let wanted = [
            Replica.WantedBody(
                op: .zero, hash: hash, length: 5_000, sender: peers[0], key: key(1, 1), seq: 1)
        ]
        func update(_ now: Instant) -> Int {
            exchange.update(wanted: wanted, holders: { _, _ in [peers[1]] }, connected: { _ in true }, now: now).count
        }
        #expect(update(now) == 1)
        exchange.none(hash, from: peers[0])
        #expect(update(now) == 1, "the other holder")
        exchange.none(hash, from: peers[1])
        #expect(update(now) == 0)
        let later = now + GossipLimits.answerMs
        exchange.tick(now: later)
        #expect(update(later) == 1)
    }
}

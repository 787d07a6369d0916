import Gossip
import Identity
import Replication
import Session
import Testing
import Wire

@Suite struct BodyExchangeTests {
    let peers = Talker.peers
    let now = Instant(milliseconds: 0)
    static let chunk = BodyHash.chunkBytes

    func body(_ count: Int, _ fill: UInt8 = 1) -> Bytes { Bytes(repeating: fill, count: count) }

    func want(_ body: Bytes, length: Int? = nil, op: UInt8 = 1, from sender: PeerID?) -> Replica.WantedBody {
        Replica.WantedBody(
            op: OpID(Bytes(repeating: op, count: 32))!, hash: BodyHash.hash(of: body), length: length ?? body.count,
            sender: sender, key: Talker.key(0), seq: UInt64(op))
    }

    func update(
        _ exchange: inout BodyExchange, _ wanted: [Replica.WantedBody], holders: [PeerID] = [],
        connected: [PeerID]? = nil, at ms: UInt64 = 0
    ) -> [BodyExchange.Effect] {
        exchange.update(
            wanted: wanted, holders: { _, _ in holders }, connected: { (connected ?? peers).contains($0) },
            now: Instant(milliseconds: ms))
    }

    /// Whom a body was asked of, and which chunks.
    func asked(_ effects: [BodyExchange.Effect]) -> [PeerID] {
        effects.compactMap { if case .want(let peer, _) = $0 { peer } else { nil } }
    }

    @Test func `a body is asked of its announcer, once`() {
        var exchange = BodyExchange()
        let body = body(5_000)
        let effects = update(&exchange, [want(body, from: peers[1])], holders: [peers[0], peers[1]])
        let hash = BodyHash.hash(of: body)
        #expect(effects == [.want(peers[1], BlobWant(hash: hash, chunks: .some([0])))])
        #expect(update(&exchange, [want(body, from: peers[1])], holders: [peers[0]]) == [])
        #expect(
            exchange.received(Blob(chunk: 0, of: body, hash: hash), from: peers[1], now: now) == [
                .complete(hash: hash, body: body)
            ])
        #expect(exchange.outstanding == 0)
    }

    @Test func `a long body comes in windows of a few chunks`() {
        var exchange = BodyExchange()
        let window = GossipLimits.chunksPerWant
        let body = body((window + 1) * Self.chunk + 1)
        let hash = BodyHash.hash(of: body)
        var effects = update(&exchange, [want(body, from: peers[0])])
        #expect(effects == [.want(peers[0], BlobWant(hash: hash, chunks: .some(Array(0..<window))))])
        for chunk in 0..<window {
            #expect(effects == [.progress(hash: hash)] || chunk == 0)
            effects = exchange.received(Blob(chunk: chunk, of: body, hash: hash), from: peers[0], now: now)
        }
        #expect(
            effects == [
                .progress(hash: hash), .want(peers[0], BlobWant(hash: hash, chunks: .some([window, window + 1]))),
            ])
        #expect(
            exchange.received(Blob(chunk: window + 1, of: body, hash: hash), from: peers[0], now: now)
                == [.progress(hash: hash)])
        #expect(
            exchange.received(Blob(chunk: window, of: body, hash: hash), from: peers[0], now: now) == [
                .complete(hash: hash, body: body)
            ])
    }

    @Test func `a source that does not answer is replaced, and what it brought is kept`() {
        var exchange = BodyExchange()
        let body = body(2 * Self.chunk)
        let hash = BodyHash.hash(of: body)
        let wanted = [want(body, from: peers[0])]
        _ = update(&exchange, wanted, holders: peers)
        _ = exchange.received(Blob(chunk: 0, of: body, hash: hash), from: peers[0], now: now)
        #expect(exchange.nextDeadline == now + GossipLimits.answerMs)
        exchange.tick(now: now + GossipLimits.answerMs)
        let effects = update(&exchange, wanted, holders: peers, at: GossipLimits.answerMs)
        #expect(effects == [.want(peers[1], BlobWant(hash: hash, chunks: .some([1])))])
        let late = exchange.received(Blob(chunk: 1, of: body, hash: hash), from: peers[0], now: now)
        #expect(late == [.complete(hash: hash, body: body)])
    }

    @Test func `a source that is gone or has nothing is replaced at once`() {
        for isGone in [true, false] {
            var exchange = BodyExchange()
            let wanted = [want(body(5_000), from: peers[0])]
            _ = update(&exchange, wanted)
            if isGone {
                exchange.disconnected(peers[0])
            } else {
                exchange.none(wanted[0].hash, from: peers[0])
            }
            let left = isGone ? [peers[1]] : peers
            #expect(asked(update(&exchange, wanted, holders: peers, connected: left)) == [peers[1]])
        }
    }

    @Test func `when nobody has it everybody is asked again, but not at once`() {
        var exchange = BodyExchange()
        let wanted = [want(body(5_000), from: peers[0])]
        var order: [PeerID] = []
        for _ in 0..<10 {
            guard let peer = asked(update(&exchange, wanted, holders: Array(peers.prefix(2)))).first else { break }
            order.append(peer)
            exchange.none(wanted[0].hash, from: peer)
        }
        #expect(order == [peers[0], peers[1]])
        #expect(exchange.nextDeadline == now + GossipLimits.answerMs, "the caller must come back")
        exchange.tick(now: now + GossipLimits.answerMs)
        #expect(
            asked(update(&exchange, wanted, holders: Array(peers.prefix(2)), at: GossipLimits.answerMs)) == [peers[0]])
    }

    @Test func `a body is missing when everybody who was asked had none, not when whoever was asked is gone`() {
        var exchange = BodyExchange()
        let body = body(5_000)
        let wanted = [want(body, from: peers[0])]
        func isMissing(_ exchange: BodyExchange) -> Bool {
            exchange.isMissing(BodyHash.hash(of: body), length: body.count)
        }
        _ = update(&exchange, wanted)
        exchange.disconnected(peers[0])
        exchange.tick(now: now + GossipLimits.answerMs)
        #expect(!isMissing(exchange), "it may come back")
        #expect(asked(update(&exchange, wanted, at: 5_000)) == [peers[0]])
        exchange.none(BodyHash.hash(of: body), from: peers[0])
        #expect(!isMissing(exchange), "somebody else may have it")
        exchange.tick(now: now + 2 * GossipLimits.answerMs)
        #expect(isMissing(exchange))
        _ = update(&exchange, wanted, at: 10_000)
        #expect(!isMissing(exchange), "it is asked again")
    }

    @Test func `a new holder is asked at once, whoever had nothing before`() {
        var exchange = BodyExchange()
        let wanted = [want(body(5_000), from: peers[0])]
        _ = update(&exchange, wanted)
        exchange.none(wanted[0].hash, from: peers[0])
        #expect(update(&exchange, wanted) == [])
        #expect(asked(update(&exchange, wanted, holders: [peers[2]])) == [peers[2]])
    }

    @Test func `a forged chunk beside a good one names its sender`() {
        var exchange = BodyExchange()
        let body = body(2 * Self.chunk)
        let hash = BodyHash.hash(of: body)
        let wanted = [want(body, from: peers[0])]
        _ = update(&exchange, wanted)
        _ = exchange.received(Blob(chunk: 0, of: body, hash: hash), from: peers[0], now: now)
        let forged = Blob(hash: hash, chunk: 1, chunks: 2, chunkHashes: [], bytes: self.body(Self.chunk, 2))
        let outcome = exchange.received(forged, from: peers[0], now: now)
        #expect(outcome == [.forged(peers[0], .chunkMismatch(body: hash, chunk: 1))])
        #expect(asked(update(&exchange, wanted, holders: peers)) == [peers[1]], "another brings the rest")
    }

    @Test func `a first chunk that does not fit blames nobody, since the op may be the lie`() {
        var exchange = BodyExchange()
        let body = body(5_000)
        let hash = BodyHash.hash(of: body)
        let lie = want(body, length: 6_000, op: 1, from: peers[0])
        let truth = want(body, op: 2, from: peers[1])
        #expect(asked(update(&exchange, [lie, truth])) == [peers[0], peers[1]], "two bodies, as far as anybody knows")
        let blob = Blob(chunk: 0, of: body, hash: hash)
        #expect(exchange.received(blob, from: peers[1], now: now) == [.complete(hash: hash, body: body)])
        #expect(exchange.outstanding == 1)
        #expect(exchange.received(blob, from: peers[0], now: now) == [])
    }

    @Test func `a neighbour is asked for many small bodies at a time, and for few large ones`() {
        let window = GossipLimits.chunksPerNeighbour
        func askedAtOnce(_ length: Int, count: Int) -> (first: Int, then: [PeerID]) {
            var exchange = BodyExchange()
            let wanted = (0..<count).map { want(body(length, UInt8($0)), op: UInt8($0 + 1), from: peers[0]) }
            let first = asked(update(&exchange, wanted)).count
            return (first, asked(update(&exchange, wanted, holders: [peers[1]])))
        }
        let small = askedAtOnce(5_000, count: window + 2)
        #expect(small.first == window && small.then == [peers[1], peers[1]], "the rest is asked of another")
        let large = askedAtOnce(Self.chunk * (GossipLimits.chunksPerWant + 1), count: window)
        #expect(large.first == window / GossipLimits.chunksPerWant)
    }

    @Test func `a body that nobody wants any more is forgotten`() {
        var exchange = BodyExchange()
        let body = body(5_000)
        _ = update(&exchange, [want(body, from: peers[0])])
        #expect(exchange.outstanding == 1)
        #expect(update(&exchange, []) == [] && exchange.outstanding == 0 && exchange.nextDeadline == nil)
        let late = Blob(chunk: 0, of: body, hash: BodyHash.hash(of: body))
        #expect(exchange.received(late, from: peers[0], now: now) == [])
    }
}

import Glibc
import Testing
import Wire

@testable import Transport

/// Sends a stream of known bytes in odd sizes as fast as the connection takes it, and checks the one that arrives.
/// Lives on the loop of its transport.
private final class Pump: @unchecked Sendable {
    static let block: Bytes = {
        var random = Random(seed: 1)
        return (0..<(1 << 20) / 8).flatMap { _ in random.next().bigEndianBytes }
    }()
    private let transport: TLSTransport
    private let id: ConnectionID
    private let total: Int
    private let done: @Sendable (Bool) -> Void
    private var sizes: Random
    private var sent = 0
    private var received = 0
    private var isIntact = true

    init(
        _ transport: TLSTransport, _ id: ConnectionID, total: Int, seed: UInt64,
        done: @escaping @Sendable (Bool) -> Void
    ) {
        self.transport = transport
        self.id = id
        self.total = total
        self.done = done
        sizes = Random(seed: seed)
        transport.onEvent = { [self] event in
            switch event {
            case .received(id, let bytes): take(bytes)
            case .drained(id): fill()
            case .closed: transport.onEvent = { _ in }
            default: break
            }
        }
    }

    func fill() {
        while sent < total, transport.bufferedBytes(id) < 1 << 20 {
            // From single bytes to several records at once.
            let size = min(
                1 + sizes.below(1 << (1 + sizes.below(18))), total - sent, Self.block.count - sent % Self.block.count)
            let start = sent % Self.block.count
            transport.write(id, Bytes(Self.block[start..<start + size]))
            sent += size
        }
    }

    private func take(_ bytes: Bytes) {
        bytes.withUnsafeBytes { bytes in
            Self.block.withUnsafeBytes { block in
                var at = 0
                while at < bytes.count {
                    let start = received % block.count
                    let size = min(bytes.count - at, block.count - start)
                    isIntact = isIntact && memcmp(bytes.baseAddress! + at, block.baseAddress! + start, size) == 0
                    at += size
                    received += size
                }
            }
        }
        if received >= total { done(isIntact && received == total) }
    }
}

extension Sockets {
    @Suite struct ExchangeTests {
        /// Sends `total` bytes both ways at once.
        private func exchange(total: Int, _ limits: TransportLimits = TransportLimits()) async throws {
            let pair = try await connected(limits)
            let (results, tell) = AsyncStream<Bool>.makeStream()
            let sides = [(pair.client, pair.clientSide.id, UInt64(2)), (pair.server, pair.serverSide.id, UInt64(3))]
            var pumps: [Pump] = []
            for (station, id, seed) in sides {
                pumps.append(
                    try await station.on { Pump($0, id, total: total, seed: seed) { intact in tell.yield(intact) } })
            }
            for ((station, _, _), pump) in zip(sides, pumps) { try await station.on { _ in pump.fill() } }
            var iterator = results.makeAsyncIterator()
            let first = await iterator.next()
            let second = await iterator.next()
            #expect(first == true && second == true, "both streams arrive whole and in order")
            let counters = try await pair.client.counters()
            #expect(counters.received == UInt64(total) && counters.sent == UInt64(total))
            #expect(counters.rawSent > counters.sent && counters.rawSent < counters.sent * 51 / 50, "TLS adds < 2 %")
            #expect(counters.failures == [:])
            try await pair.client.end()
            try await pair.server.end()
        }

        @Test func `fifty mebibytes cross in both directions at once`() async throws {
            try await exchange(total: 50 << 20)
        }

        @Test func `keys are changed on the way`() async throws {
            var limits = TransportLimits()
            limits.recordsPerKey = 7
            try await exchange(total: 4 << 20, limits)
        }

        @Test func `both sides get the same exporter, each connection another`() async throws {
            let pair = try await connected()
            #expect(pair.clientSide.exporter == pair.serverSide.exporter)
            #expect(pair.clientSide.exporter.count == 32)
            #expect((pair.clientSide.role, pair.serverSide.role) == (.initiator, .acceptor))
            #expect((pair.clientSide.dial, pair.serverSide.dial) == (1, nil))
            #expect(pair.serverSide.remote.host == "127.0.0.1")
            try await pair.client.dial(pair.clientSide.remote, tag: 2)
            let second = await pair.client.opened()
            let secondServer = await pair.server.opened()
            #expect(second.dial == 2)
            #expect(second.exporter == secondServer.exporter)
            #expect(second.exporter != pair.clientSide.exporter)
            #expect(second.id != pair.clientSide.id)
        }

        @Test func `a slow reader is isolated, and gets everything when it reads again`() async throws {
            let server = try Station()
            let place = try await server.listen()
            let (slow, fast) = (try Station(), try Station())
            try await slow.dial(place)
            let slowSide = await slow.opened()
            let toSlow = await server.opened().id
            try await slow.on { $0.pauseReading(slowSide.id) }
            try await fast.dial(place)
            let fastSide = await fast.opened()
            let toFast = await server.opened().id

            let bytes = Bytes(repeating: 5, count: 6 << 20)
            try await server.write(toSlow, bytes)
            for _ in 0..<4 {
                try await server.write(toFast, bytes)
                let arrived = await fast.received(fastSide.id, count: bytes.count)
                #expect(arrived.count == bytes.count)
            }
            #expect(try await server.on { $0.bufferedBytes(toSlow) } > 0)
            #expect(try await server.on { $0.bufferedBytes(toFast) } == 0)
            try await slow.on { $0.resumeReading(slowSide.id) }
            let late = await slow.received(slowSide.id, count: bytes.count)
            #expect(late == bytes)
            await server.event { $0 == .drained(toSlow) ? () : nil }
        }

        @Test func `a reader that never reads is closed at the limit of unsent bytes`() async throws {
            var limits = TransportLimits()
            limits.unsent = 1 << 20
            let pair = try await connected(TransportLimits(), server: limits)
            let (client, server) = (pair.clientSide.id, pair.serverSide.id)
            try await pair.client.on { $0.pauseReading(client) }
            let chunk = Bytes(repeating: 0, count: 256 << 10)
            while try await pair.server.on({ $0.counters.open }) == 1 { try await pair.server.write(server, chunk) }
            let reason = await pair.server.closed()
            #expect(reason == .unsentLimit(bytes: limits.unsent))
            let counters = try await pair.server.counters()
            #expect(counters[.unsentLimit] == 1 && counters.unsent == 0)
        }

        @Test func `beyond the total of unsent bytes the connection with most of them is closed`() async throws {
            var limits = TransportLimits()
            limits.totalUnsent = 1 << 20
            let server = try Station(limits)
            let place = try await server.listen()
            let client = try Station()
            try await client.dial(place)
            let greedy = await server.opened().id
            try await client.dial(place)
            let modest = await server.opened().id
            try await server.on { transport in
                transport.write(greedy, Bytes(repeating: 0, count: 700 << 10))
                transport.write(modest, Bytes(repeating: 0, count: 400 << 10))
                #expect(transport.bufferedBytes(greedy) == 0 && transport.bufferedBytes(modest) == 400 << 10)
            }
            let reason = await server.closed()
            #expect(reason == .totalUnsentLimit(bytes: limits.totalUnsent))
            #expect(try await server.counters().open == 1)
        }

        @Test func `two hundred connections talk at once`() async throws {
            var limits = TransportLimits()
            limits.connections = 256
            limits.unauthenticated = 256
            let (server, client) = (try Station(limits), try Station(limits))
            let place = try await server.listen()
            let count = 200
            try await client.on { transport in for tag in 0..<UInt64(count) { transport.dial(place, tag: tag) } }
            var opened: [ConnectionID: UInt64] = [:]
            var exporters: Set<Bytes> = []
            while opened.count < count {
                let side = await client.opened()
                opened[side.id] = side.dial
                exporters.insert(side.exporter)
            }
            #expect(Set(opened.values) == Set(0..<UInt64(count)) && exporters.count == count)
            for (id, tag) in opened { try await client.write(id, tag.bigEndianBytes) }
            var tags: Set<UInt64> = []
            while tags.count < count {
                let bytes = await server.event { if case .received(_, let bytes) = $0 { bytes } else { nil } }
                tags.insert(try #require(UInt64(bigEndianBytes: bytes)))
            }
            #expect(tags == Set(opened.values))
            #expect(try await server.counters().open == count)
            try await client.end()
            try await server.end()
        }

        @Test func `writes of one turn share TLS records`() async throws {
            let pair = try await connected()
            let id = pair.clientSide.id
            let before = try await pair.client.counters().rawSent
            try await pair.client.on { transport in for _ in 0..<1_000 { transport.write(id, [1, 2, 3]) } }
            let bytes = await pair.server.received(pair.serverSide.id, count: 3_000)
            #expect(bytes.count == 3_000)
            #expect(
                try await pair.client.counters().rawSent - before == 3_000 + 22, "one record: 5 + 1 + 16 bytes more")
        }
    }
}

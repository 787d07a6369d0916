import Glibc
import Testing
import Wire

@testable import Transport

extension Sockets {
    @Suite struct HostileTests {
        /// A server that met `attack`, with its counters after the attacker was thrown out.
        private func counters(
            _ limits: TransportLimits = TransportLimits(), after attack: (RawSocket) -> Void
        ) async throws -> TransportCounters {
            let server = try Station(limits)
            let socket = try RawSocket(connectedTo: try await server.listen())
            attack(socket)
            socket.waitForEnd()
            return try await server.counters()
        }

        /// The ends of a dial by `profile` at a proper node, and the counters of that node.
        private func meet(_ profile: TLSProfile) async throws -> (seen: TransportError?, server: TransportCounters) {
            let server = try Station()
            let client = try Station(profile: profile)
            try await client.dial(server.listen())
            let seen: (TransportError?, Void) = await client.event { event in
                switch event {
                case .dialFailed(_, let error): (error, ())
                case .closed(_, let reason): (reason, ())  // TLS 1.3 lets an initiator open before it is judged
                default: nil
                }
            }
            return (seen.0, try await server.counters())
        }

        @Test func `garbage is refused and counted`() async throws {
            let counters = try await counters { $0.send(Bytes(repeating: 0xA5, count: 4_096)) }
            #expect(counters[.notTLS] == 1 && counters.handshakes == 0 && counters.handshaking == 0)
        }

        @Test func `plain HTTP is refused and counted`() async throws {
            let counters = try await counters { $0.send(Bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) }
            #expect(counters[.notTLS] == 1)
        }

        @Test func `random bytes in a TLS record never crash`() async throws {
            var random = Random(seed: 11)
            var limits = TransportLimits()
            limits.handshakeMs = 200
            let server = try Station(limits)
            let place = try await server.listen()
            for _ in 0..<100 {
                let body = (0..<random.below(300)).map { _ in UInt8(random.below(256)) }
                let size = UInt16(random.below(4) == 0 ? random.below(65_536) : body.count)
                let socket = try RawSocket(connectedTo: place)
                socket.send([22, 3, 1] + size.bigEndianBytes + [1, 0] + size.bigEndianBytes + body)
                socket.endWriting()
                socket.waitForEnd()
            }
            let counters = try await server.counters()
            #expect(counters.accepted == 100 && counters.handshaking == 0 && counters.handshakes == 0)
            #expect(counters.failures.values.reduce(0, +) == 100)
        }

        @Test func `a handshake that never ends is ended`() async throws {
            var limits = TransportLimits()
            limits.handshakeMs = 50
            let silent = try await counters(limits) { _ in }
            #expect(silent[.handshakeTimedOut] == 1)
            let started = try await counters(limits) { $0.send([22, 3, 1, 1, 0, 1, 0]) }
            #expect(started[.handshakeTimedOut] == 1)
        }

        @Test func `half a connection during the handshake is ended`() async throws {
            let counters = try await counters { $0.endWriting() }
            #expect(counters[.handshakeFailed] == 1)
        }

        @Test func `TLS 1.2 is refused`() async throws {
            var profile = TLSProfile()
            (profile.minVersion, profile.maxVersion) = (0x0303, 0x0303)
            let (seen, server) = try await meet(profile)
            #expect(seen == .wrongTLSVersion)
            #expect(server[.wrongTLSVersion] == 1 && server.handshakes == 0)
        }

        @Test func `another protocol is refused`() async throws {
            var profile = TLSProfile()
            profile.offeredProtocol = "h2"
            let (seen, server) = try await meet(profile)
            #expect(seen == .wrongProtocol)
            #expect(server[.wrongProtocol] == 1 && server.handshakes == 0)
        }

        @Test func `no protocol is refused`() async throws {
            var profile = TLSProfile()
            profile.offeredProtocol = nil
            let (seen, server) = try await meet(profile)
            #expect(seen != nil)
            #expect(server[.wrongProtocol] == 1 && server.handshakes == 0)
        }

        @Test func `no certificate is refused`() async throws {
            var profile = TLSProfile()
            profile.presentsCertificate = false
            let (seen, server) = try await meet(profile)
            #expect(seen == .noCertificate)
            #expect(server[.noCertificate] == 1 && server.handshakes == 0)
        }

        @Test func `of too many handshakes the oldest give way`() async throws {
            var limits = TransportLimits()
            limits.unauthenticated = 4
            let server = try Station(limits)
            let place = try await server.listen()
            let sockets = try (0..<6).map { _ in try RawSocket(connectedTo: place) }
            sockets[0].waitForEnd()
            sockets[1].waitForEnd()
            let counters = try await server.counters()
            #expect(counters[.tooManyHandshakes] == 2 && counters.handshaking == 4)
        }

        @Test func `a connection that has not proven who it is gives way, one that has stays`() async throws {
            var limits = TransportLimits()
            limits.unauthenticated = 1
            let server = try Station(limits)
            let place = try await server.listen()
            let client = try Station()
            try await client.dial(place)
            let known = await server.opened().id
            try await server.on { $0.authenticated(known) }
            try await client.dial(place)
            let unknown = await server.opened().id
            try await client.dial(place)
            let evicted = await server.event { if case .closed(let id, let reason) = $0 { (id, reason) } else { nil } }
            #expect(evicted.0 == unknown && evicted.1 == .tooManyHandshakes(limit: 1))
            #expect(try await server.on { $0.bufferedBytes(known) } == 0)
        }

        @Test func `too many connections from one address are refused`() async throws {
            var limits = TransportLimits()
            (limits.acceptBurst, limits.acceptsPerSecond) = (2, 0)
            let server = try Station(limits)
            let place = try await server.listen()
            let sockets = try (0..<3).map { _ in try RawSocket(connectedTo: place) }
            sockets[2].waitForEnd()
            let counters = try await server.counters()
            #expect(counters[.tooManyFromAddress] == 1 && counters.handshaking == 2)
        }

        @Test func `too many connections are refused on both sides`() async throws {
            var limits = TransportLimits()
            limits.connections = 1
            let pair = try await connected(TransportLimits(), server: limits)
            try await pair.client.dial(pair.clientSide.remote)
            let refused = await pair.client.dialFailed()
            #expect(refused.code == .handshakeFailed || refused == .reset)
            #expect(try await pair.server.counters()[.tooManyConnections] == 1)
            let other = try Station()
            try await pair.server.dial(other.listen())
            let full = await pair.server.dialFailed()
            #expect(full == .tooManyConnections(limit: 1))
        }
    }
}

import Glibc
import Testing
import Wire

@testable import Transport

extension Sockets {
    @Suite struct DialTests {
        @Test func `dialing a closed port fails with a clear error`() async throws {
            let place = try await { try await Station().listen() }()  // closed again by now
            let station = try Station()
            try await station.dial(place, tag: 9)
            let failure = await station.event { event in
                if case .dialFailed(let tag, let error) = event { (tag, error) } else { nil }
            }
            #expect(failure.0 == 9)
            #expect(failure.1 == .connectionRefused(place))
            #expect(failure.1.description.contains("\(place): nothing listens there; start the node"))
            let counters = try await station.counters()
            #expect(counters[.connectionRefused] == 1 && counters.handshaking == 0)
        }

        @Test func `a name is looked up and its addresses are tried in turn`() async throws {
            let server = try Station()
            let place = try await server.listen()
            let client = try Station()
            // Where localhost is ::1 as well, nothing listens there.
            try await client.dial(HostPort(host: "localhost", port: place.port))
            let side = await client.opened()
            #expect(side.remote == place)
        }

        @Test func `an impossible name is an error that names it`() async throws {
            let station = try Station()
            let name = String(repeating: "a", count: 70) + ".invalid"
            try await station.dial(HostPort(host: name, port: 1))
            let error = await station.dialFailed()
            #expect(error.code == .unknownHost)
            #expect(error.description.contains(name))
        }

        @Test func `an IPv6 address works where the machine has it`() async throws {
            let server = try Station()
            guard let place = try? await server.listen("::1") else { return }
            #expect(place.description.hasPrefix("[::1]:"))
            let client = try Station()
            try await client.dial(place)
            let side = await client.opened()
            #expect(side.remote == place)
        }

        @Test func `a host that takes the connection and says nothing times out`() async throws {
            let silent = try RawSocket(listening: ())
            var limits = TransportLimits()
            limits.handshakeMs = 50
            let impatient = try Station(limits)
            try await impatient.dial(silent.place)
            let handshake = await impatient.dialFailed()
            #expect(handshake == .handshakeTimedOut)

            limits = TransportLimits()
            limits.dialMs = 50
            let other = try Station(limits)
            try await other.dial(silent.place)
            let dial = await other.dialFailed()
            #expect(dial == .dialTimedOut(silent.place))
        }

        @Test func `only so many dials run at once, the others wait, and too many are refused`() async throws {
            let silent = try RawSocket(listening: ())
            let place = silent.place
            var limits = TransportLimits()
            limits.dials = 2
            limits.waitingDials = 3
            limits.dialMs = 30
            let station = try Station(limits)
            let running = try await station.on { transport in
                for tag in 0..<UInt64(6) { transport.dial(place, tag: tag) }
                return transport.counters.dialed
            }
            #expect(running == 2)
            let refused = await station.dialFailed()
            #expect(refused == .tooManyDials(limit: 3))
            for _ in 0..<5 {
                let error = await station.dialFailed()
                #expect(error == .dialTimedOut(place))
            }
            #expect(try await station.counters().dialed == 5)
        }

        @Test func `a server that speaks HTTP is named as not TLS`() async throws {
            let listener = try RawSocket(listening: ())
            let station = try Station()
            try await station.dial(listener.place)
            let http = listener.accept()
            http.send(Bytes("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            let error = await station.dialFailed()
            #expect(error == .notTLS)
        }

        @Test func `a used port is an error with a remedy`() async throws {
            let first = try Station()
            let place = try await first.listen()
            let second = try Station()
            let error = await #expect(throws: TransportError.self) { try await second.listen(port: place.port) }
            #expect(error == .addressInUse(place))
            #expect(error?.description.contains("another program uses port \(place.port)") == true)
            #expect(try await second.counters()[.addressInUse] == 1)
        }

        @Test func `an address of another machine is an error with a remedy`() async throws {
            let station = try Station()
            let error = await #expect(throws: TransportError.self) {
                try await station.listen("192.0.2.1", port: 7_400)
            }
            #expect(error == .addressNotHere(HostPort(host: "192.0.2.1", port: 7_400)))
        }

        @Test func `several places can be listened at, by name too`() async throws {
            let server = try Station()
            let first = try await server.listen("localhost")
            let second = try await server.listen()
            #expect(first.port != second.port)
            let client = try Station()
            for place in [first, second] {
                try await client.dial(place)
                let side = await client.opened()
                #expect(side.remote == place)
            }
        }
    }
}

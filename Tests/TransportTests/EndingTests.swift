import Glibc
import Testing
import Wire

@testable import Transport

extension Sockets {
    @Suite struct EndingTests {
        @Test func `closing sends everything first, and both sides end in order`() async throws {
            let pair = try await connected()
            let id = pair.clientSide.id
            let bytes = Bytes(repeating: 3, count: 5 << 20)
            try await pair.client.on { transport in
                transport.write(id, bytes)
                transport.close(id)
                transport.write(id, [9])  // ignored
            }
            let arrived = await pair.server.received(pair.serverSide.id, count: bytes.count)
            #expect(arrived == bytes)
            let (server, client) = (await pair.server.closed(), await pair.client.closed())
            #expect(server == nil && client == nil)
        }

        @Test func `both sides may close at once, even while both write`() async throws {
            let pair = try await connected()
            let bytes = Bytes(repeating: 3, count: 1 << 20)
            for (station, id) in [(pair.client, pair.clientSide.id), (pair.server, pair.serverSide.id)] {
                try await station.on { transport in
                    transport.write(id, bytes)
                    transport.close(id)
                    transport.close(id)
                }
            }
            let (server, client) = (await pair.server.closed(), await pair.client.closed())
            #expect(server == nil && client == nil)
        }

        @Test func `an end without a goodbye is reported`() async throws {
            let pair = try await connected()
            let id = pair.clientSide.id
            try await pair.client.on { $0.abort(id) }
            let (server, client) = (await pair.server.closed(), await pair.client.closed())
            #expect(server == .truncated && client == .aborted)
            #expect(try await pair.server.counters()[.truncated] == 1)
        }

        @Test func `a reset is reported`() async throws {
            let pair = try await connected()
            let (client, server) = (pair.clientSide.id, pair.serverSide.id)
            try await pair.client.on { $0.pauseReading(client) }
            try await pair.server.write(server, Bytes(repeating: 0, count: 7 << 20))
            // Unread bytes on the client's side make the kernel answer its close with a reset.
            while try await pair.server.on({ $0.counters.rawSent }) < 100_000 {}
            try await pair.client.on { $0.abort(client) }
            let reason = await pair.server.closed()
            #expect(reason == .reset)
        }

        @Test func `who never takes the last bytes is not waited for`() async throws {
            var limits = TransportLimits()
            limits.lingerMs = 50
            let pair = try await connected(TransportLimits(), server: limits)
            let (client, server) = (pair.clientSide.id, pair.serverSide.id)
            try await pair.client.on { $0.pauseReading(client) }
            try await pair.server.on { transport in
                transport.write(server, Bytes(repeating: 0, count: 8 << 20))
                transport.close(server)
            }
            let reason = await pair.server.closed()
            #expect(reason == .lingerTimedOut)
        }

        @Test func `calls for a connection that is gone do nothing`() async throws {
            let pair = try await connected()
            let id = pair.clientSide.id
            try await pair.client.on { $0.abort(id) }
            _ = await pair.client.closed()
            try await pair.client.on { transport in
                transport.write(id, [1])
                transport.close(id)
                transport.abort(id)
                transport.pauseReading(id)
                transport.resumeReading(id)
                transport.authenticated(id)
                #expect(transport.bufferedBytes(id) == 0)
            }
        }

        @Test func `a receiver may close from within its event`() async throws {
            let pair = try await connected()
            try await pair.server.on { transport in
                let chained = transport.onEvent
                transport.onEvent = { [unowned transport] event in
                    chained(event)
                    if case .received(let id, _) = event { transport.abort(id) }
                }
            }
            try await pair.client.write(pair.clientSide.id, Bytes(repeating: 1, count: 1 << 20))
            let reason = await pair.server.closed()
            #expect(reason == .aborted)
        }

        @Test func `shutting down ends connections, dials and listening, and is told when it is done`() async throws {
            let pair = try await connected()
            let silent = try RawSocket(listening: ())
            let place = pair.clientSide.remote
            try await pair.client.dial(silent.place, tag: 5)
            try await pair.client.end()
            let reason = await pair.server.closed()
            #expect(reason == nil)
            let failure = await pair.client.dialFailed()
            #expect(failure == .shutDown)
            try await pair.server.end()
            let late = try Station()
            try await late.dial(place)
            let refused = await late.dialFailed()
            #expect(refused == .connectionRefused(place))
        }

        @Test func `after shutting down everything is refused`() async throws {
            let station = try Station()
            await withCheckedContinuation { done in
                station.loop.post { [transport = station.transport] in transport.shutdown { done.resume() } }
            }
            await #expect(throws: TransportError.shutDown) { try await station.listen() }
            try await station.dial(HostPort(host: "127.0.0.1", port: 1))
            let error = await station.dialFailed()
            #expect(error == .shutDown)
        }

        @Test func `the end of the loop ends connections too`() async throws {
            let pair = try await connected()
            pair.client.loop.stop()
            pair.client.loop.join()
            let (server, client) = (await pair.server.closed(), await pair.client.closed())
            #expect(server == .truncated && client == .shutDown)
        }

        @Test func `no descriptor is left`() async throws {
            func life() async throws {
                let server = try Station()
                let place = try await server.listen()
                let client = try Station()
                for _ in 0..<10 {
                    try await client.dial(place)
                    _ = await client.opened()
                }
                let hostile = try RawSocket(connectedTo: place)
                hostile.send(Bytes("GET / HTTP/1.0\r\n\r\n".utf8))
                hostile.waitForEnd()
                try await client.dial(HostPort(host: "localhost", port: place.port))
                _ = await client.opened()
                await #expect(throws: TransportError.self) { try await client.listen(port: place.port) }
                try await client.end()
                try await server.end()
            }
            try await life()
            let before = openDescriptors()
            for _ in 0..<3 { try await life() }
            #expect(openDescriptors() == before)
        }
    }
}

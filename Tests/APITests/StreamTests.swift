import API
import Glibc
import Synchronization
import Testing

@Suite struct StreamTests {
    @Test func `a pulled body arrives whole, and only as fast as it is read`() async throws {
        let made = Mutex(0)
        let parts = 400
        let fixture = try Fixture { _, responder in
            let next = Mutex(0)
            responder.send(
                .pull(contentType: "application/octet-stream") {
                    let number = next.withLock { next in
                        defer { next += 1 }
                        return next
                    }
                    guard number < parts else { return nil }
                    made.withLock { $0 += 1 }
                    return pattern(from: number << 16, count: 1 << 16)
                })
        }
        let received = Mutex((count: 0, isRight: true, ahead: 0))
        let reply = try await fixture.client.download(Call(.get, "/")) { part in
            received.withLock { received in
                if !isPattern(part, from: received.count) { received.isRight = false }
                received.count += part.count
                received.ahead = max(received.ahead, made.withLock { $0 } - received.count >> 16)
            }
        }
        #expect(reply.headers["Transfer-Encoding"] == "chunked")
        let (count, isRight, ahead) = received.withLock { $0 }
        #expect(count == parts << 16)
        #expect(isRight)
        // The writer's buffer, the sockets' buffers and libcurl's own.
        #expect(ahead < 64, "the producer ran \(ahead) parts ahead")
        await fixture.server.stop()
    }

    @Test func `a slow reader holds the writer back`() async throws {
        let written = Mutex(0)
        let stalled = Signal<Bool>()
        let fixture = try Fixture { _, responder in
            responder.send(
                .stream(contentType: "x/y", capacity: 64 << 10) { writer in
                    for _ in 0..<1000 {
                        while !writer.offer([UInt8](repeating: 1, count: 16 << 10)) {
                            stalled.set(true)
                            try await writer.write([UInt8](repeating: 1, count: 16 << 10))
                            written.withLock { $0 += 1 }
                        }
                        written.withLock { $0 += 1 }
                    }
                })
        }
        let raw = RawConnection(unix: fixture.path)
        await raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = await stalled.value
        #expect(written.withLock { $0 } < 200, "the writer waits")
        var count = 0
        count += await raw.receive(atLeast: 16_000_000).count
        await fixture.server.stop(within: .zero)
    }

    @Test func `a producer that fails cuts the body short visibly`() async throws {
        struct Broken: Error {}
        let fixture = try Fixture { _, responder in
            responder.send(
                .stream(contentType: "x/y") { writer in
                    try await writer.write([1, 2, 3])
                    throw Broken()
                })
        }
        let error = await #expect(throws: APIError.self) { try await fixture.client.send(Call(.get, "/")) }
        guard case .interrupted = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await fixture.server.stop()
    }

    @Test func `a producer ends when its client leaves`() async throws {
        let ended = Signal<String>()
        let fixture = try Fixture { _, responder in
            responder.send(
                .stream(contentType: "x/y", capacity: 1000) { writer in
                    do {
                        while true { try await writer.write([UInt8](repeating: 0, count: 1000)) }
                    } catch {
                        ended.set("\(error)")
                        throw error
                    }
                })
        }
        var raw: RawConnection? = RawConnection(unix: fixture.path)
        await raw?.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = await raw?.receive(until: "\r\n\r\n")
        raw = nil
        #expect(await ended.value == "send: stream: the receiver is gone")
        await fixture.server.stop()
    }

    @Test func `events arrive one by one, in order, with all their lines`() async throws {
        let sent: [ServerEvent] = [
            ServerEvent(data: "plain"), ServerEvent(name: "round", data: "two\nlines", id: "7"), ServerEvent(data: ""),
            ServerEvent(data: "a\u{2028}b"), ServerEvent(name: "evil\ndata: x", data: " led by a space"),
        ]
        let fixture = try Fixture { _, responder in
            responder.send(
                .events { writer in
                    for event in sent { try await writer.send(event) }
                })
        }
        var received: [ServerEvent] = []
        for try await event in fixture.client.events("/events") { received.append(event) }
        #expect(received.map(\.data) == sent.map(\.data))
        #expect(received.map(\.name) == ["message", "round", "message", "message", "evildata: x"])
        #expect(received[1].id == "7")
        await fixture.server.stop()
    }

    @Test func `silence is filled with comments`() async throws {
        let fixture = try Fixture { _, responder in
            responder.send(.events(keepAlive: .milliseconds(10)) { _ in try await Task.sleep(for: .seconds(3600)) })
        }
        let raw = RawConnection(unix: fixture.path)
        await raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(await raw.receive(until: ": keep-alive\n\n").contains("text/event-stream"))
    }

    @Test func `a stop ends event streams at once and in order`() async throws {
        let started = Signal<EventWriter>()
        let fixture = try Fixture { _, responder in
            responder.send(
                .events { writer in
                    started.set(writer)
                    try await Task.sleep(for: .seconds(3600))
                })
        }
        let client = fixture.client
        let reader = Task {
            var names: [String] = []
            for try await event in client.events("/events") { names.append(event.name) }
            return names
        }
        let writer = await started.value
        #expect(writer.offer(ServerEvent(name: "last", data: "")))
        await fixture.server.stop(within: .seconds(60))
        #expect(try await reader.value == ["last"])
        #expect(!writer.offer(ServerEvent(data: "too late")))
    }

    @Test func `a stop cuts a stream that does not end`() async throws {
        let stalled = Signal<Bool>()
        let fixture = try Fixture { _, responder in
            responder.send(
                .stream(contentType: "x/y", capacity: 1000) { writer in
                    while writer.offer([UInt8](repeating: 0, count: 1000)) {}
                    stalled.set(true)
                    while true { try await writer.write([1]) }
                })
        }
        let raw = RawConnection(unix: fixture.path)
        await raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = await stalled.value
        await fixture.server.stop(within: .zero)
        #expect(await !raw.receiveAll().hasSuffix("0\r\n\r\n"), "the end mark is missing")
    }

    @Test func `HEAD runs no producer`() async throws {
        let fixture = try Fixture { _, responder in
            responder.send(.pull(contentType: "x/y") { nil })
        }
        let reply = try await fixture.client.send(Call(.head, "/"))
        #expect(reply.status == 200)
        #expect(reply.body.isEmpty)
        await fixture.server.stop()
    }
}

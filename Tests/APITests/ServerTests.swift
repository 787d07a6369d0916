import API
import Dispatch
import Glibc
import Synchronization
import Testing

@Suite struct ServerTests {
    @Test func `a request reaches the handler and its answer the client`() async throws {
        let fixture = try Fixture { request, responder in
            responder.send(.text("\(request.method.rawValue) \(request.path) \(request.query["a"] ?? "")"))
        }
        let reply = try await fixture.client.send(Call(.get, "/x/\("ä b?")", query: [("a", "1 & 2"), ("b", nil)]))
        #expect(String(decoding: reply.body, as: UTF8.self) == "GET /x/ä b? 1 & 2")
        #expect(reply.status == 200)
        #expect(reply.headers["content-type"] == "text/plain; charset=utf-8")
        await fixture.server.stop()
    }

    @Test func `answers may come later, from other threads, in any order`() async throws {
        let held = Mutex<[(String, Responder)]>([])
        let allThere = Signal<Bool>()
        let fixture = try Fixture { request, responder in
            let count = held.withLock { held in
                held.append((request.query["n"] ?? "", responder))
                return held.count
            }
            if count == 20 { allThere.set(true) }
        }
        let client = fixture.client
        try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<20 {
                group.addTask {
                    let reply = try await client.send(Call(.get, "/", query: [("n", "\(number)")]))
                    return (number, String(decoding: reply.body, as: UTF8.self))
                }
            }
            _ = await allThere.value
            let responders = held.withLock { held in
                defer { held = [] }
                return held
            }
            for (name, responder) in responders.reversed() {
                DispatchQueue.global().async { @Sendable in responder.send(.text(name)) }
            }
            for try await (number, answer) in group { #expect(answer == "\(number)") }
        }
        await fixture.server.stop()
    }

    @Test func `a responder dropped without an answer answers 500`() async throws {
        let fixture = try Fixture { _, _ in }
        let error = await #expect(throws: APIError.self) { try await fixture.client.send(Call(.get, "/")) }
        guard case .refused(let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problem.status == 500)
        #expect(problem.code == "internal_error")
        await fixture.server.stop()
    }

    @Test func `only the first answer counts`() async throws {
        let second = Signal<Bool>()
        let fixture = try Fixture { _, responder in
            responder.send(.text("first"))
            second.set(responder.send(.text("second")))
        }
        let reply = try await fixture.client.send(Call(.get, "/"))
        #expect(String(decoding: reply.body, as: UTF8.self) == "first")
        #expect(await second.value == false)
        await fixture.server.stop()
    }

    @Test func `500 concurrent requests are all answered`() async throws {
        let fixture = try Fixture { request, responder in
            DispatchQueue.global().async { @Sendable in responder.send(.text(request.query["n"] ?? "")) }
        }
        let client = fixture.client
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let reply = try await client.send(
                        Call(.post, "/", query: [("n", "\(number)")], body: .bytes([1, 2, 3], contentType: "x/y")))
                    return Int(String(decoding: reply.body, as: UTF8.self)) ?? -1
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499 * 500 / 2)
        await fixture.server.stop()
    }

    @Test func `a kept-alive connection serves request after request`() async throws {
        let fixture = try Fixture { request, responder in responder.send(.text(request.path)) }
        let raw = RawConnection(unix: fixture.path)
        for number in 0..<50 {
            await raw.send("GET /n\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await raw.receive(until: "/n\(number)").hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
        // Pipelined requests are answered in order.
        await raw.send("GET /p1 HTTP/1.1\r\nHost: x\r\n\r\nGET /p2 HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(await raw.receive(until: "/p1").contains("200 OK"))
        #expect(await raw.receive(until: "/p2").contains("200 OK"))
    }

    @Test func `a client that leaves before the answer is noticed and harms nobody`() async throws {
        let arrived = Signal<Responder>()
        let over = Signal<RequestSummary>()
        let fixture = try Fixture(configure: { $0.observe = { if $0.path == "/slow" { over.set($0) } } }) {
            request, responder in
            if request.path == "/slow" { arrived.set(responder) } else { responder.send(.text("quick")) }
        }
        var raw: RawConnection? = RawConnection(unix: fixture.path)
        await raw?.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        let responder = await arrived.value
        #expect(!responder.isClientGone)
        raw = nil
        // The kernel tells of it when the last reference to the socket has gone.
        for _ in 0..<500 where !responder.isClientGone { try await Task.sleep(for: .milliseconds(10)) }
        #expect(responder.isClientGone)
        responder.send(.text(String(repeating: "x", count: 1 << 20)))
        #expect(await over.value.isComplete == false)
        let reply = try await fixture.client.send(Call(.get, "/"))
        #expect(reply.body == Array("quick".utf8))
        await fixture.server.stop()
    }

    @Test func `a stop gives requests under way their time`() async throws {
        let arrived = Signal<Responder>()
        let fixture = try Fixture { _, responder in arrived.set(responder) }
        let client = fixture.client
        let call = Task { try await client.send(Call(.get, "/")) }
        let responder = await arrived.value
        let server = fixture.server
        async let stopped: Void = server.stop(within: .seconds(30))
        responder.send(.text("in time"))
        #expect(try await call.value.body == Array("in time".utf8))
        await stopped
        #expect(fixture.directory.entries.isEmpty, "the socket file is gone")
    }

    @Test func `a stop answers what still waits with 503`() async throws {
        let arrived = Signal<Responder>()
        let fixture = try Fixture { _, responder in arrived.set(responder) }
        let client = fixture.client
        let call = Task { try await client.send(Call(.get, "/")) }
        let responder = await arrived.value
        await fixture.server.stop(within: .zero)
        let error = await #expect(throws: APIError.self) { try await call.value }
        guard case .refused(let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problem.status == 503)
        #expect(!responder.send(.text("too late")))
        let unreachable = await #expect(throws: APIError.self) { try await client.send(Call(.get, "/")) }
        #expect(unreachable?.isUnreachable == true)
    }

    @Test func `a stop with 100 waiting requests ends at once`() async throws {
        let count = Mutex(0)
        let allThere = Signal<Bool>()
        let held = Mutex<[Responder]>([])
        let fixture = try Fixture { _, responder in
            held.withLock { $0.append(responder) }
            if count.withLock({
                $0 += 1; return $0
            }) == 100 {
                allThere.set(true)
            }
        }
        let connections = (0..<100).map { _ in RawConnection(unix: fixture.path) }
        for connection in connections { await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") }
        _ = await allThere.value
        await fixture.server.stop(within: .zero)
        for connection in connections {
            let answer = await connection.receiveAll()
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 503 "))
        }
    }
}

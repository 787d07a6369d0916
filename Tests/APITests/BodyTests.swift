import API
import Glibc
import Synchronization
import Testing

@Suite struct BodyTests {
    private static let echo: @Sendable (Request, Responder) -> Void = { request, responder in
        var count = 0
        var isRight = true
        do {
            try request.body.readChunks { chunk in
                if !isPattern(chunk, from: count) { isRight = false }
                count += chunk.count
            }
        } catch {
            isRight = false
        }
        responder.send(.text("\(count) \(isRight) \(request.body.isSpooled)"))
    }

    @Test(.timeLimit(.minutes(5)))
    func `a large upload is spooled, not held in memory`() async throws {
        let size = 200 << 20
        let fixture = try Fixture { request, responder in
            var count = 0
            var isRight = request.body.isSpooled
            try? request.body.readChunks { chunk in
                if !isPattern(chunk, from: count) { isRight = false }
                count += chunk.count
            }
            responder.send(.text("\(count) \(isRight)"))
        }
        let file = fixture.directory.file("big", count: size)
        let before = residentBytes()
        let peak = Mutex(0)
        let last = Mutex((sent: 0, total: 0))
        let reply = try await fixture.client.upload("/big", method: .put, file: file) { sent, total in
            let now = residentBytes()
            peak.withLock { $0 = max($0, now) }
            last.withLock { $0 = (sent, total) }
        }
        #expect(String(decoding: reply.body, as: UTF8.self) == "\(size) true")
        #expect(peak.withLock { $0 } - before < 100 << 20)
        #expect(last.withLock { $0 == (size, size) })
        await fixture.server.stop()
        #expect(fixture.directory.entries == ["big"], "the spooled body has no name")
    }

    @Test(arguments: [0, 1, 1 << 20, 1 << 20 + 1, 5_000_000])
    func `bodies arrive whole on both sides of the memory limit`(size: Int) async throws {
        let fixture = try Fixture(Self.echo)
        let call = Call(
            .post, "/", body: .bytes(pattern(from: 0, count: size), contentType: "application/octet-stream"))
        let reply = try await fixture.client.send(call)
        #expect(String(decoding: reply.body, as: UTF8.self) == "\(size) true \(size > 1 << 20)")
        await fixture.server.stop()
    }

    @Test func `a chunked body is put together`() async throws {
        let fixture = try Fixture(Self.echo)
        let raw = RawConnection(unix: fixture.path)
        await raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        let bytes = pattern(from: 0, count: 3000)
        for start in stride(from: 0, to: 3000, by: 1000) {
            await raw.send("3e8\r\n")
            await raw.send(Array(bytes[start..<start + 1000]))
            await raw.send("\r\n")
        }
        await raw.send("0\r\n\r\n")
        #expect(await raw.receiveAll().hasSuffix("3000 true false"))
    }

    @Test func `an announced body above the limit is refused before it is sent`() async throws {
        let fixture = try Fixture(configure: { $0.maxBody = 1000 }, Self.echo)
        let raw = RawConnection(unix: fixture.path)
        await raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
        let answer = await raw.receiveAll()
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        #expect(answer.contains("\"code\":\"body_too_large\""))
        #expect(!answer.contains("100 Continue"))
    }

    @Test func `a client that waits for 100 gets it`() async throws {
        let fixture = try Fixture(Self.echo)
        let raw = RawConnection(unix: fixture.path)
        await raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(await raw.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
        await raw.send(pattern(from: 0, count: 5))
        #expect(await raw.receive(until: "false").contains("5 true false"))
    }

    @Test func `a refused body is drained, so that the client can read why`() async throws {
        let fixture = try Fixture(configure: { $0.maxBody = 1000 }, Self.echo)
        let raw = RawConnection(unix: fixture.path)
        await raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
        #expect(await raw.send([UInt8](repeating: 7, count: 900_000)))
        #expect(await raw.receive(until: "}").hasPrefix("HTTP/1.1 413 "))
        // The connection is still good.
        await raw.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(await raw.receiveAll().hasSuffix("0 true false"))
        let error = await #expect(throws: APIError.self) {
            try await fixture.client.send(
                Call(.post, "/", body: .bytes([UInt8](repeating: 1, count: 30 << 20), contentType: "x/y")))
        }
        guard case .refused(let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problem.status == 413)
        await fixture.server.stop()
    }

    @Test func `a chunked body above the limit is refused`() async throws {
        let fixture = try Fixture(configure: { $0.maxBody = 1000 }, Self.echo)
        let raw = RawConnection(unix: fixture.path)
        await raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await raw.send("800\r\n" + String(repeating: "x", count: 0x800) + "\r\n0\r\n\r\n")
        #expect(await raw.receive(until: "}").hasPrefix("HTTP/1.1 413 "))
    }

    @Test func `a body that ends early never reaches the handler`() async throws {
        let over = Signal<RequestSummary>()
        let handled = Mutex(0)
        let fixture = try Fixture(configure: { $0.observe = { over.set($0) } }) { _, responder in
            handled.withLock { $0 += 1 }
            responder.send(.noContent)
        }
        var raw: RawConnection? = RawConnection(unix: fixture.path)
        await raw?.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        await raw?.send([UInt8](repeating: 1, count: 1_500_000))
        raw = nil
        let summary = await over.value
        #expect(!summary.isComplete)
        #expect(summary.status == 0)
        #expect(handled.withLock { $0 } == 0)
        await fixture.server.stop()
    }

    @Test func `a body that cannot be stored is a 507`() async throws {
        let fixture = try Fixture(configure: { $0.spoolDirectory = "/nonexistent" }, Self.echo)
        let error = await #expect(throws: APIError.self) {
            try await fixture.client.send(
                Call(.post, "/", body: .bytes([UInt8](repeating: 1, count: 2 << 20), contentType: "x/y")))
        }
        guard case .refused(let problem) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(problem.status == 507)
        await fixture.server.stop()
    }

    @Test func `collect keeps to its limit`() async throws {
        let fixture = try Fixture { request, responder in
            do throws(APIError) {
                responder.send(.text("\(try request.body.collect(limit: 2 << 20).count)"))
            } catch {
                responder.send(.text("\(error)"))
            }
        }
        for (size, answer) in [
            (2 << 20, "2097152"),
            (2 << 20 + 1, "read body: request: it is larger than 2097152 bytes. send it in smaller parts"),
        ] {
            let reply = try await fixture.client.send(
                Call(.post, "/", body: .bytes([UInt8](repeating: 0, count: size), contentType: "x/y")))
            #expect(String(decoding: reply.body, as: UTF8.self) == answer)
        }
        await fixture.server.stop()
    }
}

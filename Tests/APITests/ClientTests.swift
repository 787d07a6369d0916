import API
import Glibc
import Synchronization
import Testing

@Suite struct ClientTests {
    struct Answer: Codable, Equatable {
        var name: String
        var amount: Int64
        var share: Double
        var list: [String]
    }

    @Test func `JSON goes there and back with equal bytes for equal values`() async throws {
        let fixture = try Fixture { request, responder in
            do throws(Problem) {
                responder.send(.json(try request.json(Answer.self)))
            } catch {
                responder.send(.problem(error))
            }
        }
        let answer = Answer(name: "a/b \u{1F41F}", amount: .max, share: 0.1, list: ["x"])
        let back: Answer = try await fixture.client.post("/", answer)
        #expect(back == answer)
        let bytes = try JSON.encode(answer)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"amount":9223372036854775807,"list":["x"],"name":"a/b 🐟","share":0.1}"#)
        #expect(throws: Problem.self) { try JSON.encode([Double.nan]) }
        await fixture.server.stop()
    }

    @Test func `a missing node is unreachable, with the remedy`() async {
        let client = HTTPClient(.unix(path: "/tmp/shoal-no-such-socket"))
        let error = await #expect(throws: APIError.self) { try await client.send(Call(.get, "/")) }
        #expect(error?.isUnreachable == true)
        #expect(
            error?.description
                == "connect: /tmp/shoal-no-such-socket: there is no socket: No such file or directory. start the node with `shoal run`"
        )
    }

    @Test func `a dead socket and a closed port are unreachable`() async throws {
        let directory = Directory()
        let path = "\(directory.path)/s"
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        _ = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        close(descriptor)
        let fixture = try Fixture(configure: { $0.listen.append(.tcp(host: "127.0.0.1", port: 0)) }) { _, _ in }
        let port = fixture.port
        await fixture.server.stop()
        for address in [
            ServerAddress.unix(path: path), .url("http://127.0.0.1:\(port)"), .url("http://no-such-host.invalid"),
        ] {
            let error = await #expect(throws: APIError.self) { try await HTTPClient(address).send(Call(.get, "/")) }
            guard case .unreachable(_, let cause, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(
                address.description.contains("invalid")
                    ? cause == "the host name is unknown" : cause == "Connection refused")
        }
    }

    @Test func `a timeout, a cancellation and a broken answer are told apart`() async throws {
        let fixture = try Fixture { request, responder in
            if request.path == "/silent" {
                // Held by the task, which outlives the call.
                Task {
                    while !responder.isClientGone { try await Task.sleep(for: .milliseconds(5)) }
                }
            } else {
                responder.send(.text("not JSON"))
            }
        }
        let timeout = await #expect(throws: APIError.self) {
            try await fixture.client.send(Call(.get, "/silent", timeout: .milliseconds(50)))
        }
        #expect(timeout == .timedOut(address: fixture.path, seconds: 0.05))
        let client = fixture.client
        let task = Task { try await client.send(Call(.get, "/silent", timeout: nil)) }
        task.cancel()
        let cancelled = await #expect(throws: APIError.self) { try await task.value }
        #expect(cancelled == .cancelled)
        let broken = await #expect(throws: APIError.self) { let _: Answer = try await fixture.client.get("/text") }
        guard case .badReply = broken else {
            Issue.record("\(String(describing: broken))")
            return
        }
        await fixture.server.stop()
    }

    @Test func `an error without a problem document still has its status`() async throws {
        let fixture = try Fixture { _, responder in responder.send(.text("<html>", status: 502)) }
        let error = await #expect(throws: APIError.self) { try await fixture.client.send(Call(.get, "/")) }
        #expect(error == .refused(Problem(status: 502, detail: "the server answered 502 Bad Gateway")))
        await fixture.server.stop()
    }

    @Test func `a receiver that throws ends its download`() async throws {
        struct Enough: Error {}
        let fixture = try Fixture { _, responder in
            responder.send(.pull(contentType: "x/y") { [UInt8](repeating: 1, count: 1 << 16) })
        }
        await #expect(throws: Enough.self) {
            _ = try await fixture.client.download(Call(.get, "/", timeout: nil)) { _ in throw Enough() }
        }
        await fixture.server.stop(within: .zero)
    }

    @Test func `a file that cannot be read is named`() async {
        let client = HTTPClient(.unix(path: "/tmp/x"))
        for (path, cause) in [("/nonexistent", "No such file or directory"), ("/tmp", "it is not a file")] {
            let error = await #expect(throws: APIError.self) { try await client.upload("/", file: path) }
            #expect(error == .unreadable(path: path, cause: cause))
        }
    }

    @Test func `interpolated path segments are escaped, literals are not`() {
        let agent = "a/b ?#%"
        #expect(("/api/\(agent)/info" as EscapedPath).text == "/api/a%2Fb%20%3F%23%25/info")
        #expect(("/api/x" as EscapedPath).text == "/api/x")
    }
}

import API
import Glibc
import Synchronization
import Testing

@Suite struct ListenTests {
    private let quick: @Sendable (Request, Responder) -> Void = { _, responder in responder.send(.text("ok")) }

    @Test func `the socket file belongs to its owner alone`() async throws {
        let fixture = try Fixture(quick)
        var status = stat()
        #expect(lstat(fixture.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        await fixture.server.stop()
        #expect(lstat(fixture.path, &status) != 0)
    }

    @Test func `a path of 107 bytes works, one of 108 is refused with the reason`() async throws {
        let directory = Directory()
        let longest = directory.path + "/" + String(repeating: "s", count: 106 - directory.path.utf8.count)
        #expect(longest.utf8.count == 107)
        let server = try HTTPServer(ServerConfiguration(listen: [.unix(path: longest)]), handler: quick)
        let reply = try await HTTPClient(.unix(path: longest)).send(Call(.get, "/"))
        #expect(reply.status == 200)
        await server.stop()
        #expect(throws: APIError.socketPathTooLong(path: longest + "s", limit: 107)) {
            try HTTPServer(ServerConfiguration(listen: [.unix(path: longest + "s")]), handler: quick)
        }
    }

    @Test func `a stale socket is replaced, a living one and a file are left alone`() async throws {
        let directory = Directory()
        let path = "\(directory.path)/s"
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        let server = try HTTPServer(ServerConfiguration(listen: [.unix(path: path)]), handler: quick)
        #expect(throws: APIError.alreadyServed(path: path)) {
            try HTTPServer(ServerConfiguration(listen: [.unix(path: path)]), handler: quick)
        }
        #expect(try await HTTPClient(.unix(path: path)).send(Call(.get, "/")).status == 200)
        await server.stop()
        let file = directory.file("f", count: 3)
        #expect(throws: APIError.notASocket(path: file)) {
            try HTTPServer(ServerConfiguration(listen: [.unix(path: file)]), handler: quick)
        }
        #expect(directory.entries == ["f"])
    }

    @Test func `an address in use stops the start and leaves nothing behind`() async throws {
        let fixture = try Fixture(configure: { $0.listen.append(.tcp(host: "127.0.0.1", port: 0)) }, quick)
        let other = Directory()
        let error = #expect(throws: APIError.self) {
            try HTTPServer(
                ServerConfiguration(listen: [
                    .unix(path: "\(other.path)/s"), .tcp(host: "127.0.0.1", port: fixture.port),
                ]), handler: quick)
        }
        #expect(error == .cannotListen(address: "127.0.0.1:\(fixture.port)", cause: "Address already in use"))
        #expect(other.entries.isEmpty)
        await fixture.server.stop()
    }

    @Test func `without a token only loopback addresses are listened on`() {
        #expect(throws: APIError.tokenRequired(address: "0.0.0.0:0")) {
            try HTTPServer(ServerConfiguration(listen: [.tcp(host: "0.0.0.0", port: 0)]), handler: quick)
        }
    }

    @Test func `TCP without a token refuses foreign hosts and pages`() async throws {
        let fixture = try Fixture(configure: { $0.listen.append(.tcp(host: "127.0.0.1", port: 0)) }, quick)
        let client = HTTPClient(.url("http://127.0.0.1:\(fixture.port)"))
        #expect(try await client.send(Call(.get, "/")).body == Array("ok".utf8))
        let own = "http://127.0.0.1:\(fixture.port)"
        #expect(try await client.send(Call(.get, "/", headers: ["Origin": own])).status == 200)
        for headers: Headers in [
            ["Host": "evil.example"], ["Origin": "http://evil.example"], ["Host": "127.0.0.1.evil.example"],
            ["Origin": "null"],
        ] {
            let error = await #expect(throws: APIError.self) {
                try await client.send(Call(.post, "/", headers: headers))
            }
            guard case .refused(let problem) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(problem.status == 403)
        }
        await fixture.server.stop()
    }

    @Test func `a bearer token opens TCP, and only the whole token`() async throws {
        var router = Router()
        router.get("/healthz", needs: .nothing) { _ in .text("ok") }
        router.get("/secret") { _ in .text("ok") }
        let fixture = try Fixture(router) {
            $0.listen.append(.tcp(host: "127.0.0.1", port: 0))
            $0.access = .bearer([Token(name: "all", right: .changing, secret: "correct-horse")])
        }
        let url = "http://127.0.0.1:\(fixture.port)"
        #expect(
            try await HTTPClient(.url(url), options: .init(token: "correct-horse")).send(Call(.get, "/secret")).status
                == 200)
        #expect(try await HTTPClient(.url(url)).send(Call(.get, "/healthz")).status == 200)
        #expect(try await fixture.client.send(Call(.get, "/secret")).status == 200, "the Unix socket needs none")
        for token in [nil, "wrong", "correct-hors", "correct-horsee", "Correct-horse"] {
            let error = await #expect(throws: APIError.self) {
                try await HTTPClient(.url(url), options: .init(token: token)).send(Call(.get, "/secret"))
            }
            guard case .refused(let problem) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(problem.status == 401)
            #expect(problem.code == "token_required")
        }
        await fixture.server.stop()
    }

    @Test func `a token that may only read asks, and changes nothing`() async throws {
        var router = Router()
        router.get("/names") { _ in .text("ok") }
        router.post("/names") { _ in .text("changed") }
        router.post("/questions", needs: .reading) { _ in .text("answered") }
        let callers = Mutex<[String]>([])
        let fixture = try Fixture(router) {
            $0.listen.append(.tcp(host: "127.0.0.1", port: 0))
            $0.access = .bearer([
                Token(name: "admin", right: .changing, secret: "a"),
                Token(name: "reader", right: .reading, secret: "r"),
            ])
            $0.observe = { summary in
                callers.withLock {
                    $0.append("\(summary.caller?.description ?? "-") \(summary.path) \(summary.status)")
                }
            }
        }
        let url = "http://127.0.0.1:\(fixture.port)"
        func status(_ token: String, _ method: HTTPMethod, _ path: EscapedPath) async throws -> Int {
            do {
                return try await HTTPClient(.url(url), options: .init(token: token)).send(Call(method, path)).status
            } catch APIError.refused(let problem) {
                return problem.status
            }
        }
        #expect(try await status("r", .get, "/names") == 200)
        #expect(try await status("r", .post, "/questions") == 200)
        #expect(try await status("r", .post, "/names") == 403)
        #expect(try await status("a", .post, "/names") == 200)
        #expect(try await status("r", .get, "/nowhere") == 404)
        #expect(try await status("x", .get, "/nowhere") == 401, "a stranger does not learn which routes there are")
        await fixture.server.stop()
        // Each call has a connection of its own, and its end may be noticed after the next one's.
        #expect(
            callers.withLock { $0.sorted() } == [
                "- /names 403", "- /nowhere 401", "token:admin /names 200", "token:reader /names 200",
                "token:reader /nowhere 404", "token:reader /questions 200",
            ])
    }

    @Test(arguments: [
        ("127.0.0.1:80", ListenAddress.tcp(host: "127.0.0.1", port: 80)), ("[::1]:0", .tcp(host: "::1", port: 0)),
        (":4747", .tcp(host: "127.0.0.1", port: 4747)), ("localhost:1", .tcp(host: "localhost", port: 1)),
    ])
    func `addresses are parsed`(text: String, address: ListenAddress) async throws {
        #expect(try ListenAddress(hostAndPort: text) == address)
    }

    @Test(arguments: ["", "80", "host", "::1:80", "a:b:80", "h:65536", "h:-1", "h:"])
    func `what is no address is refused`(text: String) {
        #expect(throws: APIError.badAddress(text)) { try ListenAddress(hostAndPort: text) }
    }
}

import API
import Testing

private struct Options: StrictDecodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case name, dim, layers, scale }
    var name: String
    var dim: Int
    var layers: [Layer]?
    var scale: Double?
    struct Layer: Decodable { var heads: UInt8 }
}

@Suite struct RouterTests {
    private func fixture() throws -> Fixture {
        var router = Router()
        router.get("/") { _ in .text("root") }
        router.get("/api/models/:agent/info") { .text("info \($0[parameter: "agent"])") }
        router.get("/api/models/search") { _ in .text("search") }
        router.get("/api/models/:agent") { .text("model \($0[parameter: "agent"])") }
        router.delete("/api/models/:agent") { _ in .noContent }
        router.post("/api/models", bodyLimit: 1000) { request in
            let options = try request.json(Options.self)
            return .text("\(options.name) \(options.dim)", status: 201)
        }
        router.get("/broken") { _ in throw CancellationError() }
        router.get("/refused") { _ in throw Problem.conflict("the model is busy", remedy: "wait") }
        router.get("/paged") { request in
            try request.query.allow(only: "limit", "json")
            return .text("\(try request.query.integer("limit", in: 1...100) ?? 10) \(try request.query.flag("json"))")
        }
        return try Fixture(router)
    }

    private func problem(_ fixture: Fixture, _ call: Call) async throws -> Problem {
        let error = await #expect(throws: APIError.self) { try await fixture.client.send(call) }
        guard case .refused(let problem) = try #require(error) else { throw try #require(error) }
        return problem
    }

    @Test func `the most literal pattern wins`() async throws {
        let fixture = try fixture()
        for (path, answer) in [
            ("/", "root"), ("/api/models/ann/info", "info ann"), ("/api/models/search", "search"),
            ("/api/models/bob", "model bob"),
            ("/api/models/\u{E4}%20b", "model \u{E4} b"), ("/api/models/search/info", "info search"),
        ] as [(EscapedPath, String)] {
            let reply = try await fixture.client.send(Call(.get, path))
            #expect(String(decoding: reply.body, as: UTF8.self) == answer)
        }
        #expect(try await fixture.client.send(Call(.delete, "/api/models/x")).status == 204)
        await fixture.server.stop()
    }

    @Test func `what has no route is a 404, a wrong method a 405 that says which are possible`() async throws {
        let fixture = try fixture()
        for path: EscapedPath in ["/nothing", "/api", "/api/models/", "/api/models//info", "/api/models/a/b/c"] {
            let problem = try await problem(fixture, Call(.get, path))
            #expect(problem.status == 404)
            #expect(problem.code == "no_route")
        }
        let wrong = try await problem(fixture, Call(.put, "/api/models/x"))
        #expect(wrong.status == 405)
        #expect(wrong.remedy == "use DELETE, GET, HEAD, OPTIONS")
        let raw = RawConnection(unix: fixture.path)
        await raw.send("PUT /api/models/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(await raw.receiveAll().contains("Allow: DELETE, GET, HEAD, OPTIONS\r\n"))
        // The most literal pattern decides alone: there is no agent called `search` to delete.
        let literal = try await problem(fixture, Call(.delete, "/api/models/search"))
        #expect(literal.status == 405 && literal.remedy == "use GET, HEAD, OPTIONS")
        let trace = RawConnection(unix: fixture.path)
        await trace.send("TRACE /api/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let refusal = await trace.receiveAll()
        #expect(refusal.hasPrefix("HTTP/1.1 405 ") && refusal.contains("Allow: OPTIONS, POST\r\n"))
        let options = try await fixture.client.send(Call(.options, "/api/models"))
        #expect(options.status == 204)
        #expect(options.headers["allow"] == "OPTIONS, POST")
        #expect(try await fixture.client.send(Call(.head, "/")).headers["Content-Length"] == "4")
        await fixture.server.stop()
    }

    @Test func `thrown problems are the answer, other errors a bare 500`() async throws {
        let fixture = try fixture()
        #expect(try await problem(fixture, Call(.get, "/refused")) == .conflict("the model is busy", remedy: "wait"))
        #expect(try await problem(fixture, Call(.get, "/broken")) == .internalError())
        await fixture.server.stop()
    }

    @Test func `a route's own limit refuses its body`() async throws {
        let fixture = try fixture()
        let large = Call(
            .post, "/api/models", body: .bytes([UInt8](repeating: 32, count: 1001), contentType: "application/json"))
        #expect(try await problem(fixture, large).status == 413)
        await fixture.server.stop()
    }

    @Test(
        arguments: [
            (#"{"name":"a","dim":"32"}"#, "dim", "the field 'dim' must be a whole number"),
            (#"{"name":"a"}"#, "dim", "the field 'dim' is missing"),
            (#"{"name":"a","dim":32.5}"#, "dim", nil),
            (#"{"name":null,"dim":1}"#, "name", "the field 'name' must be text"),
            (#"{"name":"a","dim":1,"layers":[{"heads":1},{"heads":-1}]}"#, "layers[1].heads", nil),
            (#"{"name":"a","dim":1,"layers":7}"#, "layers", "the field 'layers' must be a list"),
            (#"{"name":"a","dim":1,"dimm":2}"#, "dimm", "the field 'dimm' is unknown"),
            (#"[1]"#, nil, "the body must be an object"), (#"{"name":"#, nil, "the body is not JSON"),
            ("", nil, "the request has no body"),
        ] as [(String, String?, String?)])
    func `a wrong body is a 400 that names the field`(body: String, field: String?, detail: String?) async throws {
        let fixture = try fixture()
        let problem = try await problem(
            fixture, Call(.post, "/api/models", body: .bytes(Array(body.utf8), contentType: "application/json")))
        #expect(problem.status == 400)
        #expect(problem.field == field)
        if let detail { #expect(problem.detail == detail) }
        await fixture.server.stop()
    }

    @Test func `a body of another type is a 415`() async throws {
        let fixture = try fixture()
        let problem = try await problem(
            fixture, Call(.post, "/api/models", body: .bytes([1], contentType: "text/plain")))
        #expect(problem.status == 415)
        await fixture.server.stop()
    }

    @Test func `parameters are checked by name, range and spelling`() async throws {
        let fixture = try fixture()
        let reply = try await fixture.client.send(Call(.get, "/paged", query: [("limit", "7"), ("json", "")]))
        #expect(reply.body == Array("7 true".utf8))
        for query in [
            [("limit", "0")], [("limit", "x")], [("limit", "")], [("limit", "9223372036854775808999")],
            [("json", "yes")], [("limits", "1")],
        ]
            as [[(name: String, value: String?)]]
        {
            let problem = try await problem(fixture, Call(.get, "/paged", query: query))
            #expect(problem.status == 400)
            #expect(problem.field == query[0].name)
        }
        await fixture.server.stop()
    }
}

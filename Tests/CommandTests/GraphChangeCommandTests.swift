import API
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct GraphChangeCommandTests {
    /// What a route was sent: its query as text, and its body.
    private struct Sent: Equatable {
        var query: String
        var body: String
    }

    private static func node(
        _ method: HTTPMethod, _ path: String, _ sent: Mutex<[Sent]>.Shared, _ answer: @escaping @Sendable () -> Response
    ) throws -> FakeNode {
        try FakeNode { router in
            router.on(method, path) { request in
                let query = request.query.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
                let body = String(decoding: try request.body.collect(), as: UTF8.self)
                sent.value.withLock { $0.append(Sent(query: query, body: body)) }
                return answer()
            }
        }
    }

    @Test func `an import is known by its path, and says what it removed`() async throws {
        let sent = Mutex<[Sent]>.Shared([])
        let node = try Self.node(.post, "/api/graph/import", sent) {
            .json(
                ImportReport(
                    split: "train", triples: 1, newNodes: 0, newRelations: 0, newEdges: 0, known: 1, removedEdges: 3,
                    removedNodes: 2), status: 201)
        }
        let file = try node.directory.write("a\tr\tb\n", to: "facts.tsv")
        let outcome = await node.run("graph", "import", file)
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("Removed 3 edges and 2 nodes"), "\(outcome.output)")
        _ = await node.run("graph", "import", file, "--source", "ward", "--keep", "--normalize")
        #expect(
            sent.value.withLock { $0.map(\.query) } == [
                "split=train&source=\(file)", "split=train&source=ward&keep=true&normalize=true",
            ])
        let other = try node.directory.write("a\tr\tb\n", to: "other.tsv")
        let twice = await node.run("graph", "import", file, other, "--source", "ward")
        #expect(twice.code == .usage && twice.errors.contains("replace each other"))
    }

    @Test func `an edge is deleted by three names or by a file, and none is exit code 1`() async throws {
        let sent = Mutex<[Sent]>.Shared([])
        let deleted = Mutex<Int>.Shared(1)
        let node = try Self.node(.post, "/api/graph/delete", sent) {
            let count = deleted.value.withLock { $0 }
            return .json(
                DeleteReport(split: "train", triples: 1, deleted: count, missing: 1 - count, missingLines: []))
        }
        #expect(await node.run("graph", "delete", "a b", "r", "c").code == .done)
        let file = try node.directory.write("x\ty\tz\n", to: "wrong.tsv")
        deleted.value.withLock { $0 = 0 }
        #expect(await node.run("graph", "delete", "--file", file, "--split", "test").code == .no)
        #expect(
            sent.value.withLock { $0 } == [
                Sent(query: "split=train", body: "a b\tr\tc"), Sent(query: "split=test", body: "x\ty\tz\n"),
            ])
        for words in [["a", "b"], ["a", "b", "c\td"], [], ["a", "b", "c", "--file", file]] {
            #expect(await CommandTests.run(["graph", "delete"] + words + node.site).code == .usage)
        }
    }

    @Test func `forgetting says what cannot be erased`() async throws {
        let sent = Mutex<[Sent]>.Shared([])
        let node = try Self.node(.post, "/api/graph/forget", sent) {
            .json(
                ForgetReport(
                    id: "00ff", edges: 2, heldOut: 0, perspectives: 1, associations: 0, inferences: 0, aliases: 0,
                    trainerStates: 0, orphans: 1, renamedPaths: 1, mentions: 4, announcedIn: 1, replicatedRows: 1))
        }
        let outcome = await node.run("graph", "forget", "John Smith")
        #expect(outcome.code == .done)
        for part in ["2 edges, 1 perspective", "1 child stays", "4 other texts", "Not erased", "00ff"] {
            #expect(outcome.output.contains(part), "\(part) in \(outcome.output)")
        }
        #expect(sent.value.withLock { $0.map(\.body) } == ["{\"node\":\"John Smith\"}"])
    }

    @Test func `a weight out of range is refused before the node hears of it`() async throws {
        let sent = Mutex<[Sent]>.Shared([])
        let node = try Self.node(.put, "/api/perspectives", sent) {
            .json(
                PerspectiveReport(
                    agent: "anna", node: NodeReport(id: "00", kind: "entity", name: "pain"), context: nil, weight: -1,
                    reasoning: nil))
        }
        for weight in ["1.5", "nan", "-2", "much"] {
            let outcome = await node.run("perspective", "set", "--agent", "anna", "--weight", weight, "pain")
            #expect(outcome.code == .usage && outcome.errors.contains("-1"), "\(weight): \(outcome.errors)")
        }
        #expect(sent.value.withLock { $0 }.isEmpty)
        let outcome = await node.run("perspective", "set", "--agent", "anna", "--weight", "-1", "pain")
        #expect(outcome.code == .done && outcome.output.contains("pain"), "\(outcome.errors)")
        #expect(sent.value.withLock { $0.map(\.body) } == ["{\"agent\":\"anna\",\"node\":\"pain\",\"weight\":-1}"])
    }

    @Test func `aliases are sent before the triples that follow them`() async throws {
        let sent = Mutex<[Sent]>.Shared([])
        let node = try FakeNode { router in
            router.put("/api/graph/aliases") { request in
                let body = String(decoding: try request.body.collect(), as: UTF8.self)
                sent.value.withLock { $0.append(Sent(query: "", body: body)) }
                return .json(AliasReport(aliases: 1))
            }
            router.post("/api/graph/import") { _ in
                .json(
                    ImportReport(split: "train", triples: 1, newNodes: 2, newRelations: 1, newEdges: 1, known: 0),
                    status: 201)
            }
        }
        let aliases = try node.directory.write("ASA\taspirin\n", to: "aliases.tsv")
        let file = try node.directory.write("ASA\tr\tb\n", to: "facts.tsv")
        #expect(await node.run("graph", "import", file, "--aliases", aliases).code == .done)
        #expect(sent.value.withLock { $0.map(\.body) } == ["ASA\taspirin\n"])
        #expect(node.asked == ["PUT /api/graph/aliases", "POST /api/graph/import"])
    }
}

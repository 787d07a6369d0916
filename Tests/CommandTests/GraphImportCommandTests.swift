import API
import Graph
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct GraphImportCommandTests {
    /// A node that takes records, and remembers the source and the body of each import.
    private static func node(_ received: Mutex<[(source: String, body: Bytes)]>.Shared) throws -> FakeNode {
        try FakeNode { router in
            router.post("/api/graph/import-records", bodyLimit: 1 << 24) { request in
                let body = try request.body.collect()
                received.value.withLock { $0.append((request.query["source"] ?? "none", body)) }
                let count = body.count { $0 == UInt8(ascii: "\n") }
                return .json(
                    RecordImportReport(
                        records: count, nodes: count, newNodes: count, updatedNodes: 0, removedNodes: 2,
                        newRelations: 0,
                        edges: 0, newEdges: 0, updatedEdges: 1, removedEdges: 0, perspectives: 0, newPerspectives: 0,
                        updatedPerspectives: 0), status: 201)
            }
        }
    }

    private func records(_ body: Bytes) throws -> [GraphRecord] {
        var reader = JSONLReader()
        reader.feed(body)
        var records: [GraphRecord] = []
        while let record = try reader.next() { records.append(record) }
        return records
    }

    @Test func `a JSONL file is sent as it is, under its path`() async throws {
        let received = Mutex<[(source: String, body: Bytes)]>.Shared([])
        let node = try Self.node(received)
        let text = "{\"node\":\"a\"}\n{\"head\":\"a\",\"relation\":\"r\",\"tail\":\"b\"}\n"
        let file = try node.directory.write(text, to: "notes.jsonl")
        let outcome = await node.run("graph", "import", file)
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("2 new nodes, 2 gone; 0 new edges, 1 changed"))
        #expect(received.value.withLock { $0.map(\.source) } == [file])
        #expect(received.value.withLock { $0.map(\.body) } == [Bytes(text.utf8)])
    }

    @Test func `a faulty JSONL file is refused by line and column, and the node hears nothing`() async throws {
        let received = Mutex<[(source: String, body: Bytes)]>.Shared([])
        let node = try Self.node(received)
        let good = try node.directory.write("{\"node\":\"a\"}\n", to: "good.ndjson")
        let bad = try node.directory.write("{\"node\":\"a\"}\n{\"node\":\"a\",\"colour\":1}\n{", to: "bad")
        let outcome = await node.run("graph", "import", "--format", "jsonl", good, bad)
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("\(bad):2:13: the field \"colour\" is unknown"))
        #expect(outcome.errors.contains("\(bad):3:2: not JSON"))
        #expect(outcome.errors.contains("Nothing was imported"))
        #expect(received.value.withLock { $0.isEmpty }, "not even the good file was sent")
    }

    @Test func `a folder is sent as records, under its prefix, and leaves no temporary file`() async throws {
        let received = Mutex<[(source: String, body: Bytes)]>.Shared([])
        let node = try Self.node(received)
        _ = try node.directory.write("# Intro\n[use](use.md#how) [gone](no.md)\n", to: "book/intro.md")
        _ = try node.directory.write("# How\n", to: "book/use.md")
        _ = try node.directory.write("x", to: "book/skip.log")
        let outcome = await node.run(
            "graph", "import", node.directory.file("book"), "--ignore", "*.log", "--no-symbols")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(
            outcome.output.contains("1 within the tree (1 edge), 0 to other sites, 0 to themselves, 1 without a target")
        )
        #expect(outcome.output.contains("1 ignored: skip.log"))
        #expect(outcome.errors.contains("intro.md:2: no.md: there is no such file"))
        let (source, body) = try #require(received.value.withLock { $0.first })
        #expect(source == "tree:book")
        let sent = try records(body)
        #expect(
            sent.contains(
                .edge(
                    EdgeRecord(
                        head: "book/intro.md#intro", relation: "links_to", tail: "book/use.md#how",
                        metadata: Bytes(#"{"links":[{"line":2,"text":"use"}]}"#.utf8)))))
        #expect(sent.count == 6)
    }

    @Test func `the prefix names the tree, and JSON tells what it held`() async throws {
        struct Imported: Decodable {
            struct Tree: Decodable {
                struct Skipped: Decodable {
                    var reason: String
                    var count: Int
                }
                var files: Int
                var skipped: [Skipped]
            }
            var path: String
            var format: String
            var graph: RecordImportReport
            var tree: Tree?
        }
        let received = Mutex<[(source: String, body: Bytes)]>.Shared([])
        let node = try Self.node(received)
        _ = try node.directory.write("# A\n", to: "one/a.md")
        _ = try node.directory.write("x", to: "one/.hidden")
        let path = node.directory.file("one")
        let outcome = await node.run("graph", "import", path, "--prefix", "team/book", "--json")
        let reports = try outcome.json([Imported].self)
        #expect(reports.map(\.format) == ["tree"])
        #expect(reports[0].tree?.files == 1)
        #expect(reports[0].tree?.skipped.map { "\($0.reason) \($0.count)" } == ["hidden 1"])
        #expect(received.value.withLock { $0.map(\.source) } == ["tree:team/book"])
        let everything = await node.run("graph", "import", path, "--hidden", "--json")
        #expect(try everything.json([Imported].self)[0].tree?.files == 2)
    }

    @Test func `the format is guessed from the path`() async throws {
        let directory = TemporaryDirectory()
        _ = try directory.write("", to: "splits/test.txt")
        let guesses: [(String, GraphImportFormat)] = [
            ("splits", .tsv), ("", .tree), ("a.tsv", .tsv), ("a.txt", .tsv), ("a.jsonl", .jsonl), ("b.ndjson", .jsonl),
        ]
        for (path, format) in guesses {
            #expect(GraphImportFormat(guessing: directory.file(path)) == format, "\(path)")
        }
    }

    @Test func `what does not go together is a usage error`() async throws {
        let node = try Self.node(.init([]))
        let jsonl = try node.directory.write("{\"node\":\"a\"}\n", to: "a.jsonl")
        let tsv = try node.directory.write("a\tr\tb\n", to: "a.tsv")
        #expect(await node.run("graph", "import", jsonl, tsv).code == .usage)
        #expect(await node.run("graph", "import", jsonl, "--split", "test").code == .usage)
        #expect(await node.run("graph", "import", jsonl, "--format", "tree").code == .unreachable)
        #expect(await node.run("graph", "import", node.directory.file("none.jsonl")).code == .unreachable)
        #expect(await node.run("graph", "import", jsonl, "--format", "xml").code == .usage)
        let foreign = await node.run("graph", "import", node.directory.path, "--prefix", "")
        #expect(foreign.code == .usage)
        #expect(node.asked.isEmpty)
    }
}

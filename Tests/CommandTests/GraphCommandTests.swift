import API
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct GraphCommandTests {
    /// A node that takes every import and remembers what it was sent.
    private static func node(_ received: Mutex<[String]>.Shared) throws -> FakeNode {
        try FakeNode { router in
            router.post("/api/graph/import", bodyLimit: 1 << 20) { request in
                let text = String(decoding: try request.body.collect(), as: UTF8.self)
                let split = request.query["split"] ?? "none"
                received.value.withLock { $0.append("\(split):\(text)") }
                let lines = text.split(separator: "\n").count
                return .json(
                    ImportReport(
                        split: split, triples: lines, newNodes: lines, newRelations: 1, newEdges: lines, known: 0),
                    status: 201)
            }
        }
    }

    @Test func `a malformed file is refused by line and column, and the node hears nothing`() async throws {
        let received = Mutex<[String]>.Shared([])
        let node = try Self.node(received)
        let good = try node.directory.write("a\tr\tb\n", to: "good.tsv")
        let bad = try node.directory.write("a\tr\tb\na\tr\n\tr\tb\n", to: "bad.tsv")
        let outcome = await node.run("graph", "import", good, bad)
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("\(bad):2:4: 2 fields instead of 3"))
        #expect(outcome.errors.contains("\(bad):3:1: the head is empty"))
        #expect(outcome.errors.contains("Nothing was imported"))
        #expect(received.value.withLock { $0 }.isEmpty, "not even the good file was sent")
    }

    @Test func `a folder imports its splits`() async throws {
        let received = Mutex<[String]>.Shared([])
        let node = try Self.node(received)
        _ = try node.directory.write("a\tr\tb\n", to: "0/train.txt")
        _ = try node.directory.write("c\tr\td\n", to: "0/test.txt")
        let outcome = await node.run("graph", "import", node.directory.file("0/"), "--json")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(try outcome.json([ImportReport].self).map(\.split) == ["train", "test"])
        #expect(received.value.withLock { $0 } == ["train:a\tr\tb\n", "test:c\tr\td\n"])
    }

    @Test func `a split can be said for a file`() async throws {
        let received = Mutex<[String]>.Shared([])
        let node = try Self.node(received)
        let file = try node.directory.write("a\tr\tb", to: "held-out.tsv")
        #expect(await node.run("graph", "import", file, "--split", "valid").code == .done)
        #expect(received.value.withLock { $0 } == ["valid:a\tr\tb"])
    }

    @Test func `files that are not there are exit code 3`() async throws {
        let node = try Self.node(.init([]))
        for path in [node.directory.file("none.tsv"), node.directory.path] {
            let outcome = await node.run("graph", "import", path, "--format", "tsv")
            #expect(outcome.code == .unreachable)
            #expect(outcome.errors.contains(path))
        }
    }
}

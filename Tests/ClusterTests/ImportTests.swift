import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Importing a folder of documents and code with the built binary, into a real node.
    @Suite struct ImportTests {
        private struct Imported: Decodable {
            struct Tree: Decodable {
                struct Links: Decodable {
                    var resolved: Int
                    var unresolved: Int
                }
                var files: Int
                var sections: Int
                var symbols: Int
                var links: Links
            }
            var graph: RecordImportReport
            var tree: Tree?
        }

        private func run(_ node: ClusterNode, _ words: String...) async throws -> Imported {
            let outcome = try await Binary.run(
                program: Binary.path, ["graph", "import"] + words + ["--json", "--data-dir", node.dataDirectory])
            #expect(outcome.code == 0, "\(words): \(outcome.errors)")
            return try #require(try JSON.decode([Imported].self, from: Array(outcome.output.utf8)).first)
        }

        @Test func `two sites that import one folder share its ids; what goes from the folder goes from the graph`()
            async throws
        {
            try await TestCluster.with(["a", "b"]) { test in
                let (a, b) = (try test["a"], try test["b"])
                let place = URL(filePath: a.dataDirectory).deletingLastPathComponent()
                func write(_ text: String, _ name: String) throws {
                    let file = place.appending(path: name)
                    try FileManager.default.createDirectory(
                        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data(text.utf8).write(to: file)
                }
                for folder in ["one", "two"] {
                    try write("# Intro\nSee [how](use.md#how) and [what](use.md).\n", "\(folder)/intro.md")
                    try write("# How\n## Deep\n", "\(folder)/use.md")
                    try write("int f(void) { return 1; }\n", "\(folder)/src/m.c")
                }
                let first = try await run(a, place.appending(path: "one").path, "--prefix", "book")
                #expect(first.tree?.files == 3 && first.tree?.sections == 3 && first.tree?.symbols == 1)
                #expect(first.tree?.links.resolved == 2 && first.tree?.links.unresolved == 0)
                #expect(first.graph.newNodes == 9 && first.graph.newEdges == 2)
                _ = try await run(b, place.appending(path: "two").path, "--prefix", "book")
                for node in [a, b] { #expect(try await node.status().graph.nodes == 9) }

                try write("# Intro\nSee [what](use.md).\n", "one/intro.md")
                try write("# How\n", "one/use.md")
                let again = try await run(a, place.appending(path: "one").path, "--prefix", "book")
                #expect(again.graph.newNodes == 0 && again.graph.removedNodes == 1 && again.graph.removedEdges == 1)
                let graph = try await a.status().graph
                #expect((graph.nodes, graph.edges) == (8, 1))
                #expect(try await b.status().graph.nodes == 9, "another site's graph is its own")

                try write("{\"node\":\"x\"}\n{\"node\":1}\n", "bad.jsonl")
                let path = place.appending(path: "bad.jsonl").path
                let outcome = try await Binary.run(
                    program: Binary.path, ["graph", "import", path, "--data-dir", a.dataDirectory])
                #expect(outcome.code == 4)
                #expect(outcome.errors.contains("bad.jsonl:2:9: \"node\" must be a string"))
                let call = Call(
                    .post, "/api/graph/import-records",
                    body: .bytes(Array("{\"node\":\"x\"}\n{\"node\":1}".utf8), contentType: "application/jsonl"))
                let error = await #expect(throws: APIError.self) { try await a.client().send(call) }
                guard case .refused(let problem) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect((problem.status, problem.code, problem.field) == (422, "malformed_records", "2:9"))
                #expect(try await a.status().graph.nodes == 8)
            }
        }
    }
}

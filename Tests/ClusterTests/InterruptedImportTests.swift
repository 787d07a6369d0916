import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Ctrl-C, and worse, in the middle of an import: all of it is in the graph, or nothing.
    @Suite struct InterruptedImportTests {
        private static let lines = 150_000

        private func write(_ path: String, jsonl: Bool) throws {
            var text = ""
            for line in 0..<Self.lines {
                let (head, tail) = ("entity \(line % 20_011)", "entity \(line % 7_919 + 30_000)")
                text +=
                    jsonl
                    ? "{\"head\":\"\(head)\",\"relation\":\"r\(line % 5)\",\"tail\":\"\(tail)\"}\n"
                    : "\(head)\tr\(line % 5)\t\(tail)\n"
            }
            try Data(text.utf8).write(to: URL(filePath: path))
        }

        private func graph(_ node: ClusterNode) async throws -> [Int] {
            let graph = try await node.status().graph
            return [graph.nodes, graph.edges]
        }

        @Test(arguments: ["tsv", "jsonl"])
        func `an import that is ended leaves the graph as it was or whole, and can be repeated`(
            _ format: String
        ) async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let (a, b) = (try test["a"], try test["b"])
                try await a.importTriples("x\tr\ty\n")
                try await b.importTriples("x\tr\ty\n")
                let path = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/large.\(format)"
                try write(path, jsonl: format == "jsonl")
                func start(_ node: ClusterNode) throws -> Running {
                    try Running(Binary.path, ["graph", "import", path, "--data-dir", node.dataDirectory])
                }
                // What a whole one comes to, and how long it takes here.
                let begin = ContinuousClock.now
                let whole = await (try start(b)).end()
                let needed = ContinuousClock.now - begin
                #expect(whole.code == 0, "\(whole.errors)")
                let (none, all) = (try await graph(a), try await graph(b))
                #expect(all[1] > none[1])

                for (number, part) in [5, 30, 50, 70, 90].enumerated() {
                    let running = try start(a)
                    try await Task.sleep(for: needed * part / 100)
                    if number % 2 == 0 { running.interrupt() } else { running.kill() }
                    let outcome = await running.end()
                    // The node may still be at what it had taken in full.
                    var seen: [Int] = []
                    try await eventually("the node has come to rest after \(part) %", within: .seconds(60)) {
                        let before = try await graph(a)
                        try await Task.sleep(for: .milliseconds(700))
                        seen = try await graph(a)
                        return seen == before
                    }
                    #expect(seen == none || seen == all, "\(part) %: \(seen) between \(none) and \(all)")
                    #expect(outcome.code != 0 || seen == all, "\(part) %")
                    #expect(try await a.status().trouble == nil)
                }
                let again = await (try start(a)).end()
                #expect(again.code == 0, "\(again.errors)")
                #expect(try await graph(a) == all)
            }
        }
    }
}

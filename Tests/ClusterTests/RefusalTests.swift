import API
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct RefusalTests {
        /// Starts the node by hand; it must end with one sentence.
        private func refusal(_ node: ClusterNode, _ arguments: String...) async throws -> String {
            let outcome = try await Binary.run(
                program: Binary.path, ["run", "--data-dir", node.dataDirectory] + arguments)
            #expect(outcome.code == 4 || outcome.code == 3, "exit code \(outcome.code)")
            #expect(outcome.output == "", "nothing on the output")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("shoal: ") }
            #expect(lines.count == 1, "\(outcome.errors)")
            return String(lines.first ?? "")
        }

        @Test func `what prevents a start is told in one sentence, and the data stay usable`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let digest = try await test.agree().nodes[0].stateDigest
                let (a, b) = (try test["a"], try test["b"])
                #expect(try await refusal(a).contains("another node runs there (process \(a.process?.pid ?? 0))"))
                try await test.cluster.strike("a", .terminate)

                let taken = try await refusal(a, "--listen", b.listen)
                #expect(taken.contains("cannot listen on \(b.listen): another program uses port"))

                try await Place.with { place in
                    let other = try Cluster(
                        making: .init(network: "other", names: ["a"], binary: Binary.path), in: "\(place)/c")
                    let network = try await refusal(a, "--network", try other.node("a").networkPath)
                    #expect(network.contains("belongs to another network"))
                    let key = try await refusal(a, "--key", try other.node("a").keyPath)
                    #expect(key.contains("not this node's") || key.contains("another site"))
                }
                try await test.cluster.start("a")
                #expect(try await test.agree().nodes[0].stateDigest == digest)
            }
        }

        @Test(.enabled(if: ClusterNode.hasPSQL, "needs psql"))
        func `a database newer than the binary is refused`() async throws {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                try await a.sql(
                    "INSERT INTO shoal.schema_migrations SELECT (jsonb_populate_record(m, '{\"number\": 999}')).* "
                        + "FROM shoal.schema_migrations m ORDER BY number DESC LIMIT 1")
                try await test.cluster.strike("a", .terminate)
                let sentence = try await refusal(a)
                #expect(sentence.contains("it has version 999, this shoal knows"), "\(sentence)")
            }
        }

        @Test func `a malformed triple file is refused with its line and column, and the graph stays as it was`()
            async throws
        {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                try await a.importTriples(TinyGraph.part(0, of: 3))
                let before: GraphReport = try await a.client().get("/api/graph/stats")
                for (text, place) in [
                    ("x\ty\tz\nx\ty\n", "line 2, column 4"), ("x\ty\tz\tw\n", "line 1, column 6"),
                    ("x\ty\tz\n\n\ty\tz\n", "line 3, column 1"), ("x\ty\tz\nq\u{0}\ty\tz\n", "line 2, column 2"),
                ] {
                    let error = await #expect(throws: APIError.self) { try await a.importTriples(text) }
                    guard case .refused(let problem) = error else { throw try #require(error) }
                    #expect(problem.status == 422 && "\(problem)".contains(place), "\(problem)")
                    #expect(try await a.client().get("/api/graph/stats") == before)
                }
                #expect(before.edges == 24)
            }
        }
    }
}

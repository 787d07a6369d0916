import API
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct RelayTests {
        @Test func `along a line without a link from a to c, c holds and has checked the ops of a`() async throws {
            try await TestCluster.with(["a", "b", "c"], topology: .line) { test in
                try await test.teach(["a"])
                let (a, c) = (try test["a"], try test["c"])
                try await a.finish(try await a.train(rounds: 10))
                try await test.agree()
                let link = try #require(try await c.status().peers.first { $0.peer == a.peer })
                #expect(!link.connected, "nobody told a and c of each other's address")
                #expect(link.ops >= 11)
                #expect(try await c.allOps().filter { $0.author == a.peer && $0.void == nil }.count == link.ops)
                try await test.expectWholeLogs()
            }
        }

        @Test func `a late fourth node joins by its peer list, reaches the same state and takes part`() async throws {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b"])
                for name in ["a", "b"] { try await test[name].finish(try await test[name].train(rounds: 5)) }
                let before = try await test.agree()
                try await test.cluster.add("d", via: "c")
                let after = try await test.agree()
                #expect(after.nodes.count == 4)
                #expect(after.nodes[3].ops ?? 0 > before.nodes[0].ops ?? 0, "all ops, and the word of c for d")

                let d = try test["d"]
                try await d.importTriples(TinyGraph.part(0, of: 2))
                try await d.finish(try await d.train(rounds: 3))
                try await test.agree()
                #expect(try await test["a"].ops(of: d) >= 4, "an announcement and three rounds")
                #expect(try await d.status().members == 4)
                try await test.expectWholeLogs()
            }
        }
    }
}

import API
import Testing

@testable import Harness

extension ClusterTests {
    /// Taking out what somebody trained, by three ways, on real nodes.
    @Suite struct RevocationTests {
        /// Trains a round at a site, and says which ops that took.
        private func train(_ name: String, _ test: TestCluster) async throws -> (from: String, through: String) {
            let node = try test[name]
            let known = Set(try await node.allOps().map(\.id))
            try await node.finish(try await node.train(rounds: 2))
            let deltas = try await node.allOps().filter {
                $0.author == node.peer && $0.kind == "update-model-weights" && !known.contains($0.id)
            }
            try await test.agree()
            let places = deltas.map(\.seq)
            return ("\(try #require(places.min()))", "\(try #require(places.max()))")
        }

        private func expectAnswers(
            _ expected: [String: Double], _ test: TestCluster, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            try await test.agree(sourceLocation: sourceLocation)
            for node in try test.cluster.nodes {
                #expect(try await node.answers() == expected, "\(node.name)", sourceLocation: sourceLocation)
            }
        }

        @Test func `a member's training goes out for one site, by its own hand, or by a quorum, to the bit`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b", "c"])
                _ = try await train("a", test)
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                let before = try await a.answers()
                let first = try await train("b", test)
                let taught = try await a.answers()
                #expect(taught != before)

                let left: WithoutReport = try await shoal(a, "model", "serve", "--without", b.peer)
                #expect(left.peers == [b.peer])
                #expect(try await a.answers() == before, "at once, for this site")
                #expect(try await c.answers() == taught, "and for no other")
                try await test.agree()
                let _: WithoutReport = try await shoal(a, "model", "serve", "--with-everybody")
                #expect(try await a.answers() == taught)

                let own: RetractReport = try await shoal(
                    b, "ops", "retract", "--from", first.from, "--through", first.through)
                #expect(own.deltas >= 2)
                try await expectAnswers(before, test)

                let second = try await train("b", test)
                #expect(try await c.answers() != before)
                for site in [a, c] {
                    let outcome = try await Binary.run(
                        "peers", "revoke", b.peer, "--from", second.from, "--through", second.through, "--data-dir",
                        site.dataDirectory)
                    #expect(outcome.code == 0, "\(outcome.errors)")
                }
                try await eventually("a quorum has taken it out") { try await b.answers() == before }
                try await expectAnswers(before, test)

                // What a restart reads from the database is the same, and the member is one still.
                try await test.cluster.strike("c", .killNode)
                try await test.cluster.start("c")
                try await expectAnswers(before, test)
                _ = try await train("b", test)
                #expect(try await test["c"].answers() != before)
                try await test.expectWholeLogs()
            }
        }
    }
}

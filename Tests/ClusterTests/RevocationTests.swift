import API
import Testing

@testable import Harness

extension ClusterTests {
    /// Taking out what somebody trained, by three ways, on real nodes.
    @Suite struct RevocationTests {
        /// What a site answers: with the merged weights, since it adapts none here, less what it leaves out itself.
        private func answers(_ node: ClusterNode) async throws -> [String: Double] {
            let request = PredictRequest(
                agent: TestCluster.agent, context: ["n0", "plus1"], top: 1_000, weights: .served)
            let report: PredictReport = try await node.client().post("/api/models/predict", request)
            return Dictionary(uniqueKeysWithValues: report.predictions.map { ($0.id, $0.logit ?? .nan) })
        }

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
                #expect(try await answers(node) == expected, "\(node.name)", sourceLocation: sourceLocation)
            }
        }

        @Test func `a member's training goes out for one site, by its own hand, or by a quorum, to the bit`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b", "c"])
                _ = try await train("a", test)
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                let before = try await answers(a)
                let first = try await train("b", test)
                let taught = try await answers(a)
                #expect(taught != before)

                let left: WithoutReport = try await shoal(a, "model", "serve", "--without", b.peer)
                #expect(left.peers == [b.peer])
                #expect(try await answers(a) == before, "at once, for this site")
                #expect(try await answers(c) == taught, "and for no other")
                try await test.agree()
                let _: WithoutReport = try await shoal(a, "model", "serve", "--with-everybody")
                #expect(try await answers(a) == taught)

                let own: RetractReport = try await shoal(
                    b, "ops", "retract", "--from", first.from, "--through", first.through)
                #expect(own.deltas >= 2)
                try await expectAnswers(before, test)

                let second = try await train("b", test)
                #expect(try await answers(c) != before)
                for site in [a, c] {
                    let outcome = try await Binary.run(
                        "peers", "revoke", b.peer, "--from", second.from, "--through", second.through, "--data-dir",
                        site.dataDirectory)
                    #expect(outcome.code == 0, "\(outcome.errors)")
                }
                try await eventually("a quorum has taken it out") { try await answers(b) == before }
                try await expectAnswers(before, test)

                // What a restart reads from the database is the same, and the member is one still.
                try await test.cluster.strike("c", .killNode)
                try await test.cluster.start("c")
                try await expectAnswers(before, test)
                _ = try await train("b", test)
                #expect(try await answers(try test["c"]) != before)
                try await test.expectWholeLogs()
            }
        }
    }
}

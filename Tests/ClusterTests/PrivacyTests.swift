import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct PrivacyTests {
        /// Starts a node again with other privacy settings.
        private func settings(_ words: [String], of name: String, in test: TestCluster, _ blow: Cluster.Blow)
            async throws
        {
            try await test.cluster.strike(name, blow)
            if !words.isEmpty {
                let node = try test[name]
                let outcome = try await Binary.run(
                    program: Binary.path,
                    [
                        "init", "--name", name, "--data-dir", node.dataDirectory, "--keys",
                        "\(test.cluster.directory)/keys",
                    ]
                        + words.flatMap { ["--privacy", $0] })
                #expect(outcome.code == 0, "\(outcome.errors)")
            }
            try await test.cluster.start(name)
        }

        private func privacy(_ node: ClusterNode) async throws -> PrivacyReport {
            try #require(try await node.model()?.privacy)
        }

        @Test func `what is rare stays at home, noise is accounted for through kill -9, and a budget ends it`()
            async throws
        {
            try await TestCluster.with(["a", "b"]) { test in
                let budget = 10.0
                try await settings(
                    ["min-edges=2", "clip=1", "noise=4", "budget=\(budget)"], of: "a", in: test, .terminate)
                try await test["a"].importTriples("rare\tonce\tn1\n")
                try await test.teach(["a", "b"])
                try await test.agree()
                let announced = try await test["a"].allOps().filter { $0.kind == "announce-rows" }
                #expect(announced.count == 2)
                #expect(Set(announced.map(\.bodyBytes)).count == 1, "a told no more than b, who has nothing rare")
                let before = try await privacy(test["a"])
                #expect(before.withheld == 3 && before.epsilon == 0 && before.delta == 1e-5, "rare, once and ^once")
                let other = try #require(try await test["b"].model())
                #expect(other.privacy == nil)

                try await test["a"].finish(try await test["a"].train(rounds: 4))
                let spent = try await privacy(test["a"])
                let epsilon = try #require(spent.epsilon)
                #expect(spent.noisedOps == 4 && epsilon > 4 && epsilon < 6)
                try await settings([], of: "a", in: test, .killNode)
                let kept = try await privacy(test["a"])
                #expect(kept == spent)
                let status = try await Binary.run("status", "--data-dir", try test["a"].dataDirectory)
                #expect(status.output.contains("after 4 noised rounds, 3 tokens withheld"), "\(status.output)")

                let job = try await test["a"].train(rounds: 100)
                var training = try await test["a"].job(job)
                try await eventually("the budget ends the training") {
                    training = try await test["a"].job(job)
                    return training.state == "failed"
                }
                #expect(training.error?.contains("budget") == true)
                let end = try await privacy(test["a"])
                #expect(try #require(end.epsilon) > 0.9 * budget && #require(end.epsilon) <= budget)
                try await test.agree()
                let deltas = try await test["b"].allOps().filter { $0.kind == "update-model-weights" }
                #expect(deltas.count == end.noisedOps && deltas.allSatisfy { $0.void == nil })

                try await settings(["off"], of: "a", in: test, .terminate)
                try await test["a"].finish(try await test["a"].train(rounds: 1))
                let plain = try await privacy(test["a"])
                #expect(plain.epsilon == nil && plain.plainOps == 1 && plain.policy == [] && plain.withheld == 0)
                try await test.agree()
            }
        }

        @Test func `settings that make no sense are refused before anything starts`() async throws {
            try await Place.with { place in
                for word in ["noise=1", "clip=0", "min-edges=x", "sigma=1"] {
                    let outcome = try await Binary.run(
                        "init", "--name", "a", "--data-dir", "\(place)/d", "--keys", "\(place)/k", "--privacy", word)
                    #expect(outcome.code == 2 && outcome.errors.contains("privacy setting"), "\(outcome.errors)")
                }
                #expect(!FileManager.default.fileExists(atPath: "\(place)/d/shoal.json"))
            }
        }
    }
}

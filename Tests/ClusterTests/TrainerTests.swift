import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct TrainerTests {
        private func learned(_ node: ClusterNode) async throws -> ServedReport? { try await node.model()?.served }

        @Test func `nodes that are left alone learn, adapt, rest, and learn on when a graph changes`() async throws {
            try await TestCluster.with(["a", "b", "c"], trains: true) { test in
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                try await a.importTriples(TinyGraph.part(0, of: 2))
                try await test.createModel()
                // Its vocabulary grows while it trains, and c has nothing to train on.
                try await eventually("a trains", within: .seconds(300)) {
                    try await a.model()?.trainer?.work == "learn"
                }
                try await b.importTriples(TinyGraph.part(1, of: 2))
                for node in [a, b] {
                    // Where the merged weights answer everything, nothing is adapted.
                    try await eventually("\(node.name) has learned and measured", within: .seconds(300)) {
                        try await learned(node).map { $0.adaptedMrr != nil || $0.mergedMrr == 1 } ?? false
                    }
                }
                let rounds = try await a.allOps().filter { $0.author == a.peer && $0.kind == "update-model-weights" }
                #expect(rounds.count >= 40)
                #expect(try await c.model()?.served == nil)
                #expect(try await c.ops(of: a) > 0, "c only merges")
                #expect(try await c.model()?.trainer?.state == "resting")

                let job = try await a.train(rounds: 3)
                let explicit = try await a.finish(job)
                #expect(explicit.round == 3, "what a person asks for is done, whatever the node does by itself")

                let before = try await b.ops(of: a)
                try await a.importTriples("n0\tplus9\tn9\nn1\tplus9\tn10\n")
                try await eventually("a learns what is new", within: .seconds(300)) {
                    try await b.ops(of: a) >= before + 10
                }
                try await test.cluster.strike("a", .terminate)
                try await test.cluster.start("a")
                let again = try test["a"]
                try await eventually("what a serves is still known") { try await learned(again) != nil }
            }
        }

        @Test func `what a trainer knows survives kill -9`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let a = try test["a"]
                let first = try await a.finish(try await a.train(rounds: 20))
                #expect(first.adamSteps == 40)
                let adapted = try await a.finish(try await a.train(rounds: 2, weights: .served))
                #expect(adapted.weights == .served && adapted.ops == 0)
                _ = try await a.finish(try await a.train(rounds: 3, weights: .isolated))
                let served = try #require(try await a.model()?.served)
                // In the middle of the next run: what was sealed since the last save is in the log alone.
                let before = try await a.status().ops
                _ = try await a.train(rounds: 5_000)
                try await eventually("rounds of it are sealed") { try await a.status().ops > before + 3 }
                try await test.cluster.strike("a", .killNode)
                try await test.cluster.start("a")
                let again = try test["a"]
                #expect(try await again.model()?.served == served, "and is served as before")
                let second = try await again.finish(try await again.train(rounds: 4))
                #expect(second.adamSteps ?? 0 >= 40 + 8, "Adam goes on")
                try await again.predict(.isolated)
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }

        @Test func `a training is ended by Ctrl-C, by the route, and by the model's deletion`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let a = try test["a"]
                let before = try await a.status().ops
                let command = try Running(
                    Binary.path,
                    [
                        "model", "train", "--agent", TestCluster.agent, "--rounds", "5000", "--steps", "2",
                        "--data-dir",
                        a.dataDirectory,
                    ])
                try await eventually("it trains") { try await a.status().ops > before + 3 }
                command.interrupt()
                let outcome = await command.end()
                #expect(outcome.code == 4)
                #expect(outcome.errors.contains("ended after round"), "\(outcome.errors)")
                #expect(outcome.errors.contains("of 5000: what it has learned is kept and shared in"))
                #expect(try await a.model()?.training?.state == "stopped")

                let job = try await a.train(rounds: 5_000)
                let stopped: JobReport = try await a.client().json(Call(.delete, "/api/jobs/\(job)"))
                #expect(stopped.training.state == "stopped")

                let doomed = try await a.train(rounds: 5_000)
                try await eventually("it trains") { try await a.job(doomed).round > 2 }
                _ = try await a.client().send(Call(.delete, "/api/models/\(TestCluster.agent)"))
                try await eventually("it ends") { try await a.job(doomed).state == "failed" }
                #expect(try await a.job(doomed).error?.contains("the model was deleted") == true)
                try await test.agree()
            }
        }
    }
}

extension ClusterNode {
    /// Asks for anything: it must answer.
    fileprivate func predict(_ weights: Weights) async throws {
        let request = PredictRequest(agent: TestCluster.agent, context: ["n0", "plus1"], weights: weights)
        let report: PredictReport = try await client().post("/api/models/predict", request)
        #expect(!report.predictions.isEmpty && report.weights == weights)
    }
}

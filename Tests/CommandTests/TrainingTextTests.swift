import API
import Terminal
import Testing

@testable import shoal

@Suite struct TrainingTextTests {
    private func trainer(_ state: String, _ work: String?, next: Double? = nil, round: Int? = nil) -> TrainerReport {
        TrainerReport(
            state: state, work: work, nextSeconds: next,
            run: round.map {
                TrainingReport(
                    state: "running", weights: .federated, round: $0, rounds: 40, steps: 50 * $0, loss: nil,
                    validation: nil, seconds: 1, ops: $0, opBytes: 1, error: nil)
            }, best: nil, failures: 0)
    }

    @Test func `what a node does by itself is said in a few words`() {
        #expect(trainer("off", nil).summary == "trains only when asked")
        #expect(trainer("working", "learn", round: 3).summary == "learning, round 3 of 40")
        #expect(trainer("working", "measure").summary == "measuring")
        #expect(trainer("waiting", "correct", next: 12.2).summary == "correcting in 13 s")
        #expect(trainer("resting", nil).summary == "rests until there is news")
    }

    @Test func `which weights answer is said with both figures`() {
        func served(_ weights: String, _ adapted: Double?) -> ServedReport {
            ServedReport(
                weights: weights, mergedMrr: 0.912, adaptedMrr: adapted, measuredOn: "valid split", questions: 400)
        }
        #expect(served("adapted", 0.951).summary == "the adapted weights: MRR 0.951, merged 0.912")
        #expect(served("merged", 0.9).summary == "the merged weights: MRR 0.912, adapted 0.900")
        #expect(served("merged", nil).summary == "the merged weights: MRR 0.912")
    }

    @Test func `prediction asks what is served unless told otherwise`() async throws {
        let node = try FakeNode { router in
            router.post("/api/models/predict") { request in
                let asked: PredictRequest = try request.json()
                return .json(PredictReport(agent: "a", weights: asked.weights ?? .isolated, predictions: []))
            }
        }
        for (words, weights) in [
            ([], Weights.served), (["--weights", "federated"], .federated), (["--isolated"], .isolated),
        ] {
            let outcome = await run(["model", "predict", "--agent", "a", "x", "--json"] + words + node.site)
            #expect(try outcome.json(PredictReport.self).weights == weights, "\(outcome.errors)")
        }
        #expect(await node.run("model", "predict", "--agent", "a", "x", "--weights", "best").code == .usage)
    }

    @Test(arguments: [["--train-hours", "25-3"], ["--train-cores", "0"]])
    func `hours and cores that cannot be are refused before a node starts`(words: [String]) async {
        let outcome = await run(["run", "--data-dir", "/nowhere/at/all"] + words)
        #expect(outcome.code == .usage)
    }
}

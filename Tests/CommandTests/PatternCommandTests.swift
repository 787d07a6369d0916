import API
import Synchronization
import Terminal
import Testing

@testable import shoal

@Suite struct PatternCommandTests {
    @Test func `mining is asked for as it was said, and told in words`() async throws {
        let asked = Mutex<MineRequest?>.Shared(nil)
        let node = try FakeNode { router in
            router.post("/api/patterns/mine") { request in
                let body: MineRequest = try request.json()
                asked.value.withLock { $0 = body }
                return .json(MineReport(rules: 1_234, paths: [4, 20, 10], constants: 1_200, rounds: 3, seconds: 0.5))
            }
        }
        let outcome = await node.run("pattern", "mine", "--seconds", "3", "--rounds", "7", "--seed", "9")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("1,234") && outcome.output.contains("4 of 1, 20 of 2, 10 of 3 steps"))
        let request = asked.value.withLock { $0 }
        #expect(request?.seconds == 3 && request?.rounds == 7 && request?.seed == 9)
    }

    @Test func `rules are listed in words`() async throws {
        let node = try FakeNode { router in
            router.get("/api/patterns/mined") { request in
                #expect(request.query["relation"] == "treats" && request.query["top"] == "5")
                return .json([
                    RuleReport(
                        id: "00", words: "treats(X, Y) if eases(X, Y)", body: 15, support: 10, confidence: 0.5)
                ])
            }
        }
        let outcome = await node.run("pattern", "list", "--relation", "treats", "--top", "5")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("treats(X, Y) if eases(X, Y)") && outcome.output.contains("50.0 %"))
    }

    @Test func `a prediction tells why`() async throws {
        let rule = RuleReport(id: "00", words: "treats(X, Y) if eases(X, Y)", body: 15, support: 10, confidence: 0.5)
        let node = try FakeNode { router in
            router.post("/api/models/predict") { request in
                let body: PredictRequest = try request.json()
                #expect(body.withRules == true)
                return .json(
                    PredictReport(
                        agent: "a", weights: .served,
                        predictions: [
                            .init(
                                id: "01", name: "headache", probability: 0.75, known: false,
                                why: [Reason(rule: rule, grounding: ["aspirin", "headache"])])
                        ]))
            }
        }
        let outcome = await node.run("model", "predict", "--agent", "a", "aspirin", "treats", "--why")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("treats(X, Y) if eases(X, Y)"))
        #expect(outcome.output.contains("aspirin – headache"))
    }
}

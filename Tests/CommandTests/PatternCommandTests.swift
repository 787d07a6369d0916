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
        let outcome = await node.run("pattern", "rules", "--relation", "treats", "--top", "5")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("treats(X, Y) if eases(X, Y)") && outcome.output.contains("50.0 %"))
    }

    private static let proposed = PatternReport(
        id: String(repeating: "5f", count: 32), op: String(repeating: "a0", count: 32),
        proposer: String(repeating: "b1", count: 32), proposerName: "north", own: false,
        words: "treats(X, Y) if eases(X, Y)", state: "rejected", why: "the others' data proves 3 %", support: 9,
        body: 10, hits: 3, trials: 60, bound: 0.03,
        measurements: [
            .init(member: String(repeating: "c2", count: 32), name: "river", support: 3, body: 60),
            .init(member: String(repeating: "d3", count: 32), name: "harbour", support: nil, body: nil),
        ], votes: 2, quorum: 2, question: nil, signers: [])

    @Test func `what sites proposed is listed, and shown with what every site measured`() async throws {
        let node = try FakeNode { router in
            router.get("/api/patterns") { _ in .json([Self.proposed]) }
            router.get("/api/patterns/:id") { request in
                var report = Self.proposed
                if request.query["verify"] == "true" { report.verified = "a vote is forged" }
                return .json(report)
            }
        }
        let listed = await node.run("pattern")
        #expect(listed.code == .done && listed.output.contains("rejected") && listed.output.contains("north"))
        let none = await node.run("pattern", "list", "--state", "accepted")
        #expect(none.code == .done && none.output.contains("No pattern is accepted."))
        let shown = await node.run("pattern", "show", "5f5f")
        #expect(shown.code == .done && shown.output.contains("river: 3 of 60 cases"))
        #expect(shown.output.contains("harbour: no data about it"))
        let forged = await node.run("pattern", "show", "5f5f", "--verify")
        #expect(forged.code == .no && forged.output.contains("a vote is forged"))
    }

    @Test func `rules are proposed as the options say`() async throws {
        let asked = Mutex<ProposeRequest?>.Shared(nil)
        let node = try FakeNode { router in
            router.post("/api/patterns") { request in
                let body: ProposeRequest = try request.json()
                asked.value.withLock { $0 = body }
                return .json([Self.proposed], status: 201)
            }
        }
        let outcome = await node.run("pattern", "propose", "--relation", "treats", "--top", "3")
        #expect(outcome.code == .done && outcome.output.contains("Proposed 1 pattern."), "\(outcome.errors)")
        var request = asked.value.withLock { $0 }
        #expect(request?.top == 3 && request?.relation == "treats" && request?.patterns == nil)
        _ = await node.run("pattern", "propose", "--pattern", "5f5f", "--pattern", "6a6a")
        request = asked.value.withLock { $0 }
        #expect(request?.top == nil && request?.patterns == ["5f5f", "6a6a"])
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

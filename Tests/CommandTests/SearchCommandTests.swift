import API
import Synchronization
import Terminal
import Testing

@testable import shoal

@Suite struct SearchCommandTests {
    private static let report = SearchReport(
        query: "borrow checker", agent: "docs", formula: "combined", candidates: 12,
        hits: [
            .init(
                inference: "0123456789abcdef0123456789abcdef", id: "00", name: "docs/c.md", title: "Aliasing",
                kind: "file", score: 2.5, probability: 0.75, why: ["called": 2, "own": -0.5])
        ])

    @Test func `words, a query and a context become one question`() async throws {
        let asked = Mutex<[[String]]>.Shared([])
        let node = try FakeNode { router in
            router.get("/api/models/search") { request in
                let all =
                    request.query.all("context") + [request.query["query"], request.query["formula"]].compactMap { $0 }
                asked.value.withLock { $0.append(all + [request.query["agent"] ?? "-", request.query["why"] ?? "-"]) }
                return .json(Self.report)
            }
        }
        let outcome = await node.run(
            "model", "search", "borrow", "checker", "--context", "a.md, b.md", "--context", "c.md", "--why")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.contains("docs/c.md") && outcome.output.contains("75.0 %"))
        #expect(outcome.output.contains("called +2.00, own -0.50"))
        #expect(outcome.output.contains("0123456789abcdef0123456789abcdef"), "the id to answer with, uncut")
        #expect(
            await node.run("model", "search", "--query", "x", "--agent", "docs", "--formula", "seed").code == .done)
        #expect(
            asked.value.withLock { $0 } == [
                ["a.md", "b.md", "c.md", "borrow checker", "combined", "-", "true"], ["x", "seed", "docs", "false"],
            ])
        #expect(try await node.run("model", "search", "x", "--json").json(SearchReport.self) == Self.report)
    }

    @Test func `nothing found is exit code 1, and nothing to look for a mistake`() async throws {
        let node = try FakeNode { router in
            router.get("/api/models/search") { _ in
                .json(SearchReport(query: "x", agent: nil, formula: "text", candidates: 3, hits: []))
            }
        }
        #expect(await node.run("model", "search", "x").code == .no)
        for words in [[], ["--limit", "0", "x"], ["--limit", "1001", "x"], ["--formula", "guess", "x"]] {
            #expect(await run(["model", "search"] + words + node.site).code == .usage, "\(words)")
        }
    }

    @Test func `feedback says what was chosen, and a refusal why not`() async throws {
        let node = try FakeNode { router in
            router.post("/api/models/feedback") { request in
                let asked: FeedbackRequest = try request.json()
                guard asked.inference == "aa" else {
                    throw Problem.conflict("the answer bb was selected before", code: "already_selected")
                }
                return .json(
                    FeedbackReport(inference: "aa", selected: "docs/c.md", learns: asked.agent == "docs"), status: 201)
            }
        }
        let noted = await node.run("model", "feedback", "aa", "--agent", "docs")
        #expect(noted.code == .done && noted.output.contains("docs/c.md") && noted.output.contains("learns from it"))
        #expect(await node.run("model", "feedback", "aa").output.contains("nothing to train on"))
        let again = await node.run("model", "feedback", "bb")
        #expect(again.code == .refused && again.errors.contains("selected before"))
    }

    @Test func `an ensemble names its models and asks once`() async throws {
        let asked = Mutex<EnsembleRequest?>.Shared(nil)
        let node = try FakeNode { router in
            router.post("/api/models/ensemble") { request in
                let body: EnsembleRequest = try request.json()
                asked.value.withLock { $0 = body }
                return .json(
                    EnsembleReport(
                        agents: body.agents, weights: .federated,
                        predictions: [.init(id: "00", name: "headache", probability: 0.5, known: true)]))
            }
        }
        let outcome = await node.run("model", "ensemble", "--agents", "clinic,lab", "aspirin", "treats")
        #expect(outcome.code == .done && outcome.output.contains("headache"), "\(outcome.errors)")
        let body = asked.value.withLock { $0 }
        #expect(body?.agents == ["clinic", "lab"] && body?.context == ["aspirin", "treats"])
        #expect(await node.run("model", "ensemble", "aspirin").code == .usage)
        #expect(await node.run("model", "ensemble", "--agents", "clinic").code == .usage)
    }

    @Test func `a calibration shows what it was fitted to, or that there was nothing`() async throws {
        let reports = Mutex([
            CalibrationReport(
                agent: "docs", source: "held-out", questions: 40, examples: 31, lossBefore: 2.5, lossAfter: 1.25,
                weights: ["title": 3.5, "own": -2]),
            CalibrationReport(
                agent: "docs", source: "own", questions: 0, examples: 0, lossBefore: nil, lossAfter: nil, weights: [:]),
        ])
        let node = try FakeNode { router in
            router.post("/api/models/calibrate") { _ in .json(reports.withLock { $0.removeFirst() }) }
        }
        let fitted = await node.run("model", "calibrate", "--agent", "docs")
        #expect(fitted.code == .done && fitted.output.contains("31 of 40 questions, held-out"), "\(fitted.output)")
        #expect(fitted.output.contains("2.500 before, 1.250 after"))
        #expect(await node.run("model", "calibrate", "--agent", "docs").code == .no)
    }

    @Test func `links are held out, and searches measured with them`() async throws {
        let asked = Mutex<HoldOutRequest?>.Shared(nil)
        let node = try FakeNode { router in
            router.post("/api/graph/holdout") { request in
                let body: HoldOutRequest = try request.json()
                asked.value.withLock { $0 = body }
                return .json(HoldOutReport(restored: 5, valid: 10, test: 20, left: 70))
            }
            router.post("/api/models/search/evaluate") { request in
                .json(
                    SearchEvaluationReport(
                        agent: request.query["agent"] ?? "", split: request.query["split"] ?? "", queries: 20,
                        wordless: 1, unfound: 2,
                        rows: [
                            .init(formula: "text", mrr: 0.25, hits1: 0.2, hits10: 0.5),
                            .init(formula: "combined", mrr: 0.75, hits1: 0.7, hits10: 0.9),
                        ], confidence: 0.7))
            }
        }
        let held = await node.run("graph", "holdout", "--restore", "--test", "0.2")
        #expect(held.code == .done && held.output.contains("20 edges"), "\(held.output)")
        let body = asked.value.withLock { $0 }
        #expect(body?.restore == true && body?.test == 0.2 && body?.valid == 0.1 && body?.relation == nil)
        #expect(await node.run("graph", "holdout", "--test", "0.6").code == .usage)
        let measured = await node.run("model", "evaluate", "--agent", "docs", "--search", "--split", "valid")
        #expect(measured.code == .done && measured.output.contains("0.750"), "\(measured.output)")
        #expect(measured.output.contains("20 queries; 1 of stop words alone, 2 with no right candidate"))
    }
}

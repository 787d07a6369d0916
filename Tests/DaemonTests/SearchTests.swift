import API
import Graph
import Identity
import Search
import Storage
import Testing
import Wire

@testable import Daemon

@Suite struct SearchTests {
    /// Six pages; `c.md` is called "borrow checker" by others and never says so itself.
    private func site() async throws -> PlayedSite {
        let site = try await PlayedSite()
        try await site.add(
            pages: [
                ("a.md", "Ownership\nThe borrow checker follows ownership and moves."),
                ("b.md", "Lifetimes\nA lifetime names how long a reference is valid."),
                ("c.md", "Aliasing rules\nAt most one mutable reference, or many shared ones."),
                ("d.md", "Moves\nA value that was moved cannot be used."),
                ("e.md", "Macros\nMacros are expanded before types are checked."),
                ("f.md", "Crates\nA crate is a unit of compilation."),
            ],
            links: [
                ("a.md", "c.md", "borrow checker"), ("b.md", "c.md", "borrow checker"), ("b.md", "a.md", "owner"),
                ("d.md", "a.md", "ownership"), ("e.md", "f.md", "crate"),
            ])
        return site
    }

    private func names(_ report: SearchReport) -> [String] { report.hits.map(\.name) }

    @Test func `what others call a page is found although the page does not say it`() async throws {
        let site = try await site()
        defer { site.end() }
        let combined = try await site.searches.search(SearchRequest(query: "borrow checker", why: true))
        #expect(combined.agent == nil && combined.hits.first?.name == "c.md")
        #expect((combined.hits.first?.why?["called"] ?? 0) > 0)
        #expect(abs(combined.hits.reduce(0) { $0 + ($1.probability ?? 0) } - 1) < 1e-9)
        let text = try await site.searches.search(SearchRequest(query: "borrow checker", formula: .text))
        #expect(names(text) == ["a.md"])
        #expect(text.hits[0].probability == nil && text.hits[0].why == nil)
    }

    @Test func `a context needs no model, and changes what is found`() async throws {
        let site = try await site()
        defer { site.end() }
        let plain = try await site.searches.search(SearchRequest(query: "reference"))
        #expect(Set(names(plain).prefix(2)) == ["b.md", "c.md"])
        for page in ["b.md", "c.md"] {
            let found = try await site.searches.search(SearchRequest(query: "reference", context: [page]))
            #expect(found.hits.first?.name == (page == "b.md" ? "c.md" : "b.md"), "nobody looks for where they are")
        }
    }

    @Test func `bad questions are refused with the reason`() async throws {
        let site = try await site()
        defer { site.end() }
        let long = String(repeating: "word ", count: 300)
        let cases: [(SearchRequest, Int, String)] = [
            (SearchRequest(query: ""), 422, "empty"), (SearchRequest(query: " \n\t "), 422, "empty"),
            (SearchRequest(query: "the of and"), 422, "no word"), (SearchRequest(query: "!?"), 422, "no word"),
            (SearchRequest(query: long), 400, "1500 characters"), (SearchRequest(query: "a\0b"), 422, "NUL"),
            (SearchRequest(query: "borrow", limit: 0), 400, "limit"),
            (SearchRequest(query: "borrow", limit: 1_001), 400, "limit"),
            (SearchRequest(query: "borrow", context: Array(repeating: "a.md", count: 65)), 400, "65 items"),
            (SearchRequest(query: "borrow", context: ["nowhere.md"]), 404, "'nowhere.md'"),
            (SearchRequest(query: "borrow", context: [String(repeating: "0", count: 32)]), 404, "0000"),
            (SearchRequest(query: "borrow", agent: "nobody"), 404, "'nobody'"),
        ]
        for (request, status, detail) in cases {
            let found = await problem { try await site.searches.search(request) }
            #expect(
                found?.status == status && found?.detail.contains(detail) == true,
                "\(request): \(String(describing: found))")
        }
        #expect(try await site.count("inference_log") == 0, "what is refused is not logged")
    }

    @Test func `words that nothing holds find nothing, in an empty graph too`() async throws {
        let site = try await site()
        defer { site.end() }
        #expect(try await site.searches.search(SearchRequest(query: "zyzzyva", formula: .text)).hits.isEmpty)
        let empty = try await PlayedSite()
        defer { empty.end() }
        #expect(try await empty.searches.search(SearchRequest(query: "zyzzyva")).hits.isEmpty)
    }

    @Test func `neighbours of the context are found without a word of the query, by full text never`() async throws {
        let site = try await site()
        defer { site.end() }
        #expect(try await site.searches.search(SearchRequest(query: "zyzzyva")).hits.isEmpty)
        let report = try await site.searches.search(SearchRequest(query: "zyzzyva", context: ["a.md"], why: true))
        #expect(Set(names(report)).isSuperset(of: ["b.md", "c.md", "d.md"]))
        for hit in report.hits { #expect(hit.why?["words"] ?? 0 == 0 && hit.why?["called"] ?? 0 == 0) }
        let text = try await site.searches.search(
            SearchRequest(query: "zyzzyva", context: ["a.md"], formula: .text))
        #expect(text.hits.isEmpty)
    }

    @Test func `a selection is found by what was asked, once, and trains the model`() async throws {
        let site = try await site()
        defer { site.end() }
        let request = SearchRequest(query: "compilation", context: ["e.md"], limit: 3)
        let before = try await site.searches.search(request)
        let wanted = try await site.searches.search(SearchRequest(query: "moved value", context: ["e.md"]))
        let chosen = try #require(wanted.hits.first { $0.name == "d.md" })
        let report = try await site.searches.select(FeedbackRequest(inference: chosen.inference))
        #expect(report.selected == "d.md" && report.learns)
        let again = await problem { try await site.searches.select(FeedbackRequest(inference: chosen.inference)) }
        #expect(again?.status == 409 && again?.code == "already_selected")
        let index = try await site.searches.currentGround().index
        #expect(index.phrases.matches(["move", "valu"]).contains { $0.called > 0 })
        let graph = try await site.graphs.current()
        #expect(graph.index.edgeCount == 6)
        #expect((1...3).contains(before.hits.count))
    }

    @Test func `feedback on an unknown, a malformed or a foreign answer is refused`() async throws {
        let site = try await site()
        defer { site.end() }
        let hit = try await site.searches.search(SearchRequest(query: "borrow", context: ["b.md"])).hits[0].inference
        let cases: [(FeedbackRequest, Int)] = [
            (FeedbackRequest(inference: "xyz"), 400), (FeedbackRequest(inference: ""), 400),
            (FeedbackRequest(inference: String(repeating: "0", count: 32)), 404),
            (FeedbackRequest(inference: hit, agent: "somebody"), 403),
        ]
        for (request, status) in cases {
            #expect(await problem { try await site.searches.select(request) }?.status == status)
        }
        #expect(try await site.searches.select(FeedbackRequest(inference: hit, agent: "")).learns)
    }

    @Test func `weights are fitted to the graph's own links and used by searches`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(ModelCreateRequest(agent: "docs", dim: 16, heads: 2, layers: 1, context: 8))
        let report = try await site.searches.calibrate(CalibrateRequest(agent: "docs"))
        #expect(report.source == "own" && report.questions == 5 && report.examples > 0)
        #expect(report.lossAfter! <= report.lossBefore!)
        #expect(report.weights["model"] == FeatureVector.standard[.model])
        let ground = try await site.searches.currentGround()
        let model = try #require(try await site.searches.model(of: "docs", .federated, ground))
        #expect(model.weights[.title] == report.weights["title"])
    }

    @Test func `held-out links measure every formula, and are nowhere to be seen`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(ModelCreateRequest(agent: "docs", dim: 16, heads: 2, layers: 1, context: 8))
        let held = try await site.graphs.holdOut(HoldOutRequest(test: 0.4, seed: 3))
        #expect(held.test == 2 && held.left == 3)
        let report = try await site.searches.evaluate("docs", split: .test, weights: .federated)
        #expect(report.queries == 2)
        #expect(report.rows.map(\.formula).contains("combined") && report.rows.allSatisfy { $0.mrr != nil })
        #expect(try await site.graphs.current().index.edgeCount == 3)
        #expect(try await site.graphs.holdOut(HoldOutRequest(restore: true)).restored == 2)
        let wrong = await problem { try await site.graphs.holdOut(HoldOutRequest(test: 0.7)) }
        #expect(wrong?.field == "test")
        let unknown = await problem { try await site.graphs.holdOut(HoldOutRequest(relation: "r", test: 0.1)) }
        #expect(unknown?.code == "unknown_relation")
    }
}

@Suite struct ModelServiceTests {
    private static let small = ModelCreateRequest(agent: "docs", dim: 16, heads: 2, layers: 1, context: 8)

    private func site() async throws -> PlayedSite {
        let site = try await PlayedSite()
        try await site.add(
            pages: ["a", "b", "c"].map { ($0, "Page \($0)") },
            links: [("a", "b", "bee"), ("b", "c", "sea"), ("c", "a", "ay")])
        return site
    }

    @Test(arguments: [
        (ModelCreateRequest(agent: "a", dim: 8), "dim", "16 to 128"),
        (ModelCreateRequest(agent: "a", dim: 256), "dim", "16 to 128"),
        (ModelCreateRequest(agent: "a", heads: 16), "heads", "1 to 8"),
        (ModelCreateRequest(agent: "a", dim: 64, heads: 5), "heads", "divisor of dim 64"),
        (ModelCreateRequest(agent: "a", layers: 3), "layers", "1 to 2"),
        (ModelCreateRequest(agent: "a", context: 4), "context", "8 to 64"),
        (ModelCreateRequest(agent: "a", dim: 2_048, beyondDefaults: true), "dim", "4 to 1024"),
    ])
    func `a shape out of range is refused with the range`(
        request: ModelCreateRequest, field: String, range: String
    ) async throws {
        let site = try await PlayedSite()
        defer { site.end() }
        let refused = await problem { try await site.models.create(request) }
        #expect(refused?.status == 422 && refused?.field == field)
        #expect(refused?.detail.contains(range) == true)
        #expect(refused?.remedy?.contains("--beyond-defaults") == (request.beyondDefaults == nil))
    }

    @Test func `a run leaves a row in the history, and a larger shape is a wish that can be granted`() async throws {
        let site = try await site()
        defer { site.end() }
        let model = try await site.models.create(
            ModelCreateRequest(agent: "docs", dim: 8, heads: 2, layers: 3, context: 4, beyondDefaults: true))
        #expect(model.layers == 3)
        let report = try await site.train(TrainRequest(agent: "docs", rounds: 2, steps: 3, batch: 4))
        #expect(report.state == "done", "\(report)")
        let id = try await site.models.find("docs")
        // The row is written behind the report.
        while try await site.count("training_runs") == 0 { await Task.yield() }
        let history = try await site.models.history.reports(of: id)
        #expect(history.count == 1 && history[0].outcome == "done")
        #expect(history[0].steps == 6 && history[0].sequences == 24 && history[0].loss == report.loss)
    }

    @Test func `predictions can be answered to, and an ensemble of one says what its model says`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(Self.small)
        let context = ["a", "links_to"]
        let single = try await site.models.predict(PredictRequest(agent: "docs", context: context))
        let one = try await site.models.ensemble(EnsembleRequest(agents: ["docs"], context: context))
        #expect(one.predictions.map(\.name) == single.predictions.map(\.name))
        #expect(one.predictions.map(\.probability) == single.predictions.map(\.probability))
        #expect(abs(single.predictions.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
        #expect(try await site.count("inference_log") == 6)
        let chosen = try #require(single.predictions.first { $0.name == "c" }?.inference)
        let report = try await site.searches.select(FeedbackRequest(inference: chosen, agent: "docs"))
        #expect(report.learns && report.selected == "c", "from the context's last graph node")
    }

    @Test func `an ensemble lies between its models`() async throws {
        let site = try await site()
        defer { site.end() }
        for agent in ["docs", "wiki"] {
            var request = Self.small
            request.agent = agent
            _ = try await site.models.create(request)
        }
        #expect(try await site.train(TrainRequest(agent: "docs", rounds: 2, steps: 80, batch: 8)).state == "done")
        let context = ["a", "links_to"]
        func share(_ agents: [String]) async throws -> Double {
            let report = try await site.models.ensemble(EnsembleRequest(agents: agents, context: context))
            return try #require(report.predictions.first { $0.name == "b" }).probability
        }
        let (trained, untrained, both) = (
            try await share(["docs"]), try await share(["wiki"]), try await share(["docs", "wiki"])
        )
        #expect(trained > untrained && min(trained, untrained) < both && both < max(trained, untrained))
        for (agents, field) in [([], "agents"), (["docs", "docs"], "agents")] as [([String], String)] {
            let refused = await problem {
                try await site.models.ensemble(EnsembleRequest(agents: agents, context: context))
            }
            #expect(refused?.field == field)
        }
    }

    @Test func `a model that is deleted during its training ends the run with the reason`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(Self.small)
        let job = try await site.models.train(TrainRequest(agent: "docs", rounds: 10_000, steps: 1, batch: 1))
        while site.models.job(job.id)!.training.round == 0 { await Task.yield() }
        _ = try await site.models.delete("docs")
        while site.models.job(job.id)!.training.isActive { await Task.yield() }
        let ended = site.models.job(job.id)!.training
        #expect(ended.state == "failed" && ended.error?.contains("deleted") == true, "\(ended)")
    }

    @Test func `a model that is deleted during a search still answers it, and the next one says it is gone`()
        async throws
    {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(Self.small)
        let ground = try await site.searches.currentGround()
        let model = try #require(try await site.searches.model(of: "docs", .federated, ground))
        let id = try await site.models.delete("docs")
        try await site.searches.forget(id)
        let found = try await site.searches.candidates(
            SearchQuestion(text: "page", context: [0]), ground, model)
        #expect(found.count == 3 && found.allSatisfy { $0.evidence.probability > 0 })
        let gone = await problem { try await site.searches.search(SearchRequest(query: "page", agent: "docs")) }
        #expect(gone?.status == 404)
        #expect(try await site.searches.search(SearchRequest(query: "page")).agent == nil)
    }
}

import API
import Graph
import Storage
import Testing
import Wire

@testable import Daemon

@Suite struct RuleTests {
    /// Thirty families: parents' parents are grandparents; a third of those is held out.
    private func site() async throws -> PlayedSite {
        let site = try await PlayedSite()
        var (train, valid, test) = ("", "", "")
        for family in 0..<30 {
            train += "a\(family)\tparent\tb\(family)\nb\(family)\tparent\tc\(family)\n"
            let grandparent = "a\(family)\tgrandparent\tc\(family)\n"
            switch family % 3 {
            case 0: if family % 2 == 0 { valid += grandparent } else { test += grandparent }
            default: train += grandparent
            }
        }
        for (split, text) in [(GraphSplit.train, train), (.valid, valid), (.test, test)] {
            let bytes = Bytes(text.utf8)
            let graphs = site.graphs
            _ = try await site.database.working { (connection) throws in
                var left: Bytes? = bytes
                return try graphs.store(connection).importTriples(ImportOptions(split)) {
                    defer { left = nil }
                    return left ?? []
                }
            }
        }
        site.graphs.outdate()
        return site
    }

    @Test func `rules are mined, listed in words, and mined anew when the graph has changed`() async throws {
        let site = try await site()
        defer { site.end() }
        let report = try await site.models.rules.mine(MineRequest(seconds: 30, rounds: 3))
        #expect(report.rules > 0 && report.paths[1] > 0 && report.rounds == 3)
        let listed = try await site.models.rules.list(relation: "grandparent", top: 100)
        let rule = try #require(listed.first { $0.words == "grandparent(X, Y) if parent(X, A) and parent(A, Y)" })
        #expect(rule.body == 30 && rule.support == 20)
        try await site.add(pages: [("p", "p"), ("q", "q")], links: [("p", "q", "x")])
        let graph = try await site.graphs.current()
        #expect(try await site.models.rules.current(graph).mined.isOf(graph))
    }

    @Test func `a model answers with rules and says why`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(ModelCreateRequest(agent: "clinic", dim: 16, heads: 2))
        _ = try await site.models.rules.mine(MineRequest(seconds: 30, rounds: 3))
        let alone = try await site.models.evaluate(
            "clinic", weights: .federated, evaluation: .twoSided, split: "test", filter: nil, withRanks: false)
        let both = try await site.models.evaluate(
            "clinic", weights: .federated, evaluation: .twoSided, split: "test", filter: nil, withRanks: false,
            withRules: true)
        #expect(alone.rules == nil && both.rulesHelp == true)
        #expect((both.mrr ?? 0) > 0.9 && (alone.mrr ?? 1) < 0.5, "the model has not learned anything")
        for (context, answer, nodes) in [
            (["a3", "grandparent"], "c3", ["a3", "b3", "c3"]), (["c3", "^grandparent"], "a3", ["c3", "b3", "a3"]),
        ] {
            let report = try await site.models.predict(
                PredictRequest(agent: "clinic", context: context, top: 3, withRules: true))
            let best = try #require(report.predictions.first)
            #expect(best.name == answer)
            let why = try #require(best.why)
            #expect(why.contains { $0.grounding == nodes && $0.rule.words.hasPrefix("grandparent(X, Y) if") })
        }
        let without = try await site.models.predict(PredictRequest(agent: "clinic", context: ["a3", "grandparent"]))
        #expect(without.predictions.allSatisfy { $0.why == nil })
    }

    @Test func `rules are weighed anew once training has moved the model, and no question waits for it`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(ModelCreateRequest(agent: "clinic", dim: 16, heads: 2))
        _ = try await site.models.rules.mine(MineRequest(seconds: 30, rounds: 3))
        let question = PredictRequest(agent: "clinic", context: ["a3", "grandparent"], top: 3, withRules: true)
        _ = try await site.models.predict(question)
        let (graph, model) = (try await site.graphs.current(), try await site.models.find("clinic"))
        let rules = try await site.models.rules.current(graph)
        let key = BlendKey(model: model, weights: .served)
        let first = try #require(rules.kept(key))
        _ = try await site.train(TrainRequest(agent: "clinic", rounds: 5, steps: 30, learningRate: 0.01))
        let now = WeightsSketch(try await site.models.parameters(.served, of: model, graph))
        #expect(!first.weights.isNear(now), "it has been trained")

        _ = try await site.models.predict(question)
        let deadline = ContinuousClock.now + .seconds(20)
        while try #require(rules.kept(key)).weights.isNear(now) == false, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        let second = try #require(rules.kept(key))
        #expect(second.weights.isNear(now) && second.blend != first.blend)

        // A measurement is of what is there now, and waits for it.
        _ = try await site.train(TrainRequest(agent: "clinic", rounds: 5, steps: 30, learningRate: 0.01))
        let later = WeightsSketch(try await site.models.parameters(.served, of: model, graph))
        #expect(!second.weights.isNear(later))
        _ = try await site.models.evaluate(
            "clinic", weights: .served, evaluation: .twoSided, split: "test", filter: nil, withRanks: false,
            withRules: true)
        #expect(try #require(rules.kept(key)).weights.isNear(later))
    }

    @Test func `rules name candidates of a search, and say why`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.rules.mine(MineRequest(seconds: 30, rounds: 3))
        var request = SearchRequest(query: "nothing", context: ["a3", "grandparent"], why: true)
        let alone = try await site.searches.search(request)
        #expect(alone.hits.allSatisfy { $0.rules == nil && $0.why?["rules"] == nil })
        request.withRules = true
        let report = try await site.searches.search(request)
        let hit = try #require(report.hits.first { $0.name == "c3" })
        #expect(hit.why?["rules"] ?? 0 > 0)
        #expect(hit.rules?.contains { $0.grounding == ["a3", "b3", "c3"] } == true)
        request.context = []
        #expect(await problem { try await site.searches.search(request) }?.field == "context")
    }

    @Test func `bad questions are refused with the reason`() async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await site.models.create(ModelCreateRequest(agent: "clinic", dim: 16, heads: 2))
        let rules = site.models.rules
        for (name, work) in [
            ("seconds", { _ = try await rules.mine(MineRequest(seconds: 0)) }),
            ("rounds", { _ = try await rules.mine(MineRequest(rounds: 0)) }),
            ("top", { _ = try await rules.list(relation: nil, top: 0) }),
            ("relation", { _ = try await rules.list(relation: "a1", top: 1) }),
            (
                "context",
                {
                    _ = try await site.models.predict(
                        PredictRequest(agent: "clinic", context: ["a1"], withRules: true))
                }
            ),
        ] as [(String, () async throws -> Void)] {
            let found = await problem(work)
            #expect(
                found?.field == name && found?.status == (["relation", "context"].contains(name) ? 422 : 400), "\(name)"
            )
        }
    }
}

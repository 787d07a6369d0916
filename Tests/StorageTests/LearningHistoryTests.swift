import Graph
import Identity
import Testing
import Wire

@testable import Storage

@Suite struct LearningHistoryTests {
    private let model = ModelID(Bytes(repeating: 1, count: 32))!

    private func log(_ fixture: SearchFixture) -> InferenceLog {
        InferenceLog(fixture.connection, schema: fixture.schema)
    }

    private func ask(
        _ fixture: SearchFixture, query: String? = "memory place", context: [String] = ["docs/types.md"],
        answers: [String] = ["docs/values.md", "docs/places.md"]
    ) throws -> [TokenID] {
        try log(fixture).append(
            LoggedInference(
                models: [model], agent: "docs", query: query, context: context.map(fixture.id),
                answers: answers.enumerated().map { (fixture.id($1), 1 / Double($0 + 1)) }))
    }

    private func rows(_ fixture: SearchFixture, _ condition: String = "true") throws -> Int {
        try fixture.connection.row("SELECT count(*) FROM \(fixture.schema).inference_log WHERE \(condition)").int(0)
    }

    @Test func `every answer has an id, in their order`() throws {
        let fixture = try SearchFixture()
        let ids = try ask(fixture)
        #expect(Set(ids).count == 2)
        let second = try fixture.connection.row(
            "SELECT predicted, rank, score, selected, cost_koi FROM \(fixture.schema).inference_log WHERE id = $1",
            [.uuid(ids[1].rawValue)])
        #expect(try second.uuid(0) == fixture.id("docs/places.md").rawValue)
        #expect(try second.int(1) == 2 && second.double(2) == 0.5 && !second.bool(3) && second.int(4) == 0)
        #expect(try ask(fixture, answers: []).isEmpty)
        #expect(
            try fixture.connection.row(
                "SELECT relpersistence::text FROM pg_class WHERE oid = '\(fixture.schema).inference_log'::regclass"
            ).text(0) == "p", "it outlives a crash: answers are charged by it")
    }

    @Test func `a selection becomes an edge that says what was asked, and more weight the second time`() throws {
        let fixture = try SearchFixture()
        let chosen = SelectedInference(
            agent: "docs", query: "memory place", predicted: fixture.id("docs/places.md"),
            source: fixture.id("docs/types.md"))
        for query in ["memory place", "where things are"] {
            let id = try ask(fixture, query: query)[1]
            guard case .recorded(let selected, edge: true) = try log(fixture).select(id, agent: nil, key: fixture.key)
            else {
                Issue.record("not recorded")
                return
            }
            #expect(selected.predicted == chosen.predicted && selected.source == chosen.source)
        }
        let edge = try fixture.connection.row(
            """
            SELECT e.weight, e.metadata ->> 'links', r.name FROM \(fixture.schema).edges e
            JOIN \(fixture.schema).relations r ON r.id = e.relation WHERE r.name = 'selected'
            """)
        #expect(try edge.double(0) == 2)
        #expect(try edge.text(1) == "[{\"text\": \"memory place\"}, {\"text\": \"where things are\"}]")
        #expect(try fixture.search.graph().links.contains { $0.words == ["memori", "place"] })
        #expect(try rows(fixture, "selected") == 2)
    }

    @Test func `an answer counts once, an unknown one not at all, and a foreign one is refused`() throws {
        let fixture = try SearchFixture()
        let id = try ask(fixture)[0]
        let log = log(fixture)
        #expect(try log.select(TokenID(rawValue: 7), agent: nil, key: fixture.key) == .unknown)
        #expect(try log.select(id, agent: "other", key: fixture.key) == .foreign(agent: "docs"))
        #expect(try rows(fixture, "selected") == 0)
        guard case .recorded(_, edge: true) = try log.select(id, agent: "docs", key: fixture.key) else {
            Issue.record("not recorded")
            return
        }
        let edges = try fixture.graph.counts().edges
        #expect(try log.select(id, agent: "docs", key: fixture.key) == .already)
        #expect(try fixture.graph.counts().edges == edges)
    }

    @Test func `without a context, or with what is gone or the place itself, there is no edge to make`() throws {
        let fixture = try SearchFixture()
        let edges = try fixture.graph.counts().edges
        let ids = [
            try ask(fixture, context: [])[0], try ask(fixture, context: ["nowhere"])[0],
            try ask(fixture, answers: ["nowhere"])[0], try ask(fixture, context: ["docs/values.md"])[0],
        ]
        for id in ids {
            guard case .recorded(_, edge: false) = try log(fixture).select(id, agent: nil, key: fixture.key) else {
                Issue.record("an edge was made")
                continue
            }
        }
        #expect(try fixture.graph.counts().edges == edges)
    }

    @Test func `old answers that nobody chose are forgotten`() throws {
        let fixture = try SearchFixture()
        let ids = try ask(fixture) + ask(fixture)
        _ = try log(fixture).select(ids[0], agent: nil, key: fixture.key)
        try fixture.connection.query(
            "UPDATE \(fixture.schema).inference_log SET created_at = now() - interval '100 days' WHERE id <> $1",
            [.uuid(ids[3].rawValue)])
        #expect(try log(fixture).prune() == 2)
        #expect(try rows(fixture) == 2)
    }

    @Test func `training runs come back newest first, whatever their outcome`() throws {
        let fixture = try SearchFixture()
        let log = TrainingRunLog(fixture.connection, schema: fixture.schema)
        var run = TrainingRunRecord(
            model: model, agent: "docs", config: Bytes("{\"rounds\": 2}".utf8), walks: "tree", scope: "docs.guide",
            sequences: 1_000, steps: 50, finalLoss: 1.5, durationMs: 2_345, outcome: .done)
        try log.append(run)
        (run.outcome, run.finalLoss, run.scope, run.error) = (.failed, nil, nil, "the model was deleted")
        try log.append(run)
        let history = try log.history(of: model)
        #expect(history.map(\.run.outcome) == [.failed, .done])
        #expect(history[0].run == run && history[0].endedAt > 1.7e9)
        #expect(history[1].run.scope == "docs.guide" && history[1].run.finalLoss == 1.5)
        #expect(try log.history(of: model, limit: 1).count == 1)
        #expect(try log.history(of: ModelID(Bytes(repeating: 2, count: 32))!).isEmpty)
    }

    @Test func `the vocabulary can be read as the model sees it`() throws {
        let fixture = try SearchFixture()
        try fixture.connection.query(
            "INSERT INTO \(fixture.schema).model_weights (model_id, tensor_index, tensor_name) VALUES ($1, 0, 'x')",
            [.bytes(model.bytes)])
        let rows = try fixture.connection.query(
            "SELECT node_id FROM \(fixture.schema).model_vocab WHERE model_id = $1 ORDER BY token_idx",
            [.bytes(model.bytes)])
        let graph = try fixture.graph.load()
        let vocabulary = try LocalVocabulary(nodes: graph.nodes.map(\.id), relations: graph.relations.map(\.tokens))
        #expect(try rows.map { TokenID(rawValue: try $0.uuid(0)) } == vocabulary.nodes)
    }
}

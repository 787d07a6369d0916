import API
import Graph
import Identity
import Learning
import Search
import Storage
import Testing
import Wire

@testable import Daemon

/// What PostgreSQL calculates with the weights that the node writes, beside what the node says itself.
@Suite struct VectorTests {
    /// Pages with links, one of them in sections of which one has a link.
    private func site(texts: Bool = true) async throws -> PlayedSite {
        let site = try await PlayedSite()
        try await site.add(
            pages: [
                ("a.md", "Ownership\nThe borrow checker follows ownership, references and moves."),
                ("b.md", "Lifetimes\nA lifetime names how long a reference is valid."),
                ("c.md", "Aliasing rules\nAt most one mutable reference, or many shared references."),
                ("d.md", "Moves\nA value that was moved cannot be used by reference."),
                ("d1", "When\nA move happens"), ("d2", "Why\nA reference would dangle"),
            ],
            links: [
                ("a.md", "c.md", texts ? "aliasing" : ""), ("b.md", "c.md", texts ? "borrow checker" : ""),
                ("b.md", "a.md", texts ? "owner" : ""), ("d2", "a.md", texts ? "ownership" : ""),
            ])
        let (page, schema) = (site.id("d.md").rawValue, site.database.schema)
        for (position, part) in ["d1", "d2"].enumerated() {
            let id = site.id(part).rawValue
            try await site.database.query { (connection) throws(StorageError) in
                _ = try connection.query(
                    "UPDATE \(schema).nodes SET kind = 'section', parent_id = $1, position = $2 WHERE id = $3",
                    [.uuid(page), .int32(Int32(position)), .uuid(id)])
            }
        }
        return site
    }

    /// A model with random weights, served as adapted ones.
    private func model(_ site: PlayedSite, dim: Int, heads: Int, layers: Int, seed: UInt64) async throws -> ModelID {
        _ = try await site.models.create(
            ModelCreateRequest(agent: "clinic", dim: dim, heads: heads, layers: layers, context: 8))
        let id = try await site.models.find("clinic")
        let shape = try ModelShape(dim: dim, heads: heads, layers: layers, context: 8)
        let tokens = try await site.graphs.current().vocabulary.tokens
        var random = Random(seed: seed)
        let scale = 2 / Float(dim).squareRoot()
        func numbers(_ count: Int) -> [Float] {
            (0..<count).map { _ in scale * (Float(random.next() >> 40) / Float(1 << 24) - 0.5) }
        }
        let parameters = Parameters(dense: numbers(shape.denseCount), tokens: numbers(tokens.count * dim))
        let served = ServedState(
            merged: 0, adapted: 1, bar: 0.5, source: .ownEdges, questions: 1,
            weights: SavedWeights(tokens: tokens, parameters: parameters))
        try await site.models.trainer.served.keep(served, isNew: true, of: id)
        return id
    }

    private func vectors(_ site: PlayedSite) -> VectorService {
        VectorService(
            host: site.host, graphs: site.graphs, models: site.models, database: site.database,
            log: EventLog(path: nil, verbose: false))
    }

    /// Ids and two numbers of a query.
    private func ask(
        _ site: PlayedSite, _ call: String, _ parameters: [Parameter]
    ) async throws -> [(id: String, numbers: [Double])] {
        let schema = site.database.schema
        return try await site.database.query { (connection) throws(StorageError) in
            var found: [(String, [Double])] = []
            for row in try connection.query("SELECT * FROM \(schema).\(call)", parameters) {
                let id = TokenID(rawValue: try row.uuid(0)).hex
                found.append((id, [try row.double(2), try row.double(3)]))
            }
            return found
        }
    }

    @Test(arguments: [(16, 2, 1), (64, 4, 2), (128, 8, 2)])
    func `SQL predicts what the node predicts`(dim: Int, heads: Int, layers: Int) async throws {
        let site = try await site()
        defer { site.end() }
        _ = try await model(site, dim: dim, heads: heads, layers: layers, seed: UInt64(dim))
        let report = try await vectors(site).publish(PublishRequest(agent: "clinic"))
        #expect(report.changed && report.weights == "adapted")
        let graph = try await site.graphs.current()
        let long = [
            "a.md", "links_to", "c.md", "^links_to", "b.md", "links_to", "a.md", "links_to", "c.md", "^links_to",
        ]
        for context in [["a.md", "links_to"], ["c.md", "^links_to"], ["d.md"], ["d1", "@parent"], long] {
            let own = try await site.models.predict(PredictRequest(agent: "clinic", context: context, top: 4))
            let tokens = try graph.context(context).map { graph.vocabulary[$0].rawValue }
            let sql = try await ask(
                site, "predict_next($1, $2, $3)", [.text("clinic"), .uuids(tokens), .int32(4)])
            #expect(sql.map(\.id) == own.predictions.map(\.id), "\(context)")
            for (one, other) in zip(sql, own.predictions) {
                #expect(abs(one.numbers[0] - other.probability) < 1e-5, "\(context)")
                #expect(abs(one.numbers[1] - (other.logit ?? 0)) < 1e-4, "\(context)")
            }
        }
    }

    @Test(arguments: [true, false])
    func `SQL finds what the node finds`(texts: Bool) async throws {
        let site = try await site(texts: texts)
        defer { site.end() }
        _ = try await model(site, dim: 16, heads: 2, layers: 1, seed: 5)
        _ = try await vectors(site).publish(PublishRequest(agent: "clinic"))
        let graph = try await site.graphs.current()
        let contexts = [
            [], ["a.md"], ["d.md"], ["a.md", "d.md"], ["b.md", "links_to"], ["b.md", "links_to", "a.md"], ["d1", "d2"],
        ]
        for context in contexts {
            let own = try await site.searches.search(
                SearchRequest(query: "reference", agent: "clinic", context: context, formula: .seed))
            let tokens = context.isEmpty ? [] : try graph.context(context).map { graph.vocabulary[$0].rawValue }
            let sql = try await ask(
                site, "search($1, $2, $3)", [.text("clinic"), .text("reference"), .uuids(tokens)])
            #expect(sql.count == 5 && sql.map(\.id) == own.hits.map(\.id), "\(context)")
            for (one, other) in zip(sql, own.hits) { #expect(abs(one.numbers[0] - other.score) < 1e-5, "\(context)") }
        }
        let plain = try await ask(site, "search(NULL, $1)", [.text("reference")])
        let own = try await site.searches.search(SearchRequest(query: "reference", formula: .text))
        #expect(plain.map(\.id) == own.hits.map(\.id))
    }

    @Test func `what is written follows the model, and what is forgotten goes`() async throws {
        let site = try await site()
        defer { site.end() }
        let id = try await model(site, dim: 16, heads: 2, layers: 1, seed: 5)
        let vectors = vectors(site)
        let unknown = await #expect(throws: StorageError.self) {
            _ = try await ask(site, "predict_next('clinic', $1)", [.uuids([site.id("a.md").rawValue])])
        }
        #expect(unknown?.cause.contains("0 models here are called 'clinic'") == true, "nothing is written yet")
        #expect(try await vectors.publish(PublishRequest(agent: "clinic")).changed)
        #expect(try await !vectors.publish(PublishRequest(agent: "clinic")).changed, "they are there already")
        for (context, cause) in [([], "context is empty"), ([UInt128(7)], "no row for a token")] {
            let error = await #expect(throws: StorageError.self) {
                _ = try await ask(site, "predict_next('clinic', $1)", [.uuids(context)])
            }
            #expect(error?.cause.contains(cause) == true)
        }
        let hex = String(id.hex.prefix(8))
        #expect(
            try await ask(site, "predict_next($1, $2)", [.text(hex), .uuids([site.id("a.md").rawValue])]).count == 6)

        _ = try await site.graphs.forget("c.md")
        #expect(try await site.count("vector_tokens WHERE token = '\(site.id("c.md").hex)'") == 0)
        _ = try await site.models.delete("clinic")
        _ = try await site.models.create(ModelCreateRequest(agent: "lab", dim: 16, heads: 2))
        _ = try await vectors.publish(PublishRequest(agent: "lab"))
        #expect(try await site.count("vector_models") == 1, "a model that was deleted is not asked any more")
    }
}

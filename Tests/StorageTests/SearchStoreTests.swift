import Graph
import Identity
import Testing
import Wire

@testable import Storage

/// A site of three pages; the links and what they say are in ``SearchFixture/links``.
struct SearchFixture {
    let connection: Connection
    let schema: String
    let key = try! VocabularyKey(Bytes(0..<32))

    var search: SearchStore { SearchStore(connection, schema: schema) }
    var graph: GraphStore { GraphStore(connection, schema: schema, key: key) }

    func id(_ name: String) -> TokenID { try! key.token(.node, named: name) }
    var linksTo: TokenID { try! key.relation(named: "links_to").forward }

    static let nodes: [(name: String, kind: String, parent: String?, content: String)] = [
        ("docs", "folder", nil, "docs"),
        ("docs/places.md", "file", "docs", "docs/places.md"),
        (
            "docs/places.md#place-expressions", "section", "docs/places.md",
            "# Place expressions\nA place expression denotes a memory location. Its value can be moved."
        ),
        (
            "docs/values.md", "file", "docs",
            "Values\nA value expression is what a place expression is not; it has no memory location."
        ),
        ("docs/types.md", "file", "docs", "Types\nEvery value has a type. The type of an expression is inferred."),
        ("docs/types.md#never", "section", "docs/types.md", "# Never\nThe never type has no values."),
    ]
    static let links: [(source: String, target: String, texts: [String])] = [
        ("docs/values.md", "docs/places.md#place-expressions", ["place expression", "places"]),
        ("docs/types.md", "docs/values.md", ["value"]),
        ("docs/types.md#never", "docs/values.md", ["value expression"]),
        ("docs/types.md#never", "docs/places.md", ["the"]),
    ]

    init() throws {
        (connection, schema) = try TestServer.freshSchema()
        for (position, node) in Self.nodes.enumerated() {
            try connection.query(
                """
                INSERT INTO \(schema).nodes (id, name, kind, parent_id, position, content) VALUES ($1, $2, $3, $4, $5, $6)
                """,
                [
                    .uuid(id(node.name).rawValue), .text(node.name), .text(node.kind),
                    .uuid(node.parent.map { id($0).rawValue }), .int32(Int32(position)), .text(node.content),
                ])
        }
        let tokens = try key.relation(named: "links_to")
        try connection.query(
            "INSERT INTO \(schema).relations (id, inverse_id, name) VALUES ($1, $2, 'links_to')",
            [.uuid(tokens.forward.rawValue), .uuid(tokens.inverse.rawValue)])
        for link in Self.links {
            try connection.query(
                """
                INSERT INTO \(schema).edges (source_id, relation, target_id, metadata)
                SELECT $1, $2, $3, jsonb_build_object('links', jsonb_agg(jsonb_build_object('line', 1, 'text', t)))
                FROM unnest($4::text[]) t
                """,
                [
                    .uuid(id(link.source).rawValue), .uuid(tokens.forward.rawValue), .uuid(id(link.target).rawValue),
                    .texts(link.texts),
                ])
        }
    }

    func evidence(
        _ query: String, ids: [String] = [], context: [String] = [], searching: Bool = true
    ) throws -> [String: TextEvidence] {
        let found = try search.evidence(
            for: query, words: try search.words(of: query), nodes: 6, ids: ids.map(id), context: context.map(id),
            searching: searching)
        let names = Dictionary(uniqueKeysWithValues: Self.nodes.map { (id($0.name), $0.name) })
        return Dictionary(uniqueKeysWithValues: found.map { (names[$0.id] ?? $0.id.hex, $0) })
    }
}

@Suite struct SearchStoreTests {
    @Test func `words come stemmed, with how many texts hold them, and without stop words`() throws {
        let words = try SearchFixture().search.words(of: "the Values of expressions, don't \\ 'quote'")
        #expect(words.map(\.lexeme) == ["valu", "express", "quot"])
        #expect(words.map(\.documents) == [4, 3, 0])
        #expect(try SearchFixture().search.words(of: "the of and").isEmpty)
    }

    @Test func `a text that holds every word ranks, one that lacks one does not, and both are found`() throws {
        let found = try SearchFixture().evidence("place expression")
        let page = try #require(found["docs/places.md#place-expressions"])
        #expect(page.rank > 0 && page.hasEveryWord && page.titleWords == 1 && page.titleOnly == 1)
        let types = try #require(found["docs/types.md"])
        #expect(types.rank == 0 && !types.hasEveryWord && types.words > 0 && types.words < page.words)
        #expect(page.title > types.title && page.length > 3)
        #expect(found["docs"] == nil)
    }

    @Test func `what is named is looked at whatever it says, and nothing else when nothing is searched for`() throws {
        let fixture = try SearchFixture()
        #expect(try fixture.evidence("place", ids: ["docs"])["docs"]?.words == 0)
        #expect(try fixture.evidence("place", ids: ["docs", "nowhere"], searching: false).keys.sorted() == ["docs"])
    }

    @Test(arguments: ["it's \\ 'quoted' & | ! <-> :*", "%_", "\u{1F600}", "a'); DROP TABLE nodes; --", "\"", "\\"])
    func `hostile queries are only words`(query: String) throws {
        let fixture = try SearchFixture()
        _ = try fixture.evidence(query)
        #expect(try fixture.graph.counts().nodes == SearchFixture.nodes.count)
    }

    @Test func `perspectives count everywhere or in their context, on average`() throws {
        let fixture = try SearchFixture()
        try fixture.connection.query("INSERT INTO \(fixture.schema).agents (name) VALUES ('a')")
        for (weight, context) in [(0.5, nil), (-0.1, "docs/types.md")] as [(Double, String?)] {
            try fixture.connection.query(
                """
                INSERT INTO \(fixture.schema).perspectives (agent_id, node_id, weight, context_id)
                SELECT id, $1, $2, $3 FROM \(fixture.schema).agents
                """,
                [
                    .uuid(fixture.id("docs/values.md").rawValue), .double(weight),
                    .uuid(context.map { fixture.id($0).rawValue }),
                ])
        }
        let page = "docs/values.md"
        #expect(try fixture.evidence("value")[page]?.perspective == 0.5)
        #expect(try fixture.evidence("value", context: ["docs/types.md"])[page]?.perspective == 0.2)
        #expect(try fixture.evidence("value", context: ["docs/types.md"])["docs/types.md"]?.perspective == 0)
    }

    @Test func `the graph comes with parents, titles and the words of links`() throws {
        let fixture = try SearchFixture()
        let (nodes, links) = try fixture.search.graph()
        #expect(nodes.map(\.id) == SearchFixture.nodes.map { fixture.id($0.name) }.sorted())
        let section = try #require(nodes.first { $0.id == fixture.id("docs/types.md#never") })
        #expect(section.title == "Never" && section.parent == fixture.id("docs/types.md") && section.kind == "section")
        #expect(nodes.first { $0.id == fixture.id("docs") }?.parent == nil)
        #expect(nodes.first { $0.id == fixture.id("docs/values.md") }?.title == "Values")
        let words = links.filter { $0.source == fixture.id("docs/values.md") }.map(\.words)
        #expect(words.sorted { $0.count < $1.count } == [["place"], ["express", "place"]])
        #expect(links.count == 5 && links.contains { $0.words.isEmpty })
    }

    @Test func `metadata of another form has no texts`() throws {
        let fixture = try SearchFixture()
        for metadata in [
            "{\"links\": 3}", "{\"links\": {\"text\": \"b\"}}", "[]", "{\"links\": [\"b\", [], {\"text\": \"\"}]}",
        ] {
            try fixture.connection.query(
                "UPDATE \(fixture.schema).edges SET metadata = $1::text::jsonb", [.text(metadata)])
            #expect(try fixture.search.graph().links.isEmpty, "\(metadata)")
        }
    }

    @Test func `fitted weights come back, are replaced, and go with their model`() throws {
        let fixture = try SearchFixture()
        let model = ModelID(Bytes(repeating: 1, count: 32))!
        #expect(try fixture.search.weights(of: model) == nil)
        for weights in [["words": 2.5, "title": -1], ["model": 0.25]] {
            let stored = StoredSearchWeights(weights: weights, examples: weights.count)
            try fixture.search.save(stored, of: model)
            #expect(try fixture.search.weights(of: model) == stored)
        }
        try fixture.search.forget(model)
        #expect(try fixture.search.weights(of: model) == nil)
    }
}

@Suite struct HoldOutTests {
    private func edges(_ fixture: SearchFixture) throws -> Set<TokenTriple> { Set(try fixture.graph.load().triples) }

    @Test func `what is held out is out of the graph, and comes back as it was`() throws {
        let fixture = try SearchFixture()
        let before = try fixture.search.graph().links
        var random = Random(seed: 1)
        let counts = try fixture.graph.holdOut(relation: nil, valid: 0.34, test: 0.34, using: &random)
        #expect(counts.valid > 0 && counts.test > 0 && counts.valid + counts.test + counts.left == 4)
        let held = try fixture.search.heldOutLinks(.valid) + fixture.search.heldOutLinks(.test)
        #expect(held.count == counts.valid + counts.test)
        let left = try edges(fixture)
        for link in held {
            #expect(!left.contains(TokenTriple(head: link.source, relation: link.relation, tail: link.target)))
            #expect(SearchFixture.links.contains { fixture.id($0.source) == link.source && $0.texts == link.texts })
        }
        #expect(try fixture.graph.restoreHeldOut() == held.count)
        #expect(try fixture.search.graph().links == before)
        #expect(try fixture.search.heldOutLinks(.test).isEmpty)
    }

    @Test func `links of one page to one target go together, from whatever section`() throws {
        let (page, section, target) = ("docs/types.md", "docs/types.md#never", "docs/values.md")
        for seed in 1...8 as ClosedRange<UInt64> {
            let fixture = try SearchFixture()
            var random = Random(seed: seed)
            _ = try fixture.graph.holdOut(relation: nil, valid: 0, test: 0.34, using: &random)
            let left = try edges(fixture)
            let stays = [page, section].map { source in
                left.contains(
                    TokenTriple(head: fixture.id(source), relation: fixture.linksTo, tail: fixture.id(target)))
            }
            #expect(stays[0] == stays[1])
        }
    }

    @Test func `the same seed holds the same edges out, and a relation can be named`() throws {
        let runs = try [1, 1, 2, 3, 4].map { seed -> Set<TokenTriple> in
            let fixture = try SearchFixture()
            var random = Random(seed: UInt64(seed))
            _ = try fixture.graph.holdOut(relation: fixture.linksTo, valid: 0, test: 0.34, using: &random)
            return try edges(fixture)
        }
        #expect(runs[0] == runs[1])
        #expect(Set(runs).count > 1)
        let fixture = try SearchFixture()
        var random = Random(seed: 1)
        let other = try fixture.key.relation(named: "other").forward
        #expect(try fixture.graph.holdOut(relation: other, valid: 0.5, test: 0.5, using: &random) == HoldOutCounts())
    }
}

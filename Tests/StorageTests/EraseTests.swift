import Graph
import Testing
import Wire

@testable import Storage

@Suite struct EraseTests {
    private let graph: GraphFixture
    private var store: GraphStore { graph.store }

    init() throws { graph = try GraphFixture() }

    /// Every value of every column of every table as text.
    private func everything() throws -> String {
        let tables = try store.connection.row(
            "SELECT array(SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1)",
            [.text(String(store.schema.dropFirst().dropLast()))]
        ).texts(0)
        var all = ""
        for table in tables {
            all += try store.connection.row(
                "SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM \(store.schema).\"\(table)\" t"
            ).text(0)
        }
        return all
    }

    @Test func `after forgetting, nothing at home names the graph node or its id`() throws {
        try store.setAliases(try AliasTable(file: Bytes("J. Smith\tJohn Smith\nJohnny\tJohn Smith\nx\ty\n".utf8)))
        try graph.add("John Smith\tvisited\tward\nward\tdischarged\tJohn Smith\nother\tvisited\tward\n")
        try graph.add("John Smith\tvisited\tlab\n", ImportOptions(.test))
        _ = try store.addAgent("anna")
        _ = try store.setPerspective(of: "anna", on: "John Smith", weight: 1, context: nil, reasoning: nil)
        _ = try store.setPerspective(of: "anna", on: "ward", weight: 1, context: "John Smith", reasoning: nil)
        _ = try store.setAssociation(
            of: "anna", from: "ward", relation: "relevant_to", to: "John Smith", weight: 1, reasoning: nil)
        try graph.place("John Smith", below: nil, at: "files.john_smith")
        try graph.place("letter", below: "John Smith", at: "files.john_smith.letter")
        let id = try graph.id("John Smith")

        let done = try store.forget("J. Smith".replacing("J. ", with: "John "))
        #expect((done.id, done.edges, done.heldOut, done.perspectives) == (id, 2, 1, 2))
        #expect((done.associations, done.aliases, done.orphans, done.renamedPaths) == (1, 2, 1, 1))
        #expect(done.mentions == 0)
        let rest = try everything()
        let uuid = try store.connection.row("SELECT $1::uuid::text", [.uuid(id.rawValue)]).text(0)
        for trace in ["Smith", "john_smith", "Johnny", uuid] { #expect(!rest.contains(trace), "\(trace)") }
        #expect(try graph.edges() == ["other visited ward"])
        #expect(try store.detail(of: "letter").path == "files.letter")
        #expect(try store.aliases().entries.count == 1, "aliases of others stay")
        #expect(requestError { try store.forget("John Smith") } == .unknownNode("John Smith", similar: []))
    }

    @Test func `texts that still mention the name are counted, and what a trainer kept of the id goes`() throws {
        try graph.add("Smith\tr\tb\nletter of Smith\tr\tb\n")
        for (name, token) in [("federated", "Smith"), ("isolated", "b")] {
            try store.connection.query(
                "INSERT INTO \(store.schema).trainer_state (model_id, name, data) VALUES ($1, $2, $3)",
                [
                    .bytes(Bytes(repeating: 1, count: 32)), .text(name),
                    .bytes([1, 2, 3] + (try graph.id(token)).bytes + [4]),
                ])
        }
        let done = try store.forget("Smith")
        #expect((done.mentions, done.trainerStates) == (1, 1))
    }

    @Test func `a name of two graph nodes is not forgotten by name`() throws {
        try graph.add("Smith\tr\tb\n")
        try store.connection.query(
            "INSERT INTO \(store.schema).nodes (id, name, content) VALUES ($1, 'Smith', 'Smith')", [.uuid(7)])
        let error = requestError { try store.forget("Smith") }
        guard case .ambiguousNode("Smith", let ids) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(Set(ids) == [TokenID(rawValue: 7), try graph.id("Smith")])
        #expect(try store.forget(TokenID(rawValue: 7).hex).id == TokenID(rawValue: 7))
    }

    @Test func `triples are deleted by the names that people see, and missing ones are told`() throws {
        try store.setAliases(try AliasTable(file: Bytes("ASA\taspirin\n".utf8)))
        try graph.add("ASA\tr\tb\nb\tr\tc\nc\tr\td\n")
        let done = try graph.delete("ASA\tr\tb\n\nb\tr\tx\nc\tq\td\nc\tr\td\nc\tr\td\n")
        #expect((done.triples, done.edges, done.missing, done.missingLines) == (5, 2, 2, [3, 4]))
        #expect(try graph.edges() == ["b r c"])
        #expect(try store.counts().nodes == 4, "graph nodes stay")
    }

    @Test func `held-out triples are deleted by part, though their graph nodes are unknown`() throws {
        try graph.add("p\tr\tq\n", ImportOptions(.valid))
        try graph.add("p\tr\tq\n", ImportOptions(.test))
        #expect(try graph.delete("p\tr\tq\n", .test).edges == 1)
        let counts = try store.counts()
        #expect((counts.valid, counts.test) == (1, 0))
    }

    @Test func `a malformed file deletes nothing`() throws {
        try graph.add("a\tr\tb\n")
        #expect(
            throws: ImportError.graph(.malformed(TripleFault(line: 2, column: 2, reason: .fieldCount(1))))
        ) { try graph.delete("a\tr\tb\nx\n") }
        #expect(try graph.edges() == ["a r b"])
        #expect(!store.connection.isInTransaction)
    }

    @Test func `an export as records makes the same graph elsewhere, texts, tree and views included`() throws {
        try graph.add("a\tr\tb\nb\tr\tc\n")
        try graph.place("book", below: nil, at: "book")
        try graph.place("page", below: "book", at: "book.page", position: 3)
        try store.connection.script(
            """
            UPDATE \(store.schema).nodes SET content = E'a "long"\\ttext\\nof two lines', metadata = '{"line": 4}'
            WHERE name = 'page';
            UPDATE \(store.schema).edges SET weight = 0.25 WHERE source_id = '\(try uuid("a"))'
            """)
        _ = try store.addAgent("anna")
        _ = try store.setPerspective(of: "anna", on: "page", weight: -0.5, context: "a", reasoning: "r")
        let first = try records(of: graph)
        #expect(first.split(separator: "\n").count == 8, "five nodes, two edges, a perspective")
        let copy = try GraphFixture()
        var rest = Bytes(first.utf8)
        _ = try copy.store.importRecords { () throws(StorageError) in
            defer { rest = [] }
            return rest
        }
        #expect(try records(of: copy) == first)
        #expect(try copy.store.detail(of: "page").path == "book.page")
        #expect(try store.sharedName() == nil)
    }

    private func uuid(_ name: String) throws -> String {
        try store.connection.row("SELECT $1::uuid::text", [.uuid(try graph.id(name).rawValue)]).text(0)
    }

    private func records(of graph: GraphFixture) throws -> String {
        var text = ""
        var place = RecordPlace.start
        while let page = try graph.store.nextRecords(after: place, limit: 2) {
            text += String(decoding: page.lines, as: UTF8.self)
            place = page.place
        }
        return text
    }

    @Test func `an export gives every triple once, page by page`() throws {
        let lines = (0..<25).map { "h\($0 % 5)\tr\tt\($0)\n" }
        try graph.add(lines.joined())
        var text = ""
        var place: TriplePlace?
        while let page = try store.nextLines(after: place, limit: 7) {
            text += String(decoding: page.lines, as: UTF8.self)
            place = page.place
        }
        #expect(text.split(separator: "\n").map { $0 + "\n" }.sorted() == lines.map { $0[...] + "" }.sorted())
        #expect(try store.nameBeyondLines() == nil)
        try graph.place("a\tb", below: nil, at: "x")
        #expect(try store.nameBeyondLines() == "a\tb")
    }
}

import Graph
import Testing
import Wire

@testable import Storage

@Suite struct ReimportTests {
    private let graph: GraphFixture

    init() throws { graph = try GraphFixture() }

    private let file = ImportOptions(source: "facts.tsv")

    @Test func `a file imported again replaces what it gave`() throws {
        try graph.add("a\tr\tb\nb\tr\tc\nc\ts\td\n", file)
        let again = try graph.add("a\tr\tb\na\tr\te\n", file)
        #expect((again.newEdges, again.newNodes, again.removedEdges, again.removedNodes) == (1, 1, 2, 2))
        #expect(try graph.edges() == ["a r b", "a r e"])
        #expect(try graph.nodes() == ["a", "b", "e"])
        #expect(try graph.store.counts().relations == 1, "no edge has s any more")
        #expect(try graph.add("a\tr\te\na\tr\tb\n", file).removedEdges == 0)
    }

    @Test func `what another file, or nobody's import, gave stays`() throws {
        try graph.add("a\tr\tb\n")
        try graph.add("a\tr\tb\nb\tr\tc\nx\tr\ty\n", file)
        try graph.add("b\tr\tc\n", ImportOptions(source: "other.tsv"))
        let emptied = try graph.add("", file)
        #expect((emptied.removedEdges, emptied.removedNodes) == (1, 2))
        #expect(try graph.edges() == ["a r b", "b r c"])
        #expect(try graph.add("", ImportOptions(source: "other.tsv")).removedEdges == 1)
        #expect(try graph.nodes() == ["a", "b"], "they came first from no source")
    }

    @Test func `an import that keeps what vanished only adds`() throws {
        try graph.add("a\tr\tb\n", file)
        var keeping = file
        keeping.keepsVanished = true
        #expect(try graph.add("c\tr\td\n", keeping).removedEdges == 0)
        #expect(try graph.edges() == ["a r b", "c r d"])
        #expect(try graph.add("c\tr\td\n", file).removedEdges == 1, "a later plain import takes it away")
    }

    @Test func `a graph node that somebody has a view of stays without its edges`() throws {
        try graph.add("a\tr\tb\nc\tr\td\n", file)
        _ = try graph.store.addAgent("anna")
        _ = try graph.store.setPerspective(of: "anna", on: "c", weight: 1, context: nil, reasoning: nil)
        #expect(try graph.add("a\tr\tb\n", file).removedNodes == 1)
        #expect(try graph.nodes() == ["a", "b", "c"])
    }

    @Test func `held-out triples of a file are replaced by part`() throws {
        var (valid, test) = (file, file)
        (valid.split, test.split) = (.valid, .test)
        try graph.add("a\tr\tb\nb\tr\tc\n", valid)
        try graph.add("b\tr\tc\n", test)
        let again = try graph.add("b\tr\tc\nc\tr\td\n", valid)
        #expect((again.newEdges, again.removedEdges) == (1, 1))
        let counts = try graph.store.counts()
        #expect((counts.valid, counts.test) == (2, 1))
    }

    @Test func `a malformed file leaves all as it was, the source too`() throws {
        try graph.add("a\tr\tb\n", file)
        #expect(throws: ImportError.self) { try graph.add("c\tr\td\nbroken\n", file) }
        #expect(try graph.edges() == ["a r b"])
        #expect(try graph.store.connection.row("SELECT records FROM \(graph.store.schema).imports").int(0) == 1)
    }
}

@Suite struct AliasTests {
    private let graph: GraphFixture

    init() throws { graph = try GraphFixture() }

    @Test func `an alias gives the canonical name's id and keeps the name in the file`() throws {
        try graph.store.setAliases(try AliasTable(file: Bytes("ASA\taspirin\ncures\ttreats\n".utf8)))
        try graph.add("ASA\tcures\tpain\naspirin\ttreats\tfever\n")
        let node = try graph.store.resolve("ASA")
        #expect(node.id == (try graph.id("aspirin")))
        #expect(try graph.store.resolve("aspirin").name == "ASA", "the canonical name finds it as well")
        #expect(try graph.store.relation(named: "cures") == GraphFixture.key.relation(named: "treats").forward)
        #expect(try graph.edges() == ["ASA cures fever", "ASA cures pain"], "one graph node, one relation")
        #expect(try graph.store.detail(of: "ASA").canonical == "aspirin")
        #expect(try graph.store.aliases().entries.count == 2)
    }

    @Test func `aliases are replaced as a whole, and a file imported again follows the new ones`() throws {
        let file = ImportOptions(source: "facts.tsv")
        try graph.add("ASA\tr\tpain\n", file)
        try graph.store.setAliases(try AliasTable(file: Bytes("ASA\taspirin\n".utf8)))
        let again = try graph.add("ASA\tr\tpain\n", file)
        #expect((again.newEdges, again.removedEdges, again.removedNodes) == (1, 1, 1))
        #expect(try graph.store.resolve("ASA").id == (try graph.id("aspirin")))
        try graph.store.setAliases(AliasTable())
        #expect(try graph.store.aliases().entries.isEmpty)
    }

    @Test func `normalised names share an id and keep their first spelling`() throws {
        let options = ImportOptions(normalizes: true)
        try graph.add("Beta  Blocker\tr\tGRÖSSE\nbeta blocker\tr\tx\n", options)
        #expect(try graph.nodes() == ["Beta  Blocker", "GRÖSSE", "x"])
        #expect(try graph.store.resolve("Beta  Blocker").id == (try graph.id("beta blocker")))
        #expect(try graph.store.resolve("GRÖSSE").id == (try graph.id("grösse")))
        #expect(try graph.add("BETA BLOCKER\tr\tx\n", options).newEdges == 0)
    }

    @Test func `names that nearly match are told`() throws {
        try graph.add("Aspirin\tr\taspirin \naspirin\tr\tIbuprofen\nIbuprofeen\tr\tcat\n")
        let ids = try graph.store.load().nodes.map(\.id)
        let found = try graph.store.nearMatches(of: ids)
        #expect(found.collisions == 1)
        #expect(found.collisionExamples.map { Set($0) } == [["Aspirin", "aspirin", "aspirin "]])
        #expect(found.examined == ids.count && found.isComplete)
        #expect(found.similarExamples.contains { Set([$0.name, $0.other]) == ["Ibuprofen", "Ibuprofeen"] })
        let pairs = Set(found.similarExamples.map { Set([$0.name, $0.other]) })
        #expect(pairs.count == found.similarExamples.count, "each pair once")
        #expect(try graph.store.nearMatches(of: []).examined == 0)
    }
}

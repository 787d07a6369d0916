import Graph
import Testing
import Wire

@testable import Storage

@Suite struct RecordImportTests {
    private let key = try! VocabularyKey(Bytes(0..<32))

    private func fresh() throws -> GraphStore {
        let (connection, schema) = try TestServer.freshSchema()
        return GraphStore(connection, schema: schema, key: key)
    }

    @discardableResult
    private func add(
        _ lines: String..., to store: GraphStore, source: String? = nil, rules: NameRules = NameRules()
    ) throws(ImportError) -> RecordImportCounts {
        var rest = Bytes(lines.joined(separator: "\n").utf8)[...]
        return try store.importRecords(source: source, rules: rules) { () throws(StorageError) in
            defer { rest = rest.dropFirst(11) }
            return Bytes(rest.prefix(11))
        }
    }

    private func fault(_ body: () throws(ImportError) -> RecordImportCounts) -> JSONLFault? {
        do throws(ImportError) {
            _ = try body()
            return nil
        } catch .graph(.malformedRecord(let fault)) {
            return fault
        } catch {
            return nil
        }
    }

    /// The first column of every row.
    private func texts(_ store: GraphStore, _ select: String) throws -> [String] {
        try store.connection.query(select).map { try $0.text(0) }
    }

    private func nodes(_ store: GraphStore) throws -> [String] {
        try texts(
            store,
            """
            SELECT concat_ws('|', n.name, n.kind, n.language, n.content, p.name, n.position, n.path, n.metadata)
            FROM \(store.schema).nodes n LEFT JOIN \(store.schema).nodes p ON p.id = n.parent_id ORDER BY n.name
            """)
    }

    @Test func `records become nodes with parents and paths, edges and perspectives`() throws {
        let store = try fresh()
        let counts = try add(
            #"{"node":"book/a.md#one","kind":"section","content":"Text","language":"en","parent":"book/a.md","position":1}"#,
            #"{"node":"book/a.md","kind":"file","parent":"book","metadata":{"title":"A"}}"#,
            #"{"head":"book/a.md#one","relation":"links_to","tail":"elsewhere","weight":2,"metadata":{"n":1}}"#,
            #"{"agent":"me","node":"book/a.md","weight":0.5,"context":"elsewhere"}"#, to: store)
        var expected = RecordImportCounts()
        (expected.records, expected.nodes, expected.newNodes) = (4, 2, 4)
        (expected.edges, expected.newEdges, expected.newRelations) = (1, 1, 1)
        (expected.perspectives, expected.newPerspectives) = (1, 1)
        #expect(counts == expected)
        #expect(
            try nodes(store) == [
                "book|entity|book|0|book|{}",
                #"book/a.md|file|book/a.md|book|0|book.a_2emd|{"title": "A"}"#,
                "book/a.md#one|section|en|Text|book/a.md|1|book.a_2emd.one|{}",
                "elsewhere|entity|elsewhere|0|{}",
            ])
        #expect(
            try texts(store, "SELECT concat_ws('|', head, relation, tail, weight) FROM \(store.schema).triples")
                == ["book/a.md#one|links_to|elsewhere|2"])
        #expect(
            try texts(
                store,
                """
                SELECT concat_ws('|', a.name, n.name, p.weight, c.name) FROM \(store.schema).perspectives p
                JOIN \(store.schema).agents a ON a.id = p.agent_id JOIN \(store.schema).nodes n ON n.id = p.node_id
                JOIN \(store.schema).nodes c ON c.id = p.context_id
                """) == ["me|book/a.md|0.5|elsewhere"])
        #expect(try store.load().nodes.map(\.id).contains(key.token(.node, named: "book/a.md#one")))
    }

    @Test func `importing again changes nothing; another version of a record replaces the first`() throws {
        let store = try fresh()
        let lines = [
            #"{"node":"a","content":"old","metadata":{"x":1}}"#, #"{"head":"a","relation":"r","tail":"b","weight":3}"#,
            #"{"agent":"me","node":"a","weight":1}"#,
        ].joined(separator: "\n")
        try add(lines, to: store)
        let again = try add(lines, to: store)
        #expect(
            (again.newNodes, again.updatedNodes, again.newEdges, again.updatedEdges, again.newPerspectives)
                == (0, 0, 0, 0, 0))
        let changed = try add(
            #"{"node":"a","content":"new"}"#, #"{"head":"a","relation":"r","tail":"b"}"#,
            #"{"agent":"me","node":"a","weight":-1}"#, to: store)
        #expect((changed.updatedNodes, changed.updatedEdges, changed.updatedPerspectives) == (1, 1, 1))
        #expect(try nodes(store) == ["a|entity|new|0|{}", "b|entity|b|0|{}"])
    }

    @Test func `triples do not touch what a record says of a node`() throws {
        let store = try fresh()
        try add(#"{"node":"a","kind":"drug","content":"text"}"#, to: store)
        var triples = Bytes("a\tr\tb\n".utf8)
        _ = try store.importTriples(ImportOptions(.train)) { () throws(StorageError) in
            defer { triples = [] }
            return triples
        }
        #expect(try nodes(store) == ["a|drug|text|0|{}", "b|entity|b|0|{}"])
        #expect(try store.nodes(named: "a").map(\.content) == ["text"])
        #expect(try store.search("text").map(\.name) == ["a"])
    }

    @Test func `a source that is imported again gives up what it no longer has`() throws {
        let store = try fresh()
        let first = [
            #"{"node":"t","kind":"file"}"#, #"{"node":"t#a","parent":"t"}"#, #"{"node":"t#b","parent":"t"}"#,
            #"{"head":"t#a","relation":"r","tail":"t#b"}"#, #"{"head":"t#b","relation":"r","tail":"x"}"#,
        ].joined(separator: "\n")
        try add(first, to: store, source: "tree:t")
        try add(#"{"head":"x","relation":"r","tail":"y"}"#, to: store, source: "other")
        let counts = try add(
            #"{"node":"t","kind":"file"}"#, #"{"node":"t#a","parent":"t"}"#, to: store, source: "tree:t")
        #expect((counts.removedNodes, counts.removedEdges, counts.newNodes) == (1, 2, 0))
        #expect(try texts(store, "SELECT name FROM \(store.schema).nodes ORDER BY 1") == ["t", "t#a", "x", "y"])
        #expect(try texts(store, "SELECT head || tail FROM \(store.schema).triples") == ["xy"], "another source's")
        #expect(try add(first, to: store, source: "tree:t").newNodes == 1, "and it can come back")
    }

    @Test func `what two sources give stays until both have given it up`() throws {
        let store = try fresh()
        let shared = #"{"head":"a","relation":"r","tail":"b"}"#
        try add(shared, to: store, source: "1")
        try add(shared, to: store, source: "2")
        #expect(try add(#"{"node":"c"}"#, to: store, source: "1").removedEdges == 0)
        #expect(try add(#"{"node":"c"}"#, to: store, source: "2").removedEdges == 1)
        #expect(try texts(store, "SELECT name FROM \(store.schema).nodes ORDER BY 1") == ["c"])
    }

    @Test func `what was there before an import had a name, or what an agent has a view of, stays`() throws {
        let store = try fresh()
        try add(#"{"head":"a","relation":"r","tail":"b"}"#, to: store)
        try add(#"{"head":"a","relation":"r","tail":"b"}"#, #"{"node":"c"}"#, #"{"node":"d"}"#, to: store, source: "1")
        try add(#"{"agent":"me","node":"c","weight":1}"#, to: store)
        let counts = try add(#"{"node":"e"}"#, to: store, source: "1")
        #expect((counts.removedNodes, counts.removedEdges) == (1, 0))
        #expect(try texts(store, "SELECT name FROM \(store.schema).nodes ORDER BY 1") == ["a", "b", "c", "e"])
    }

    @Test func `a node that moves takes what is below it along`() throws {
        let store = try fresh()
        try add(
            #"{"node":"a"}"#, #"{"node":"a/b","parent":"a"}"#, #"{"node":"a/b/c","parent":"a/b"}"#, #"{"node":"z"}"#,
            to: store)
        try add(#"{"node":"a/b","parent":"z"}"#, to: store)
        #expect(
            try texts(store, "SELECT concat(name, ' ', path) FROM \(store.schema).nodes ORDER BY name")
                == ["a a", "a/b z.a_2fb", "a/b/c z.a_2fb.c", "z z"])
        try add(#"{"node":"a/b"}"#, #"{"node":"a/b/c"}"#, to: store)
        #expect(try texts(store, "SELECT concat(path) FROM \(store.schema).nodes WHERE name LIKE 'a/%'") == ["", ""])
    }

    @Test func `parents in a circle, or too many, are refused by the line`() throws {
        let store = try fresh()
        let circle = fault { () throws(ImportError) in
            try add(
                #"{"node":"a","parent":"b"}"#, #"{"node":"b","parent":"c"}"#, #"{"node":"c","parent":"a"}"#, to: store)
        }
        #expect(circle?.line == 3)
        #expect(circle?.reason == .parentsTooDeep("c"))
        #expect(fault { () throws(ImportError) in try add(#"{"node":"a","parent":"a"}"#, to: store) } != nil)
        func chain(_ count: Int) -> String {
            (1...count).map { #"{"node":"n\#($0)","parent":"n\#($0 - 1)"}"# }.joined(separator: "\n")
        }
        #expect(fault { () throws(ImportError) in try add(chain(TreeLabel.maxDepth), to: store) } != nil)
        #expect(try store.counts() == GraphCounts())
        #expect(try add(chain(TreeLabel.maxDepth - 1), to: store).newNodes == TreeLabel.maxDepth)
    }

    @Test func `the longest paths fit into their index`() throws {
        let store = try fresh()
        let long = String(repeating: "é", count: 400)
        let lines = (0..<40).flatMap { tree in
            (1..<TreeLabel.maxDepth).map { depth in
                #"{"node":"\#(tree)\#(long)\#(depth)","parent":"\#(tree)\#(long)\#(depth - 1)"}"#
            }
        }
        #expect(try add(lines.joined(separator: "\n"), to: store).newNodes == 40 * TreeLabel.maxDepth)
        let paths = "SELECT path::text FROM \(store.schema).nodes ORDER BY name"
        let first = try texts(store, paths)
        #expect(Set(first).count == 40 * TreeLabel.maxDepth)
        #expect((first.map(\.utf8.count).max() ?? 0) < 1_300)
        #expect(first.filter { $0.utf8.count <= TreeLabel.maxReadableBytes }.allSatisfy { !$0.contains("._h") })
        try add(lines.joined(separator: "\n"), to: store)
        try add(#"{"node":"0\#(long)1","kind":"moved"}"#, to: store)
        try add(lines[0], to: store)
        #expect(try texts(store, paths) == first, "the same tree has the same paths")
    }

    @Test func `a node that is described twice, or a faulty line, leaves the graph as it was`() throws {
        let store = try fresh()
        let twice = fault { () throws(ImportError) in
            try add(#"{"node":"a"}"#, #"{"node":"b"}"#, #"{"node":"a","kind":"x"}"#, to: store)
        }
        #expect(twice == JSONLFault(line: 3, column: 1, reason: .repeatedNode("a", firstLine: 1)))
        let broken = fault { () throws(ImportError) in
            try add(#"{"node":"a"}"#, "", #"{"node":"b","kind":3}"#, to: store)
        }
        #expect(broken == JSONLFault(line: 3, column: 20, reason: .wrongType("kind", must: "a string")))
        #expect(try store.counts() == GraphCounts())
        #expect(!store.connection.isInTransaction)
    }

    @Test func `of an edge or perspective that comes twice the last line counts`() throws {
        let store = try fresh()
        let counts = try add(
            #"{"head":"a","relation":"r","tail":"b","weight":1}"#,
            #"{"head":"a","relation":"r","tail":"b","weight":9}"#,
            #"{"agent":"me","node":"a","weight":1}"#, #"{"agent":"me","node":"a","weight":0}"#, to: store)
        #expect((counts.edges, counts.newEdges, counts.perspectives, counts.newPerspectives) == (2, 1, 2, 1))
        #expect(try store.connection.row("SELECT weight FROM \(store.schema).edges").double(0) == 9)
        #expect(try store.connection.row("SELECT weight FROM \(store.schema).perspectives").double(0) == 0)
    }

    @Test func `with aliases two names of one thing are one node`() throws {
        let store = try fresh()
        let rules = NameRules(aliases: try AliasTable(file: Bytes("ASA\tAspirin\n".utf8)))
        try add(#"{"head":"ASA","relation":"r","tail":"Pain"}"#, to: store, rules: rules)
        #expect(try store.nodes(named: "ASA").map(\.id) == [key.token(.node, named: "Aspirin")])
        #expect(
            try texts(store, "SELECT concat(name, '|', canonical) FROM \(store.schema).nodes ORDER BY name") == [
                "ASA|Aspirin", "Pain|",
            ])
        let twice = fault { () throws(ImportError) in
            try add(#"{"node":"ASA"}"#, #"{"node":"Aspirin"}"#, to: store, rules: rules)
        }
        #expect(twice?.line == 2)
    }

    @Test func `metadata of any shape and the longest names and texts are stored`() throws {
        let store = try fresh()
        let name = String(repeating: "é/", count: 341)
        let text = String(repeating: "word ", count: JSONLLimits.contentBytes / 5)
        let metadata = #"{"n":[1e308,-1e-308,0.1,12345678901234567890],"s":"\u00e9\\\"😀","o":{"a":null,"b":true},"":0}"#
        try add(
            #"{"node":"\#(name)","parent":"\#(name)x","content":"\#(text)","metadata":\#(metadata)}"#, to: store)
        #expect(try store.nodes(named: name).map(\.content) == [text])
        #expect(
            try texts(store, "SELECT metadata ->> 's' FROM \(store.schema).nodes WHERE metadata <> '{}'") == ["é\\\"😀"])
    }
}

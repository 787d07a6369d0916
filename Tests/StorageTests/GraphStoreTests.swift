import Graph
import Testing
import Wire

@testable import Storage

@Suite struct GraphStoreTests {
    private let key = try! VocabularyKey(Bytes(0..<32))

    private func fresh() throws -> GraphStore {
        let (connection, schema) = try TestServer.freshSchema()
        return GraphStore(connection, schema: schema, key: key)
    }

    /// Feeds a text in chunks of `chunkBytes`.
    @discardableResult
    private func add(
        _ text: String, to store: GraphStore, split: GraphSplit = .train, chunkBytes: Int = 7
    ) throws(ImportError) -> ImportCounts {
        var rest = Bytes(text.utf8)[...]
        return try store.importTriples(ImportOptions(split)) { () throws(StorageError) in
            defer { rest = rest.dropFirst(chunkBytes) }
            return Bytes(rest.prefix(chunkBytes))
        }
    }

    private func importError(_ body: () throws(ImportError) -> ImportCounts) -> ImportError? {
        do throws(ImportError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    private func node(_ name: String) throws -> TokenID { try key.token(.node, named: name) }

    private func counts(triples: Int, nodes: Int, relations: Int, edges: Int) -> ImportCounts {
        var counts = ImportCounts()
        (counts.triples, counts.newNodes, counts.newRelations, counts.newEdges) = (triples, nodes, relations, edges)
        return counts
    }

    @Test func `an import counts what is new, and a second one changes nothing`() throws {
        let store = try fresh()
        let text = "a\tr\tb\na\tr\tb\nb\ts\tc\n"
        #expect(try add(text, to: store) == counts(triples: 3, nodes: 3, relations: 2, edges: 2))
        #expect(try add(text, to: store) == counts(triples: 3, nodes: 0, relations: 0, edges: 0))
        #expect(try add("a\tr\tb\nc\tr\td", to: store) == counts(triples: 2, nodes: 1, relations: 0, edges: 1))
        let held = try store.counts()
        #expect((held.nodes, held.relations, held.edges) == (4, 2, 3))
    }

    @Test func `the graph comes back sorted, with names and with the ids of the network's key`() throws {
        let store = try fresh()
        try add("Größe\tis a\tb\nb\tis a\tx y\n", to: store)
        let graph = try store.load()
        let relation = try key.relation(named: "is a")
        #expect(graph.nodes.map(\.id) == [try node("Größe"), try node("b"), try node("x y")].sorted())
        #expect(graph.nodes.map(\.name).sorted() == ["Größe", "b", "x y"].sorted())
        #expect(graph.relations.map(\.tokens) == [relation])
        #expect(graph.relations.map(\.name) == ["is a"])
        let triples = [
            TokenTriple(head: try node("Größe"), relation: relation.forward, tail: try node("b")),
            TokenTriple(head: try node("b"), relation: relation.forward, tail: try node("x y")),
        ]
        #expect(graph.triples == triples.sorted { $0.head < $1.head })
        let vocabulary = try LocalVocabulary(nodes: graph.nodes.map(\.id), relations: graph.relations.map(\.tokens))
        #expect(try GraphIndex(vocabulary, triples: graph.triples).nodeCount == 3)
    }

    @Test func `two spellings of one character are two nodes`() throws {
        let store = try fresh()
        #expect(try add("\u{E9}\tr\te\u{301}\n", to: store).newNodes == 2)
        #expect(try store.nodes(named: "\u{E9}").map(\.id) == [try node("\u{E9}")])
    }

    @Test func `a malformed line leaves the graph as it was and is handed to the caller`() throws {
        let store = try fresh()
        try add("a\tr\tb\n", to: store)
        let failure = importError { () throws(ImportError) in try add("c\tr\td\nbroken line\n", to: store) }
        #expect(failure == .graph(.malformed(TripleFault(line: 2, column: 12, reason: .fieldCount(1)))))
        #expect(try store.counts().nodes == 2)
        #expect(!store.connection.isInTransaction)
        #expect(try add("c\tr\td\n", to: store).newEdges == 1, "the connection is as good as before")
    }

    @Test func `a file that cannot be read further leaves the graph as it was`() throws {
        let store = try fresh()
        let broken = StorageError(.directory, operation: "read", object: "the file", cause: "gone")
        var chunk = 0
        let failure = importError { () throws(ImportError) in
            try store.importTriples { () throws(StorageError) in
                chunk += 1
                if chunk == 3 { throw broken }
                return Bytes("a\tr\tb\(chunk)\n".utf8)
            }
        }
        #expect(failure == .storage(broken))
        #expect(try store.counts() == GraphCounts())
    }

    @Test func `a server that goes away in the middle leaves the graph as it was`() throws {
        let store = try fresh()
        let other = try TestServer.connect()
        let pid = try store.connection.row("SELECT pg_backend_pid()").int64(0)
        var chunk = 0
        let failure = importError { () throws(ImportError) in
            try store.importTriples { () throws(StorageError) in
                chunk += 1
                if chunk == 1_000 {
                    try other.query("SELECT pg_terminate_backend($1, 10000)", [.int32(Int32(pid))])
                }
                return chunk == 3_000 ? [] : (0..<20).flatMap { Bytes("n\(chunk)-\($0)\tr\tt\n".utf8) }
            }
        }
        guard case .storage(let error) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(error.isConnectionLost)
        #expect(try other.row("SELECT nodes FROM \(store.schema).status").int(0) == 0)
    }

    @Test func `progress is told while reading and at the end`() throws {
        let store = try fresh()
        let total = GraphStore.progressStep + 5
        var told: [Int] = []
        var rest = (0..<total).flatMap { Bytes("h\tr\tt\($0)\n".utf8) }
        let counts = try store.importTriples(progress: { told.append($0) }) { () throws(StorageError) in
            defer { rest = [] }
            return rest
        }
        #expect(told == [GraphStore.progressStep, total])
        #expect(counts.newEdges == total)
    }

    @Test func `held-out triples are no edges, keep their order, and one that is an edge is counted`() throws {
        let store = try fresh()
        try add("a\tr\tb\n", to: store)
        let done = try add("b\tr\tunknown\na\tr\tb\nb\tr\tunknown\n", to: store, split: .test)
        #expect((done.triples, done.newEdges, done.alsoEdges) == (3, 2, 1))
        let counts = try store.counts()
        #expect((counts.nodes, counts.edges, counts.test, counts.valid) == (2, 1, 2, 0))
        let graph = try store.load()
        #expect(graph.test.map(\.head) == [try node("b"), try node("a")])
        #expect(graph.valid.isEmpty)
    }

    @Test func `nodes are found by id, name, prefix, word and near spelling`() throws {
        let store = try fresh()
        try add("Hypertension\ttreated_by\tBeta_blocker\nBeta_blocker\tcauses\tFatigue 100%\n", to: store)
        let fatigue = StoredNode(
            id: try node("Fatigue 100%"), kind: "entity", name: "Fatigue 100%", content: "Fatigue 100%")
        #expect(try store.node(fatigue.id) == fatigue)
        #expect(try store.node(TokenID(rawValue: 1)) == nil)
        #expect(try store.nodes(named: "Fatigue 100%") == [fatigue])
        #expect(try store.nodes(named: "fatigue 100%").isEmpty)
        #expect(try store.nodes(prefix: "Fatigue 100%") == [fatigue], "% stands for itself")
        #expect(try store.nodes(prefix: "%").isEmpty)
        #expect(try store.nodes(prefix: "Beta_").map(\.content) == ["Beta_blocker"])
        #expect(try store.search("fatigue").map(\.content) == ["Fatigue 100%"])
        #expect(try store.search("Hipertension").map(\.content) == ["Hypertension"])
        #expect(try store.search("block").map(\.content) == ["Beta_blocker"])
        #expect(try store.search("%").map(\.content) == ["Fatigue 100%"])
    }

    @Test func `ids have names, relations and inverse relations too`() throws {
        let store = try fresh()
        try add("a\tr\tb\n", to: store)
        let relation = try key.relation(named: "r")
        let unknown = TokenID(rawValue: 7)
        let names = try store.names(of: [try node("a"), relation.forward, relation.inverse, unknown])
        #expect(names == [try node("a"): "a", relation.forward: "r", relation.inverse: "r⁻¹"])
        #expect(try store.relation(named: "r") == relation.forward)
        #expect(try store.relation(named: "q") == nil)
        #expect(
            try store.edges(of: try node("b")) == [StoredEdge(head: "a", relation: "r", tail: "b", weight: 1)])
        var seen: [String] = []
        try store.forEachNode { seen.append($0.content) }
        #expect(seen.sorted() == ["a", "b"])
    }
}

import Graph
import Testing
import Wire

@Suite struct TripleTableTests {
    @Test func `names become ids, each once, triples stay as they are`() throws {
        var table = TripleTable(key: testKey)
        try table.add(file: bytes("a\tr\tb\nb\tr\ta\na\tr\tb\n"))
        try table.add(file: bytes("c\tr\tc"))
        #expect(table.triples.count == 4)
        #expect(table.nodes.map { String(decoding: $0.name, as: UTF8.self) } == ["a", "b", "c"])
        #expect(table.relations.map { String(decoding: $0.name, as: UTF8.self) } == ["r"])
        #expect(try table.nodes.map(\.id) == ["a", "b", "c"].map { try testKey.token(.node, named: $0) })
        let vocabulary = try table.vocabulary()
        #expect((vocabulary.nodeCount, vocabulary.relationCount) == (3, 1))
        #expect(try GraphIndex(vocabulary, triples: table.triples).edgeCount == 3)
    }

    @Test func `a name may be both a graph node and a relation`() throws {
        var table = TripleTable(key: testKey)
        try table.add(file: bytes("same\tsame\tsame\n"))
        #expect(try table.vocabulary().count == 3)
    }

    @Test func `a faulty file adds nothing`() throws {
        var table = TripleTable(key: testKey)
        try table.add(file: bytes("a\tr\tb\n"))
        let fault = TripleFault(line: 2, column: 2, reason: .fieldCount(1))
        #expect(throws: GraphError.malformed(fault)) { try table.add(file: bytes("x\tq\ty\nz\n")) }
        #expect((table.triples.count, table.nodes.count, table.relations.count) == (1, 2, 1))
    }
}

import Graph
import Testing
import Wire

@Suite struct HeldOutTests {
    let table: TripleTable

    init() throws {
        var table = TripleTable(key: testKey)
        try table.add(file: bytes("a\tr\tb\na\tr\tc\nd\tr\tb\nb\ts\tb\n"))
        self.table = table
    }

    func triple(_ h: String, _ r: String, _ t: String) throws -> TokenTriple {
        TokenTriple(
            head: try testKey.token(.node, named: h), relation: try testKey.token(.relation, named: r),
            tail: try testKey.token(.node, named: t))
    }

    func node(_ name: String) throws -> Int32 {
        try #require(try table.vocabulary().index(ofNode: try testKey.token(.node, named: name)))
    }

    func relation(_ name: String) throws -> RelationTokens { try testKey.relation(named: name) }

    @Test func `each triple asks for its tail and its head, other truths filtered`() throws {
        let vocabulary = try table.vocabulary()
        let task = try HeldOutTask(
            heldOut: [triple("d", "r", "c")], filter: table.triples, vocabulary: vocabulary, evaluation: .twoSided)
        let r = try #require(try vocabulary.index(of: relation("r").forward))
        let inverse = try #require(try vocabulary.index(of: relation("r").inverse))
        #expect(
            task.queries == [
                HeldOutQuery(context: [try node("d"), r], answer: try node("c"), filtered: [try node("b")]),
                HeldOutQuery(context: [try node("c"), inverse], answer: try node("d"), filtered: [try node("a")]),
            ])
        #expect((task.askedCount, task.unknownNodeCount, task.unknownRelationCount) == (1, 0, 0))
    }

    @Test func `the protocol of FedE asks for tails alone`() throws {
        let task = try HeldOutTask(
            heldOut: [triple("a", "r", "b"), triple("b", "s", "b")], filter: table.triples,
            vocabulary: try table.vocabulary(), evaluation: .fede)
        #expect(task.queries.map(\.answer) == [try node("b"), try node("b")])
        #expect(task.queries.map(\.filtered) == [[try node("c")], []])
        #expect(task.queries.map { $0.context[0] } == [try node("a"), try node("b")])
    }

    @Test func `held-out triples filter each other`() throws {
        let task = try HeldOutTask(
            heldOut: [triple("b", "r", "a"), triple("b", "r", "d")], filter: [], vocabulary: try table.vocabulary(),
            evaluation: .fede)
        #expect(task.queries.map(\.filtered) == [[try node("d")], [try node("a")]])
    }

    @Test func `what the site does not know is counted, not asked`() throws {
        let task = try HeldOutTask(
            heldOut: [
                triple("a", "r", "b"), triple("x", "r", "b"), triple("a", "r", "x"), triple("a", "q", "b"),
                triple("x", "q", "y"),
            ],
            filter: [triple("a", "r", "x"), triple("a", "q", "b")], vocabulary: try table.vocabulary(),
            evaluation: .twoSided)
        #expect((task.askedCount, task.unknownNodeCount, task.unknownRelationCount) == (1, 3, 1))
        #expect(task.queries.map(\.filtered) == [[], []], "unknown graph nodes are no candidates")
    }

    @Test func `no held-out triples, no queries`() throws {
        for evaluation in EvaluationProtocol.allCases {
            let task = try HeldOutTask(
                heldOut: [], filter: table.triples, vocabulary: try table.vocabulary(), evaluation: evaluation)
            #expect(task.queries.isEmpty && task.askedCount == 0)
            let empty = try HeldOutTask(
                heldOut: table.triples, filter: [], vocabulary: try LocalVocabulary(), evaluation: evaluation)
            #expect(empty.unknownNodeCount == 4 && empty.queries.isEmpty)
        }
    }

    @Test func `filters agree with a search over all triples`() throws {
        let (nodes, relations) = (10, 2)
        let ids = (0..<nodes).map { TokenID(rawValue: UInt128($0 + 1)) }
        let pairs = (0..<relations).map {
            RelationTokens(forward: TokenID(rawValue: UInt128(100 + $0)), inverse: TokenID(rawValue: UInt128(200 + $0)))
        }
        let vocabulary = try LocalVocabulary(nodes: ids, relations: pairs)
        let all = randomTriples(nodes: nodes, relations: relations, count: 80, seed: 9)
        let named = all.map {
            TokenTriple(head: vocabulary[$0.head], relation: vocabulary[$0.relation], tail: vocabulary[$0.tail])
        }
        let task = try HeldOutTask(
            heldOut: Array(named.prefix(20)), filter: Array(named.dropFirst(20)), vocabulary: vocabulary,
            evaluation: .twoSided)
        #expect(task.queries.count == 40)
        for (at, triple) in all.prefix(20).enumerated() {
            let tails = Set(all.filter { $0.head == triple.head && $0.relation == triple.relation }.map(\.tail))
            let heads = Set(all.filter { $0.tail == triple.tail && $0.relation == triple.relation }.map(\.head))
            #expect(task.queries[2 * at].filtered == tails.subtracting([triple.tail]).sorted())
            #expect(task.queries[2 * at + 1].filtered == heads.subtracting([triple.head]).sorted())
        }
    }
}

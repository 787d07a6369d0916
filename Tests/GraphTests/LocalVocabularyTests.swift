import Graph
import Testing
import Wire

@Suite struct LocalVocabularyTests {
    func token(_ value: UInt128) -> TokenID { TokenID(rawValue: value) }
    func relation(_ forward: UInt128, _ inverse: UInt128) -> RelationTokens {
        RelationTokens(forward: token(forward), inverse: token(inverse))
    }

    @Test func `graph nodes come first, then relations, then their inverses`() throws {
        let vocabulary = try LocalVocabulary(
            nodes: [30, 10, 20, 10].map { token($0) }, relations: [relation(7, 1), relation(5, 9), relation(7, 1)])
        #expect(vocabulary.tokens == [10, 20, 30, 5, 7, 9, 1].map { token($0) })
        #expect((vocabulary.nodeCount, vocabulary.relationCount, vocabulary.count) == (3, 2, 7))
        for (at, id) in vocabulary.tokens.enumerated() {
            #expect(vocabulary[Int32(at)] == id)
            #expect(vocabulary.index(of: id) == Int32(at))
            #expect(vocabulary.isNode(Int32(at)) == (at < 3))
        }
        #expect([3, 4, 5, 6].map { vocabulary.inverse(of: $0) } == [5, 6, 3, 4])
        #expect(vocabulary.index(ofInverse: token(1)) == 6)
        #expect(vocabulary.index(of: token(11)) == nil)
        #expect(vocabulary.index(ofNode: token(5)) == nil && vocabulary.index(ofRelation: token(9)) == nil)
    }

    @Test func `an empty vocabulary has no tokens`() throws {
        let vocabulary = try LocalVocabulary()
        #expect(vocabulary.tokens == [])
        #expect(vocabulary.index(of: token(1)) == nil)
        #expect(vocabulary.mapping(to: vocabulary) == [])
    }

    @Test func `an id with two meanings is refused`() throws {
        let ambiguous: [([UInt128], [RelationTokens], UInt128)] = [
            ([1, 5], [relation(5, 6)], 5), ([6], [relation(5, 6)], 6), ([], [relation(5, 5)], 5),
            ([], [relation(5, 6), relation(5, 7)], 5), ([], [relation(5, 7), relation(6, 7)], 7),
            ([], [relation(5, 6), relation(6, 7)], 6),
        ]
        for (nodes, relations, id) in ambiguous {
            #expect(throws: GraphError.ambiguousToken(token(id))) {
                try LocalVocabulary(nodes: nodes.map { token($0) }, relations: relations)
            }
        }
    }

    @Test func `growing keeps every token and maps its old index to the new one`() throws {
        let old = try LocalVocabulary(nodes: [20, 40].map { token($0) }, relations: [relation(7, 1)])
        let new = try old.growing(nodes: [10, 30, 40].map { token($0) }, relations: [relation(5, 9), relation(7, 1)])
        #expect(new.tokens == [10, 20, 30, 40, 5, 7, 9, 1].map { token($0) })
        #expect(old.mapping(to: new) == [1, 3, 5, 7])
        #expect(new.mapping(to: old) == [-1, 0, -1, 1, -1, 2, -1, 3], "what is gone maps to -1")
    }

    @Test func `mapping agrees with a look-up of every id`() throws {
        var random = Random(seed: 11)
        for _ in 0..<50 {
            func sample() throws -> LocalVocabulary {
                let nodes = (0..<random.below(40)).map { _ in token(UInt128(random.below(60))) }
                let relations = (0..<random.below(8)).map { _ in UInt128(100 + random.below(12)) }
                return try LocalVocabulary(nodes: nodes, relations: relations.map { relation($0, 400 - $0) })
            }
            let (old, new) = (try sample(), try sample())
            #expect(old.mapping(to: new) == old.tokens.map { new.index(of: $0) ?? -1 })
        }
    }

    @Test func `triples of unknown tokens are refused by id`() throws {
        let vocabulary = try LocalVocabulary(nodes: [1, 2].map { token($0) }, relations: [relation(5, 6)])
        func indices(_ h: UInt128, _ r: UInt128, _ t: UInt128) throws(GraphError) -> IndexTriple {
            try vocabulary.indices(of: TokenTriple(head: token(h), relation: token(r), tail: token(t)))
        }
        #expect(try indices(2, 5, 1) == IndexTriple(1, 2, 0))
        #expect(throws: GraphError.unknownToken(token(3))) { try indices(3, 5, 1) }
        #expect(throws: GraphError.unknownToken(token(6))) { try indices(1, 6, 1) }
        #expect(throws: GraphError.unknownToken(token(9))) { try indices(1, 5, 9) }
    }
}

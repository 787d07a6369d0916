import Graph
import Testing
import Wire

@Suite struct EdgeCountsTests {
    @Test func `a token's edges are counted once each, self loops too`() throws {
        // Graph nodes 0-3, relations 4 and 5, their inverses 6 and 7.
        let triples = [(0, 4, 1), (0, 4, 2), (0, 5, 1), (2, 4, 2), (0, 4, 1)].map {
            IndexTriple(head: $0.0, relation: $0.1, tail: $0.2)
        }
        let index = try GraphIndex(nodeCount: 4, relationCount: 2, triples: triples)
        #expect(index.edgesPerToken() == [3, 2, 2, 0, 3, 1, 3, 1])
    }
}

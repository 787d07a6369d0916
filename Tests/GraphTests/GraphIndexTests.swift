import Graph
import Testing
import Wire

@Suite struct GraphIndexTests {
    @Test(arguments: [(1, 1, 0), (1, 1, 5), (6, 2, 10), (20, 3, 200), (50, 7, 90), (3, 2, 500)])
    func `the compact form says the same as a naive list`(nodes: Int, relations: Int, count: Int) throws {
        let triples = randomTriples(nodes: nodes, relations: relations, count: count, seed: UInt64(nodes * count))
        let graph = try GraphIndex(nodeCount: nodes, relationCount: relations, triples: triples)
        let naive = Set(triples)
        #expect(graph.edgeCount == naive.count)
        #expect(graph.tokenCount == nodes + 2 * relations)
        let edges = (0..<graph.edgeCount).map { graph.edge($0) }
        #expect(Set(edges) == naive)
        #expect(edges == edges.sorted { ($0.head, $0.relation, $0.tail) < ($1.head, $1.relation, $1.tail) })
        for node in 0..<Int32(nodes) {
            #expect(graph.edgesOut(of: node).map { graph.edge($0) } == edges.filter { $0.head == node })
            let into = graph.edgesIn(to: node).map { graph.edge(Int($0)) }
            #expect(Set(into) == Set(edges.filter { $0.tail == node }))
            #expect(into == into.sorted { ($0.relation, $0.head) < ($1.relation, $1.head) })
            for relation in Int32(nodes)..<Int32(nodes + relations) {
                let tails = edges.filter { $0.head == node && $0.relation == relation }.map(\.tail)
                let heads = edges.filter { $0.tail == node && $0.relation == relation }.map(\.head)
                #expect(Array(graph.tails(of: node, relation)) == tails)
                #expect(graph.heads(of: node, relation) == heads)
                for tail in 0..<Int32(nodes) {
                    let triple = IndexTriple(head: node, relation: relation, tail: tail)
                    #expect(graph.contains(triple) == naive.contains(triple))
                }
            }
        }
        let touched = Set(edges.flatMap { [$0.head, $0.tail] })
        #expect(graph.isolatedNodeCount == nodes - touched.count)
    }

    @Test func `order and repetition of triples do not matter`() throws {
        var triples = randomTriples(nodes: 9, relations: 2, count: 60, seed: 4)
        let graph = try GraphIndex(nodeCount: 9, relationCount: 2, triples: triples)
        var random = Random(seed: 1)
        triples += triples
        random.shuffle(&triples)
        #expect(try GraphIndex(nodeCount: 9, relationCount: 2, triples: triples) == graph)
    }

    @Test func `a graph may be empty, a graph node may be alone`() throws {
        let empty = try GraphIndex(nodeCount: 0, relationCount: 0, triples: [])
        #expect((empty.edgeCount, empty.isolatedNodeCount) == (0, 0))
        #expect(!empty.contains(IndexTriple(0, 0, 0)))
        let single = try GraphIndex(nodeCount: 1, relationCount: 0, triples: [])
        #expect((single.degree(of: 0), single.isolatedNodeCount) == (0, 1))
    }

    @Test func `a self loop goes out and comes in`() throws {
        let loop = try GraphIndex(nodeCount: 1, relationCount: 1, triples: [IndexTriple(0, 1, 0)])
        #expect(loop.degree(of: 0) == 2)
        #expect(Array(loop.tails(of: 0, 1)) == [0] && loop.heads(of: 0, 1) == [0])
    }

    @Test(arguments: [(-1, 2, 0), (2, 2, 0), (0, 1, 0), (0, 3, 0), (0, 2, 2), (0, 2, -1), (0, -1, 0)])
    func `a triple outside its vocabulary is refused`(head: Int, relation: Int, tail: Int) {
        let triple = IndexTriple(head, relation, tail)
        #expect(throws: GraphError.triplePointsOutside(triple)) {
            try GraphIndex(nodeCount: 2, relationCount: 1, triples: [IndexTriple(0, 2, 1), triple])
        }
    }
}

import Graph
import Learning
import Testing
import Wire

@testable import Daemon

@Suite struct HomeScoreTests {
    private func score(own: Double = 0, _ ownCount: Int = 0, shared: Double = 0, _ sharedCount: Int = 0) -> HomeScore {
        HomeScore(own: .init(sum: own, count: ownCount), shared: .init(sum: shared, count: sharedCount))
    }

    @Test func `where nobody else knows an answer the better weights are better`() {
        let merged = score(own: 70, 100)
        #expect(score(own: 75, 100).gain(over: merged) > 0.04)
        #expect(score(own: 70.1, 100).gain(over: merged) < 0, "chance")
        #expect(score(own: 60, 100).gain(over: merged) < -0.09)
    }

    @Test func `where others know answers, forgetting them is no gain`() {
        // umls-shared3: merged weights know all sites' facts, by a site's own triples many of them are errors.
        let merged = score(shared: 52, 100)
        #expect(score(shared: 75, 100).gain(over: merged) < 0)
        #expect(score(shared: 40, 100).gain(over: merged) < -0.1, "worse by a measure that favours it")
        #expect(score(shared: 11, 100).gain(over: score(shared: 5, 100)) > 0, "merged weights that lost what was known")
    }

    @Test func `both parts count by their questions`() {
        let merged = score(own: 30, 50, shared: 25, 50)
        #expect(score(own: 35, 50, shared: 45, 50).gain(over: merged) > 0.04)
        #expect(score(own: 35, 50, shared: 20, 50).gain(over: merged) < 0, "lost on one what it gained on the other")
        #expect(merged.mrr == 0.55)
    }

    @Test func `without a question nothing is better`() {
        #expect(score().mrr == nil)
        #expect(score().gain(over: score()) == -.infinity)
    }

    @Test func `a question is shared if others train both its graph node and its relation`() throws {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let nodes = try (0..<4).map { (id: try key.token(.node, named: "n\($0)"), name: "n\($0)") }
        let near = (tokens: try key.relation(named: "near"), name: "near")
        let edge = { (head: Int, tail: Int) in
            TokenTriple(head: nodes[head].id, relation: near.tokens.forward, tail: nodes[tail].id)
        }
        let graph = try SiteGraph(
            nodes: nodes, relations: [near], triples: [edge(0, 1), edge(1, 2), edge(2, 3)], valid: [edge(0, 2)],
            test: [])
        let probe = try Probe(graph)
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let weights = Parameters.initial(shape: shape, vocabulary: graph.vocabulary.count, seed: 1)
        func counts(_ isShared: (TokenID) -> Bool) throws -> [Int] {
            let score = try probe.score(
                weights, shape: shape, candidates: graph.vocabulary.nodeCount,
                others: graph.vocabulary.tokens.map(isShared))
            #expect(score.mrr == (try probe.mrr(weights, shape: shape, candidates: graph.vocabulary.nodeCount)))
            return [score.own.count, score.shared.count]
        }
        #expect(try counts { _ in false } == [2, 0])
        #expect(try counts { _ in true } == [0, 2])
        #expect(try counts { $0 != nodes[0].id } == [1, 1], "asked from n2 and from n0")
        #expect(try counts { $0 != near.tokens.inverse } == [1, 1])
    }
}

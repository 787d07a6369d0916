import API
import Graph
import Identity
import Learning
import Testing
import Wire

@testable import Daemon

@Suite struct ServedTests {
    private let weights = SavedWeights(
        tokens: [TokenID(rawValue: 3)], parameters: Parameters(dense: [1, -2], tokens: [0.5]))

    private func state(_ merged: Double, _ adapted: Double?, _ weights: SavedWeights?) -> ServedState {
        ServedState(
            merged: merged, adapted: adapted, bar: merged + HomeScore.margin, source: .ownEdges, questions: 40,
            weights: weights)
    }

    @Test func `adapted weights are served only where they are better by more than chance`() {
        #expect(state(0.9, 0.95, weights).servesAdapted)
        #expect(!state(0.9, 0.901, weights).servesAdapted)
        #expect(!state(0.9, 0.8, weights).servesAdapted)
        #expect(!state(0.9, nil, nil).servesAdapted)
        #expect(state(0.9, 0.95, weights).report.weights == "adapted")
        #expect(state(0.9, 0.8, weights).report.weights == "merged")
    }

    @Test func `what is served comes back to the bit, and damaged never`() throws {
        for kept in [state(0.9, 0.95, weights), state(0.1, nil, nil)] {
            let read = try ServedState(bytes: kept.bytes)
            #expect(read.merged == kept.merged && read.adapted == kept.adapted && read.source == .ownEdges)
            #expect(read.bar == kept.bar)
            #expect(read.questions == 40 && read.weights?.tokens == kept.weights?.tokens)
            #expect(read.weights?.parameters == kept.weights?.parameters)
            for length in 0..<kept.bytes.count {
                #expect(throws: CBORError.self) { try ServedState(bytes: Bytes(kept.bytes.prefix(length))) }
            }
        }
    }

    @Test func `adapted weights above the merged ones are not served below the bar`() {
        let state = ServedState(
            merged: 0.5, adapted: 0.7, bar: 0.7, source: .validSplit, questions: 40, weights: weights)
        #expect(!state.servesAdapted)
    }

    @Test func `what an earlier version kept is measured again before it is served`() throws {
        var encoder = CBOREncoder()
        encoder.array(6)
        encoder.uint(1)
        encoder.uint((0.5).bitPattern)
        encoder.uint((0.9).bitPattern)
        encoder.text("valid split")
        encoder.uint(40)
        encoder.optionalBytes(weights.bytes)
        let read = try ServedState(bytes: encoder.bytes)
        #expect(read.adapted == 0.9 && read.weights?.tokens == weights.tokens && !read.servesAdapted)
    }

    @Test func `adaptation keeps its best round and ends when it has stopped to improve`() {
        var adaptation = Adaptation()
        for score in [0.5, 0.7, 0.6, 0.6, nil, 0.65] {
            #expect(!adaptation.isOver)
            adaptation.completed(score, weights)
        }
        #expect(!adaptation.isOver && adaptation.best?.score == 0.7)
        adaptation.completed(0.7, weights)
        #expect(adaptation.isOver, "as good is no better")
    }
}

@Suite struct ProbeTests {
    private func graph(edges: Int, valid: Int) throws -> SiteGraph {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let nodes = try (0..<50).map { (id: try key.token(.node, named: "n\($0)"), name: "n\($0)") }
        let near = (tokens: try key.relation(named: "near"), name: "near")
        let triples = (0..<edges + valid).map { number in
            TokenTriple(
                head: nodes[number % 50].id, relation: near.tokens.forward,
                tail: nodes[(number / 50 + number + 1) % 50].id)
        }
        return try SiteGraph(
            nodes: nodes, relations: [near], triples: Array(triples.prefix(edges)),
            valid: Array(triples.dropFirst(edges)), test: [])
    }

    @Test func `a site with a validation split asks about that and walks everything`() throws {
        let probe = try Probe(try graph(edges: 400, valid: 30))
        #expect(probe.source == .validSplit && probe.queries.count == 60 && probe.walked == nil)
    }

    @Test func `a site without one asks about every twentieth edge, always the same, and does not walk those`() throws {
        let graph = try graph(edges: 400, valid: 0)
        let probe = try Probe(graph)
        #expect(probe.source == .ownEdges && probe.queries.count == 40)
        let walked = try #require(probe.walked)
        #expect(walked.edgeCount == 380)
        for query in probe.queries where query.context[1] < Int32(graph.vocabulary.nodeCount + 1) {
            let edge = IndexTriple(head: query.context[0], relation: query.context[1], tail: query.answer)
            #expect(graph.index.contains(edge) && !walked.contains(edge))
        }
        #expect(try Probe(graph).queries == probe.queries)
    }

    @Test func `a tiny graph has no question and nothing is measured`() throws {
        let graph = try graph(edges: 19, valid: 0)
        let probe = try Probe(graph)
        #expect(probe.queries.isEmpty && probe.walked == nil)
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let weights = Parameters.zeros(shape: shape, vocabulary: graph.vocabulary.count)
        #expect(try probe.mrr(weights, shape: shape, candidates: graph.vocabulary.nodeCount) == nil)
    }

    @Test func `a graph is another when an edge is, whatever the order`() throws {
        let (a, b) = (try graph(edges: 400, valid: 0), try graph(edges: 398, valid: 2))
        let (first, second) = (GraphPrint(a), GraphPrint(b))
        #expect(first == GraphPrint(a) && first != second)
        #expect(first.change(from: first) == 0 && first.change(from: .empty) == 1)
        #expect(second.change(from: first) == 0.005)
        #expect(GraphPrint(edges: 5, sum: 1).change(from: GraphPrint(edges: 5, sum: 2)) > 0)
    }
}

import Federation
import Graph
import Identity
import Learning
import Testing
import Wire

@testable import Daemon

@Suite struct PrivacyGuardTests {
    private let graph: SiteGraph

    /// hub - a, b, c; c also - d: d and the relation far occur once.
    init() throws {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let nodes = try ["hub", "a", "b", "c", "d"].map { (id: try key.token(.node, named: $0), name: $0) }
        let near = (tokens: try key.relation(named: "near"), name: "near")
        let far = (tokens: try key.relation(named: "far"), name: "far")
        func edge(_ head: Int, _ relation: RelationTokens, _ tail: Int) -> TokenTriple {
            TokenTriple(head: nodes[head].id, relation: relation.forward, tail: nodes[tail].id)
        }
        graph = try SiteGraph(
            nodes: nodes, relations: [near, far],
            triples: [
                edge(0, near.tokens, 1), edge(0, near.tokens, 2), edge(1, near.tokens, 2), edge(0, near.tokens, 3),
                edge(3, far.tokens, 4),
            ], valid: [], test: [])
    }

    private func withheld(_ words: [String]) throws -> Set<String> {
        let shared = try PrivacyPolicy(words).shared(graph)
        #expect(shared == graph.vocabulary.tokens.filter { shared.contains($0) }, "in the order of the vocabulary")
        return Set(graph.vocabulary.tokens.filter { !shared.contains($0) }.map { graph.name(of: $0) })
    }

    @Test func `what occurs less often than asked for is not shared, in either direction`() throws {
        #expect(try withheld([]) == [])
        #expect(try withheld(["min-edges=1"]) == [])
        #expect(try withheld(["min-edges=2"]) == ["d", "far", "^far"])
        #expect(try withheld(["min-edges=3"]) == ["a", "b", "c", "d", "far", "^far"])
        #expect(try withheld(["min-edges=5"]).count == graph.vocabulary.count)
    }
}

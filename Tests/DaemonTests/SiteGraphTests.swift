import API
import Graph
import Testing
import Wire

@testable import Daemon

@Suite struct SiteGraphTests {
    let graph: SiteGraph
    let vocabulary: LocalVocabulary

    init() throws {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        func node(_ name: String) throws -> (id: TokenID, name: String) { (try key.token(.node, named: name), name) }
        let treats = (tokens: try key.relation(named: "treats"), name: "treats")
        let nodes = try ["aspirin", "pain", "fever"].map(node)
        let triples = [1, 2].map { TokenTriple(head: nodes[0].id, relation: treats.tokens.forward, tail: nodes[$0].id) }
        graph = try SiteGraph(nodes: nodes, relations: [treats], triples: triples, valid: [], test: [])
        vocabulary = graph.vocabulary
    }

    @Test func `names, inverse relations and ids are all understood`() throws {
        let context = try graph.context(["aspirin", "treats"])
        #expect(graph.name(of: vocabulary[context[0]]) == "aspirin")
        let inverse = try graph.context(["pain", "^treats"])
        #expect(inverse[1] == vocabulary.inverse(of: context[1]))
        #expect(try graph.context([vocabulary[context[0]].hex]) == [context[0]])
    }

    @Test func `an unknown name is a problem that names it`() {
        let problem = #expect(throws: Problem.self) { try graph.context(["aspirin", "cures"]) }
        #expect(problem?.code == "unknown_name" && problem?.detail.contains("'cures'") == true)
        #expect(throws: Problem.self) { try graph.context([]) }
    }

    @Test func `the own graph's answers are known in both directions`() throws {
        let names = { (context: [String]) in
            Set(graph.answers(to: try graph.context(context)).map { graph.name(of: vocabulary[$0]) })
        }
        #expect(try names(["aspirin", "treats"]) == ["pain", "fever"])
        #expect(try names(["fever", "^treats"]) == ["aspirin"])
        #expect(try names(["fever", "treats"]) == [])
        #expect(try names(["fever"]) == [])
    }
}

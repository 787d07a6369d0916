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

@Suite struct WalkRequestTests {
    private func request(_ walks: String?, scope: String? = nil, agent: String? = nil) throws -> WalkRequest {
        try WalkRequest(TrainRequest(agent: "m", walks: walks, scope: scope, perspectiveAgent: agent))
    }

    private func problem(_ walks: String?, scope: String? = nil, agent: String? = nil) -> Problem? {
        do {
            _ = try request(walks, scope: scope, agent: agent)
            return nil
        } catch { return error as? Problem }
    }

    @Test func `every kind of walk can be asked for, and random is the standard`() throws {
        #expect(try request(nil) == .standard)
        for rule in WalkRule.allCases where rule != .perspective {
            #expect(try request(rule.rawValue, scope: "a.b").rule == rule)
        }
        #expect(try request("perspective", agent: "anna").agent == "anna")
    }

    @Test func `what contradicts itself is refused by field`() {
        #expect(problem("tree-ish")?.field == "walks")
        #expect(problem("perspective")?.field == "perspective_agent")
        #expect(problem("random", agent: "anna")?.field == "perspective_agent")
        #expect(problem("tree", scope: "")?.field == "scope")
        #expect(problem("tree", scope: "a..b")?.detail.contains("label 2") == true)
    }

    @Test func `tours of a tree are long unless told otherwise`() throws {
        #expect(
            try TrainingPlan(TrainRequest(agent: "m", walks: "tree"), context: 16, edges: 1_000, nodes: 100).tokens
                == 16)
        #expect(
            try TrainingPlan(TrainRequest(agent: "m", walks: "tree", hops: 2), context: 16, edges: 1_000, nodes: 100)
                .tokens == 4)
        #expect(try TrainingPlan(TrainRequest(agent: "m"), context: 16, edges: 1_000, nodes: 100).tokens == 2)
    }
}

@Suite struct TreeOfSiteTests {
    private func graph(named relation: String) throws -> SiteGraph {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let nodes = try ["book", "one", "two"].map { (id: try key.token(.node, named: $0), name: $0) }
        let links = (1...2).map { ParentLink(child: nodes[$0].id, parent: nodes[0].id, position: Int32($0)) }
        return try SiteGraph(
            nodes: nodes, relations: [(try key.relation(named: relation), relation)], triples: [], valid: [], test: [],
            tree: (links, key.parentTokens))
    }

    @Test func `the tree is asked about by two names, which a relation may take`() throws {
        let site = try graph(named: "cites")
        let names = { (context: [String]) in
            Set(site.answers(to: try site.context(context)).map { site.name(of: site.vocabulary[$0]) })
        }
        #expect(try names(["book", "@child"]) == ["one", "two"])
        #expect(try names(["book", "^@parent"]) == ["one", "two"])
        #expect(try names(["two", "@parent"]) == ["book"])
        #expect(site.name(of: site.vocabulary[try site.context(["@child"])[0]]) == "@child")
        let taken = try graph(named: "@parent")
        #expect(try taken.context(["@parent"]) != site.context(["@parent"]), "a relation of the graph comes first")
    }

    @Test func `limits of walks hold for its samplers`() throws {
        var site = try graph(named: "cites")
        let all = site.vocabulary.nodes
        site.limits.scope = (try PathScope("book.x"), Set(all.prefix(1)))
        #expect(throws: GraphError.noStepInScope("book.x", nodes: 1)) { try site.sampler(.tree) }
        site.limits = WalkLimits()
        #expect(try site.sampler(.tree).graph.edgeCount == 2)
    }
}

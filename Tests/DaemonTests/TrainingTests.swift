import API
import Federation
import Graph
import Identity
import Learning
import Testing
import Wire

@testable import Daemon

@Suite struct TrainingTests {
    private let place = TrainerState.Place(log: LogID(rawValue: 5), seq: 17)

    @Test func `a plan without wishes is the standard recipe`() throws {
        let plan = try TrainingPlan(TrainRequest(agent: "a"), context: 16, edges: 1_000, nodes: 100)
        #expect(plan.weights == .federated)
        #expect(plan.rounds == StandardRecipe.rounds && plan.steps == StandardRecipe.steps(edges: 1_000, nodes: 100))
        #expect(plan.tokens == 2 * StandardRecipe.hops && plan.seed == StandardRecipe.seed)
        #expect(plan.options == StandardRecipe.options(plannedSteps: plan.rounds * plan.steps))
    }

    @Test(arguments: [
        (TrainRequest(agent: "a", rounds: -1), "rounds"), (TrainRequest(agent: "a", steps: 0), "steps"),
        (TrainRequest(agent: "a", batch: 100_000), "batch"), (TrainRequest(agent: "a", hops: 9), "hops"),
        (TrainRequest(agent: "a", walks: "spiral"), "walks"),
        (TrainRequest(agent: "a", learningRate: 7), "learning_rate"),
        (TrainRequest(agent: "a", learningRate: .nan), "learning_rate"),
        (TrainRequest(agent: "a", learningRate: 1e-12), "learning_rate"),
    ])
    func `a wish out of range is refused by its field`(request: TrainRequest, field: String) {
        let problem = #expect(throws: Problem.self) { try TrainingPlan(request, context: 16, edges: 1_000, nodes: 100) }
        #expect(problem?.field == field && problem?.status == (field == "hops" ? 422 : 400))
    }

    @Test func `saved weights and trainer states come back to the bit, and damaged ones not at all`() throws {
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let tokens = [TokenID(rawValue: 1), TokenID(rawValue: 2)]
        let parameters = Parameters(
            dense: (0..<shape.denseCount).map { Float($0) * 0.25 }, tokens: (0..<32).map { Float($0) - 0.1 })
        let weights = SavedWeights(tokens: tokens, parameters: parameters)
        let read = try SavedWeights(bytes: weights.bytes)
        #expect(read.tokens == tokens)
        #expect(read.parameters.dense == parameters.dense && read.parameters.tokens == parameters.tokens)

        var adam = AdamState.fresh(shape: shape, vocabulary: 2)
        adam.steps = 9
        adam.tokens.second[3] = 0.5
        let state = TrainerState(
            tokens: tokens, adam: adam, residuals: Residuals(shape: shape), rounds: 3, place: place)
        let resumed = try TrainerState(bytes: state.bytes, shape: shape)
        #expect(resumed.adam == adam && resumed.rounds == 3 && resumed.tokens == tokens && resumed.place == place)

        for bytes in [weights.bytes, state.bytes] {
            for length in stride(from: 0, to: bytes.count, by: 997) {
                #expect(throws: (any Error).self) { try SavedWeights(bytes: Bytes(bytes.prefix(length))) }
                #expect(throws: (any Error).self) { try TrainerState(bytes: Bytes(bytes.prefix(length)), shape: shape) }
            }
        }
    }

    @Test func `a graph that grows keeps what its trainer knows`() throws {
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        func graph(_ names: [String]) throws -> SiteGraph {
            let nodes = try names.map { (id: try key.token(.node, named: $0), name: $0) }
            let near = (tokens: try key.relation(named: "near"), name: "near")
            let triples = nodes.dropFirst().map {
                TokenTriple(head: nodes[0].id, relation: near.tokens.forward, tail: $0.id)
            }
            return try SiteGraph(nodes: nodes, relations: [near], triples: triples, valid: [], test: [])
        }
        let spec = try ModelSpec(name: "a", agent: "a", shape: shape)
        let plan = try TrainingPlan(
            TrainRequest(agent: "a", rounds: 1, steps: 3, batch: 4), context: 8, edges: 1_000, nodes: 100)
        var model = MergedModel(id: ModelID(Bytes(repeating: 1, count: 32))!, spec: spec)
        func bench(_ graph: SiteGraph, _ saved: TrainerState?) throws -> Workbench {
            try Workbench(
                spec: spec, graph: graph, plan: plan, site: PeerID(Bytes(repeating: 1, count: 32))!,
                start: model.parameters(tokens: graph.vocabulary.tokens), saved: saved)
        }
        let small = try graph(["a", "b", "c"])
        let first = try bench(small, nil)
        _ = try first.steps()
        let saved = first.state(at: place)
        let large = try graph(["a", "b", "c", "d", "e"])
        let second = try bench(large, saved).state(at: place)
        #expect(second.adam.steps == 3 && second.adam.dense == saved.adam.dense)
        #expect(second.residuals == saved.residuals)
        for (row, token) in large.vocabulary.tokens.enumerated() {
            let moments = second.adam.tokens.second[row * 16..<(row + 1) * 16]
            if let old = small.vocabulary.tokens.firstIndex(of: token) {
                #expect(moments.elementsEqual(saved.adam.tokens.second[old * 16..<(old + 1) * 16]))
            } else {
                #expect(Array(moments) == Array(repeating: 0, count: 16))
            }
        }
        #expect(try bench(small, second).state(at: place).adam == saved.adam, "and back")
    }

    @Test func `a single graph node is trained on without harm`() throws {
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let node = (id: try key.token(.node, named: "a"), name: "a")
        let knows = (tokens: try key.relation(named: "knows"), name: "knows")
        let graph = try SiteGraph(
            nodes: [node], relations: [knows],
            triples: [TokenTriple(head: node.id, relation: knows.tokens.forward, tail: node.id)], valid: [], test: [])
        let spec = try ModelSpec(name: "a", agent: "a", shape: shape)
        let plan = try TrainingPlan(
            TrainRequest(agent: "a", rounds: 1, steps: 3, batch: 4), context: 8, edges: 1_000, nodes: 100)
        var model = MergedModel(id: ModelID(Bytes(repeating: 1, count: 32))!, spec: spec)
        let bench = try Workbench(
            spec: spec, graph: graph, plan: plan, site: PeerID(Bytes(repeating: 1, count: 32))!,
            start: model.parameters(tokens: graph.vocabulary.tokens), saved: nil)
        #expect(abs(try bench.steps()) < 1e-5, "the only answer is certain")
        #expect(!bench.parameters.tokens.contains { !$0.isFinite })
    }
}

import API
import Federation
import Learning
import Testing
import Wire

@testable import Daemon

@Suite struct TrainingTests {
    @Test func `a plan without wishes is the standard recipe`() throws {
        let plan = try TrainingPlan(TrainRequest(agent: "a"), context: 16)
        #expect(plan.weights == .federated)
        #expect(plan.rounds == StandardRecipe.rounds && plan.steps == StandardRecipe.steps)
        #expect(plan.tokens == 2 * StandardRecipe.hops && plan.seed == StandardRecipe.seed)
        #expect(plan.options == StandardRecipe.options(plannedSteps: plan.rounds * plan.steps))
    }

    @Test(arguments: [
        (TrainRequest(agent: "a", rounds: -1), "rounds"), (TrainRequest(agent: "a", steps: 0), "steps"),
        (TrainRequest(agent: "a", batch: 100_000), "batch"), (TrainRequest(agent: "a", hops: 9), "hops"),
        (TrainRequest(agent: "a", walks: "tree"), "walks"),
        (TrainRequest(agent: "a", learningRate: 7), "learning_rate"),
        (TrainRequest(agent: "a", learningRate: .nan), "learning_rate"),
    ])
    func `a wish out of range is refused by its field`(request: TrainRequest, field: String) {
        let problem = #expect(throws: Problem.self) { try TrainingPlan(request, context: 16) }
        #expect(problem?.field == field && problem?.status == 400)
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
        let state = TrainerState(tokens: tokens, adam: adam, residuals: Residuals(shape: shape), rounds: 3)
        let resumed = try TrainerState(bytes: state.bytes, shape: shape)
        #expect(resumed.adam == adam && resumed.rounds == 3 && resumed.tokens == tokens)

        for bytes in [weights.bytes, state.bytes] {
            for length in stride(from: 0, to: bytes.count, by: 997) {
                #expect(throws: (any Error).self) { try SavedWeights(bytes: Bytes(bytes.prefix(length))) }
                #expect(throws: (any Error).self) { try TrainerState(bytes: Bytes(bytes.prefix(length)), shape: shape) }
            }
        }
    }
}

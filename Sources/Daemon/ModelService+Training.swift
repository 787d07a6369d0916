internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer

extension ModelService {
    func train(_ request: TrainRequest) async throws -> JobReport {
        let model = try await find(request.agent)
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let graph = try await graphs.current(for: try WalkRequest(request)).index
        return try await trainer.train(
            model, agent: spec.agent,
            try TrainingPlan(
                request, context: spec.shape.context, edges: graph.edgeCount, nodes: graph.nodeCount))
    }

    func curves(of model: ModelID) -> [CurveReport] { trainer.curves.reports(of: model) }

    func job(_ number: Int) -> JobReport? { trainer.job(number) }

    /// Ends a run; what it has learned is kept.
    func cancel(_ number: Int) async -> JobReport? { await trainer.cancel(number) }
}

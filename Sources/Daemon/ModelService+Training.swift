internal import API
internal import Federation
internal import Learning
internal import Peer
internal import Synchronization

extension ModelService {
    func train(_ request: TrainRequest) async throws -> JobReport {
        let model = try await find(request.agent)
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let plan = try TrainingPlan(request, context: spec.shape.context)
        let run = TrainingRun(
            model: model, plan: plan, graph: try await graphs.current(for: plan.walks), host: host, states: states)
        let id: Int? = jobs.withLock { jobs in
            let busy = jobs.runs.values.contains {
                $0.run.model == model && $0.run.progress.isActive && $0.run.progress.weights == plan.weights
            }
            guard !busy else { return nil }
            jobs.last += 1
            jobs.runs[jobs.last] = (request.agent, run)
            jobs.forgetEnded()
            return jobs.last
        }
        guard let id else {
            throw Problem.conflict(
                "'\(request.agent)' is being trained already", remedy: "wait, or look with `shoal model info`",
                code: "training_already")
        }
        Task {
            await run.run()
            await history.append(run, agent: spec.agent)
        }
        return JobReport(id: id, agent: request.agent, training: run.progress)
    }

    func job(_ id: Int) -> JobReport? {
        jobs.withLock { jobs in
            jobs.runs[id].map { JobReport(id: id, agent: $0.agent, training: $0.run.progress) }
        }
    }
}

extension TrainingReport {
    /// Whether the run is yet to end.
    var isActive: Bool { state == "waiting" || state == "running" }
}

internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Wire

/// Models of this node: create, train, predict, evaluate.
final class ModelService: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    private let states: TrainerStates
    private let worker = StorageThread(name: "shoal-predict")
    private let jobs = Mutex(Jobs())

    private struct Jobs {
        var runs: [Int: (agent: String, run: TrainingRun)] = [:]
        var last = 0
        /// Ended runs beyond this are forgotten, oldest first.
        static let kept = 100

        mutating func forgetEnded() {
            let ended = runs.filter { !$0.value.run.progress.isActive }.keys.sorted()
            for number in ended.dropLast(Jobs.kept) { runs[number] = nil }
        }
    }

    init(host: NodeHost, graphs: GraphService, states: TrainerStates) {
        self.host = host
        self.graphs = graphs
        self.states = states
    }

    func stop() {
        jobs.withLock { for entry in $0.runs.values { entry.run.cancel() } }
        worker.finish()
    }

    // MARK: Finding

    /// The model of an agent, or the one whose id begins with `agent`.
    func find(_ agent: String) async throws -> ModelID {
        let models = try await host.ask { node in
            node.models.compactMap { id in node.spec(of: id).map { (id: id, agent: $0.agent) } }
        }
        let named = models.filter { $0.agent == agent }
        let found = named.isEmpty && agent.count >= 4 ? models.filter { $0.id.hex.hasPrefix(agent) } : named
        guard let first = found.first else {
            throw Problem.notFound(
                "no model of agent '\(agent)' is known here",
                remedy: models.isEmpty
                    ? "create one with `shoal model create`, or wait until a peer's arrives"
                    : "known agents: \(models.map(\.agent).joined(separator: ", "))", code: "unknown_agent")
        }
        guard found.count == 1 else {
            throw Problem.conflict(
                "\(found.count) models belong to '\(agent)'",
                remedy: "name one by its id: \(found.map(\.id.short).joined(separator: ", "))", code: "ambiguous_agent")
        }
        return first.id
    }

    func list() async throws -> [ModelReport] {
        let ids = try await host.ask { $0.models }
        var reports: [ModelReport] = []
        for id in ids { if let report = try await info(id) { reports.append(report) } }
        return reports
    }

    func info(_ id: ModelID) async throws -> ModelReport? {
        let vocabulary = try await graphs.current().vocabulary.count
        let last = jobs.withLock { jobs in
            jobs.runs.filter { $0.value.run.model == id }.max { $0.key < $1.key }?.value.run.progress
        }
        return try await host.ask { node in
            guard let spec = node.spec(of: id), let owners = node.owners(of: id) else { return nil }
            let shape = spec.shape
            return ModelReport(
                id: id.hex, agent: spec.agent, name: spec.name, author: node.author(of: id)?.hex ?? "",
                dim: shape.dim, heads: shape.heads, layers: shape.layers, context: shape.context,
                vocabulary: vocabulary, parameters: shape.parameterCount(vocabulary: vocabulary),
                sites: owners.authorCount, training: last)
        }
    }

    // MARK: Creating and deleting

    func create(_ request: ModelCreateRequest) async throws -> ModelReport {
        let spec: ModelSpec
        do {
            let shape = try ModelShape(
                dim: request.dim ?? 64, heads: request.heads ?? 4, layers: request.layers ?? 1,
                context: request.context ?? 16)
            spec = try ModelSpec(name: request.agent, agent: request.agent, shape: shape)
        } catch {
            throw Problem.badRequest("the model cannot be created: \(error)")
        }
        let id = try accepted(await host.submit(.createModel, spec.body))
        guard let info = try await info(id) else {
            throw Problem.conflict("the model was created, and deleted at once by somebody else")
        }
        return info
    }

    func delete(_ agent: String) async throws {
        _ = try accepted(await host.submit(.deleteModel, DeleteModel(model: try await find(agent)).encode()))
    }

    private func accepted(_ result: SubmitResult) throws(Problem) -> OpID {
        switch result {
        case .done(let id): return id
        case .void(_, let reason): throw .conflict("the op has no effect: \(reason.detail)", code: reason.code)
        case .refused(let reason): throw .unavailable(reason)
        }
    }

    // MARK: Training

    func train(_ request: TrainRequest) async throws -> JobReport {
        let model = try await find(request.agent)
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let plan = try TrainingPlan(request, context: spec.shape.context)
        let run = TrainingRun(
            model: model, plan: plan, graph: try await graphs.current(), host: host, states: states)
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
        Task { await run.run() }
        return JobReport(id: id, agent: request.agent, training: run.progress)
    }

    func job(_ id: Int) -> JobReport? {
        jobs.withLock { jobs in
            jobs.runs[id].map { JobReport(id: id, agent: $0.agent, training: $0.run.progress) }
        }
    }

    // MARK: Asking

    /// The weights asked for, in the order of this site's vocabulary.
    private func parameters(_ weights: Weights, of model: ModelID, _ graph: SiteGraph) async throws -> Parameters {
        let tokens = graph.vocabulary.tokens
        switch weights {
        case .federated:
            guard let merged = try await host.ask({ $0.parameters(of: model, tokens: tokens) }) else {
                throw TrainingError.modelGone
            }
            return merged
        case .isolated:
            guard let saved = try await states.weights(of: model), saved.tokens == tokens else {
                throw Problem.notFound(
                    "this site has no isolated weights for its present graph",
                    remedy: "train them with `shoal model train --isolated`", code: "no_isolated_weights")
            }
            return saved.parameters
        }
    }

    func predict(_ request: PredictRequest) async throws -> PredictReport {
        let model = try await find(request.agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let weights = request.weights ?? .federated
        let top = request.top ?? 10
        guard (1...1_000).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to 1000", field: "top")
        }
        let context = try graph.context(request.context)
        let parameters = try await parameters(weights, of: model, graph)
        let answers = try await onWorker {
            try Predictor(shape: spec.shape, parameters: parameters, candidates: graph.vocabulary.nodeCount)
                .topK(min(top, graph.vocabulary.nodeCount), context: context)
        }
        let known = graph.answers(to: context)
        return PredictReport(
            agent: request.agent, weights: weights,
            predictions: answers.map { answer in
                let id = graph.vocabulary[answer.token]
                return .init(
                    id: id.hex, name: graph.name(of: id), probability: Double(answer.probability),
                    known: known.contains(answer.token))
            })
    }

    /// - Parameter filter: triples known to be true; nil for the site's own.
    func evaluate(
        _ agent: String, weights: Weights, evaluation: EvaluationProtocol, split: String, filter: [TokenTriple]?,
        withRanks: Bool
    ) async throws -> EvaluationReport {
        let model = try await find(agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let heldOut = split == "valid" ? graph.valid : graph.test
        let parameters = try await parameters(weights, of: model, graph)
        let (ranking, unknown) = try await onWorker {
            let task = try HeldOutTask(
                heldOut: heldOut, filter: filter ?? graph.triples + graph.valid + graph.test,
                vocabulary: graph.vocabulary, evaluation: evaluation)
            let queries = task.queries.map {
                LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered)
            }
            let ranking = try Learning.evaluate(
                shape: spec.shape, parameters: parameters, candidates: graph.vocabulary.nodeCount, queries: queries)
            return (ranking, task.unknownNodeCount + task.unknownRelationCount)
        }
        return EvaluationReport(
            agent: agent, weights: weights, protocol: evaluation.rawValue, split: split,
            filter: filter == nil ? "own" : "given", mrr: ranking.mrr, hits1: ranking.hits1, hits10: ranking.hits10,
            queries: ranking.queries, unknown: unknown, ranks: withRanks ? ranking.ranks : nil)
    }

    private func onWorker<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error>? = await withCheckedContinuation { continuation in
            let accepted = worker.submit { continuation.resume(returning: Result(catching: work)) }
            if !accepted { continuation.resume(returning: nil) }
        }
        guard let result else { throw Problem.unavailable("the node is stopping") }
        return try result.get()
    }
}

extension TrainingReport {
    /// Whether the run is yet to end.
    var isActive: Bool { state == "waiting" || state == "running" }
}

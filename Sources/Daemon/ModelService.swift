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

/// Models of this node: find, create, delete; training and questions are in files of their own.
final class ModelService: Sendable {
    let host: NodeHost
    let graphs: GraphService
    let states: TrainerStates
    let answers: AnswerLog
    let privacy: PrivacyGuard
    /// Forward passes take a core for milliseconds: not one of the cooperative pool.
    private let worker = StorageThread(name: "shoal-predict")
    let trainer: TrainerService
    let rules: RuleService
    let view: LocalView
    private let isStopping = Atomic<Bool>(false)

    /// What was trained here.
    var history: TrainingHistory { trainer.history }

    init(
        host: NodeHost, graphs: GraphService, states: TrainerStates, answers: AnswerLog, trainer: TrainerService,
        privacy: PrivacyGuard
    ) {
        self.host = host
        self.graphs = graphs
        self.states = states
        self.answers = answers
        self.trainer = trainer
        self.privacy = privacy
        rules = RuleService(host: host, graphs: graphs)
        view = LocalView(host: host, states: states)
    }

    /// Questions that wait are not answered any more, and long ones end early.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        rules.stop()
        worker.finish()
    }

    /// - Throws: once the node stops, so that long work can end early.
    func checkRunning() throws {
        if isStopping.load(ordering: .relaxed) { throw Problem.unavailable("the node is stopping") }
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
                    : "known agents: \(Set(models.map(\.agent)).sorted().joined(separator: ", "))",
                code: "unknown_agent")
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
        let graph = try await graphs.current()
        let vocabulary = graph.vocabulary.count
        let privacy = try await privacy.report(of: id, graph: graph)
        let last = trainer.latest(of: id)
        let own = trainer.report(of: id)
        let served = try await trainer.served.state(of: id)?.report
        return try await host.ask { node in
            guard let spec = node.spec(of: id), let owners = node.owners(of: id) else { return nil }
            let shape = spec.shape
            return ModelReport(
                id: id.hex, agent: spec.agent, name: spec.name, author: node.author(of: id)?.hex ?? "",
                dim: shape.dim, heads: shape.heads, layers: shape.layers, context: shape.context,
                vocabulary: vocabulary, parameters: shape.parameterCount(vocabulary: vocabulary),
                sites: owners.authorCount, training: last, served: served, trainer: own,
                privacy: privacy)
        }
    }

    // MARK: Creating and deleting

    func create(_ request: ModelCreateRequest) async throws -> ModelReport {
        let spec: ModelSpec
        do {
            spec = try ModelSpec(name: request.agent, agent: request.agent, shape: try Self.shape(request))
        } catch LearningError.outOfRange(let name, let value, let allowed) {
            throw Problem.unusable(
                "the model cannot be created: \(name) is \(value), outside \(allowed)",
                remedy: request.beyondDefaults == true
                    ? "choose within that range" : "choose within that range, or allow more with --beyond-defaults",
                field: name)
        } catch {
            throw Problem.unusable("the model cannot be created: \(error)")
        }
        let id = try accepted(await host.submit(.createModel, spec.body))
        guard let info = try await info(id) else {
            throw Problem.conflict("the model was created, and deleted at once by somebody else")
        }
        return info
    }

    private static func shape(_ request: ModelCreateRequest) throws(LearningError) -> ModelShape {
        let (dim, heads, layers, context) = (
            request.dim ?? 64, request.heads ?? 4, request.layers ?? 1, request.context ?? 16
        )
        return request.beyondDefaults == true
            ? try .beyondDefaults(dim: dim, heads: heads, layers: layers, context: context)
            : try ModelShape(dim: dim, heads: heads, layers: layers, context: context)
    }

    /// - Returns: the model that is gone.
    func delete(_ agent: String) async throws -> ModelID {
        let model = try await find(agent)
        _ = try accepted(await host.submit(.deleteModel, DeleteModel(model: model).encode()))
        return model
    }

    private func accepted(_ result: SubmitResult) throws(Problem) -> OpID {
        switch result {
        case .done(let id): return id
        case .void(_, let reason): throw .conflict("the op has no effect: \(reason.detail)", code: reason.code)
        case .refused(let reason): throw .unavailable(reason)
        }
    }

    /// Runs blocking arithmetic on this service's own thread.
    func onWorker<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error>? = await withCheckedContinuation { continuation in
            let accepted = worker.submit {
                continuation.resume(
                    returning: Result {
                        try self.checkRunning()
                        return try work()
                    })
            }
            if !accepted { continuation.resume(returning: nil) }
        }
        guard let result else { throw Problem.unavailable("the node is stopping") }
        return try result.get()
    }
}

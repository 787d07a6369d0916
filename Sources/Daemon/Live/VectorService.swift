internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Storage
internal import Synchronization
internal import Wire

/// Keeps the weights that people's SQL answers with (`docs/sql.md`): what the site serves, written when it has changed
/// and some time has passed. Writing 15,000 rows takes the database a second, so not every round is worth it.
final class VectorService: Sendable {
    /// Between two looks, and between two times that a model is written.
    static let (lookSeconds, restSeconds) = (20.0, 300.0)
    /// Numbers of a model that is written without being asked to: 32 MiB of them.
    static let usualNumbers = 4 << 20

    private let host: NodeHost
    private let graphs: GraphService
    private let models: ModelService
    private let database: Database
    private let log: EventLog
    private struct State {
        var looking: Task<Void, Never>?
        var written: [ModelID: ContinuousClock.Instant] = [:]
    }
    private let state = Mutex(State())

    init(host: NodeHost, graphs: GraphService, models: ModelService, database: Database, log: EventLog) {
        self.host = host
        self.graphs = graphs
        self.models = models
        self.database = database
        self.log = log
    }

    func start() {
        let task = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(Self.lookSeconds))
                await self?.look()
            }
        }
        state.withLock { $0.looking = task }
    }

    func stop() { state.withLock { $0.looking }?.cancel() }

    private func look() async {
        do {
            for model in try await host.ask({ $0.models }) {
                let last = state.withLock { $0.written[model] }
                if let last, (ContinuousClock.now - last) < .seconds(Self.restSeconds) { continue }
                _ = try await write(model, most: Self.usualNumbers)
            }
        } catch is CancellationError {
        } catch { log.debug("no vectors: \(error)") }
    }

    /// Writes what the site serves of a model now.
    func publish(_ request: PublishRequest) async throws -> PublishReport {
        let model = try await models.find(request.agent)
        guard let report = try await write(model, most: .max) else { throw SearchService.gone(request.agent) }
        return report
    }

    /// - Returns: nil for a model that is gone, or has more numbers.
    private func write(_ model: ModelID, most: Int) async throws -> PublishReport? {
        let ids = try await host.ask { $0.models }
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { return nil }
        let graph = try await graphs.current()
        let vocabulary = graph.vocabulary
        guard vocabulary.count * spec.shape.dim <= most else { return nil }
        let adapted = try await models.trainer.served.adapted(of: model, tokens: vocabulary.tokens)
        let parameters: Parameters =
            if let adapted { adapted } else { try await models.parameters(.federated, of: model, graph) }
        let digest = SavedWeights(tokens: vocabulary.tokens, parameters: parameters).digest
        let described = VectorModel(
            model: model.bytes, agent: spec.agent, shape: spec.shape, isAdapted: adapted != nil,
            parent: graphs.key.parentTokens, digest: digest, dense: parameters.dense, vocabulary: vocabulary)
        let schema = database.schema
        let isNew = try await database.working { (connection) throws in
            let store = VectorStore(connection, schema: schema)
            try store.keep(only: ids.map(\.bytes))
            if try store.digest(of: model.bytes) == digest { return false }
            let dim = spec.shape.dim
            try store.replace(described) { row in
                parameters.tokens[row * dim..<(row + 1) * dim].map { Double($0) }
            }
            return true
        }
        if isNew { state.withLock { $0.written[model] = .now } }
        return PublishReport(
            agent: spec.agent, weights: adapted != nil ? "adapted" : "merged", tokens: vocabulary.count, changed: isNew)
    }
}

extension SavedWeights {
    private enum Everything {}

    /// Of everything in it.
    var digest: Bytes {
        let digest: ID32<Everything> = blake2b256(domain: "shoal/vectors/1", bytes)
        return digest.bytes
    }
}

extension VectorModel {
    /// - Parameter dense: as ``ModelShape/tensors`` has them, matrices as [in][out].
    init(
        model: Bytes, agent: String, shape: ModelShape, isAdapted: Bool, parent: RelationTokens, digest: Bytes,
        dense: [Float], vocabulary: LocalVocabulary
    ) {
        var (matrices, gains) = ([Tensor](), [Tensor]())
        for tensor in shape.tensors {
            let numbers = dense[tensor.range].map { Double($0) }
            let isGain = tensor.rows == 1 || tensor.name == "pos_emb"
            let columns = (0..<(isGain ? tensor.rows : tensor.columns)).map { at in
                isGain
                    ? Array(numbers[at * tensor.columns..<(at + 1) * tensor.columns])
                    : stride(from: at, to: numbers.count, by: tensor.columns).map { numbers[$0] }
            }
            if isGain {
                gains.append(Tensor(name: tensor.name, columns: columns))
            } else {
                matrices.append(Tensor(name: tensor.name, columns: columns))
            }
        }
        self.init(
            model: model, agent: agent, dim: shape.dim, heads: shape.heads, layers: shape.layers,
            context: shape.context, isAdapted: isAdapted, parent: parent, digest: digest, matrices: matrices,
            gains: gains, tokens: vocabulary.tokens, nodeCount: vocabulary.nodeCount)
    }
}

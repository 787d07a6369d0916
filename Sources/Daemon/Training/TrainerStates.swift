internal import Federation
internal import Identity
internal import Learning
internal import Replication
internal import Storage
internal import Wire

/// What trainers of this site keep in the database: nothing of it ever leaves the site.
final class TrainerStates: Sendable {
    enum Name: String, Sendable {
        case federated
        case isolated
        case served
        case schedule
        case privacy
    }

    let database: Database
    let network: NetworkID
    /// Own ops behind a saved state that are looked at before its residuals are given up.
    private static let maxLookedAt: UInt64 = 1_000

    init(database: Database, network: NetworkID) {
        self.database = database
        self.network = network
    }

    func save(_ state: TrainerState, of model: ModelID) async throws {
        try await write(state.bytes, .federated, of: model)
    }

    /// The state to train on with.
    ///
    /// A crash may have come between a delta and the next save. What that delta took from the residuals must not be
    /// sent again: then they start anew, and Adam's moments go on from a few rounds before.
    ///
    /// - Parameters:
    ///   - log: this site's log now.
    ///   - seq: where it ends.
    func load(of model: ModelID, shape: ModelShape, log: LogKey, seq: UInt64) async throws -> TrainerState? {
        guard var state = try await moments(of: model, shape: shape) else { return nil }
        if try await hasSealed(model, behind: state.place, log: log, seq: seq) {
            state.residuals = Residuals(shape: shape)
        }
        return state
    }

    /// What was saved, for a training that sends nothing: residuals do not matter to it.
    ///
    /// - Returns: nil as well for what cannot be read: without it training begins anew, and nothing is lost.
    func moments(of model: ModelID, shape: ModelShape) async throws -> TrainerState? {
        try await read(.federated, of: model).flatMap { try? TrainerState(bytes: $0, shape: shape) }
    }

    /// Whether a delta of the model may stand behind `place`.
    private func hasSealed(
        _ model: ModelID, behind place: TrainerState.Place, log: LogKey, seq: UInt64
    ) async throws -> Bool {
        guard place.log == log.log, place.seq <= seq, seq - place.seq <= Self.maxLookedAt else { return true }
        if place.seq == seq { return false }
        let (schema, network) = (database.schema, network)
        return try await database.query { (connection) throws(StorageError) in
            let store = try OpStore(connection, schema: schema, network: network)
            for envelope in try store.envelopes([OpRange(key: log, from: place.seq + 1, through: seq)]) {
                guard let op = try? Op(stored: envelope, network: network) else { return true }
                guard op.header.kind == .updateModelWeights else { continue }
                let body: Bytes?
                if let inline = op.header.inlineBody {
                    body = inline
                } else {
                    body = try store.body(op.header.bodyHash)
                }
                guard let delta = try? body.map({ try Delta(body: $0) }), delta.model != model else { return true }
            }
            return false
        }
    }

    func save(_ weights: SavedWeights, of model: ModelID) async throws {
        try await write(weights.bytes, .isolated, of: model)
    }

    func weights(of model: ModelID) async throws -> SavedWeights? {
        try await read(.isolated, of: model).map { try SavedWeights(bytes: $0) }
    }

    func save(_ state: ServedState, of model: ModelID) async throws {
        try await write(state.bytes, .served, of: model)
    }

    func served(of model: ModelID) async throws -> ServedState? {
        try await read(.served, of: model).flatMap { try? ServedState(bytes: $0) }
    }

    func save(_ standing: TrainerSchedule.Standing, of model: ModelID) async throws {
        try await write(standing.bytes, .schedule, of: model)
    }

    func standing(of model: ModelID) async throws -> TrainerSchedule.Standing? {
        try await read(.schedule, of: model).flatMap { try? TrainerSchedule.Standing(bytes: $0) }
    }

    func save(_ accountant: PrivacyAccountant, of model: ModelID) async throws {
        try await write(accountant.bytes, .privacy, of: model)
    }

    /// What was sent of a model so far; an empty account if nothing was.
    func accountant(of model: ModelID) async throws -> PrivacyAccountant {
        try await read(.privacy, of: model).map { try PrivacyAccountant(bytes: $0) } ?? PrivacyAccountant()
    }

    private func write(_ bytes: Bytes, _ name: Name, of model: ModelID) async throws {
        let schema = database.schema
        try await database.query { (connection) throws(StorageError) in
            try connection.query(
                """
                INSERT INTO "\(schema)".trainer_state (model_id, name, data) VALUES ($1, $2, $3)
                ON CONFLICT (model_id, name) DO UPDATE SET data = excluded.data, updated_at = now()
                """, [.bytes(model.bytes), .text(name.rawValue), .bytes(bytes)])
            return ()
        }
    }

    private func read(_ name: Name, of model: ModelID) async throws -> Bytes? {
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            try connection.query(
                "SELECT data FROM \"\(schema)\".trainer_state WHERE model_id = $1 AND name = $2",
                [.bytes(model.bytes), .text(name.rawValue)]
            ).first?.bytes(0)
        }
    }
}

internal import Identity
internal import Learning
internal import Storage
internal import Wire

/// What trainers of this site keep in the database: nothing of it ever leaves the site.
final class TrainerStates: Sendable {
    enum Name: String, Sendable {
        case federated
        case isolated
    }

    private let database: Database

    init(database: Database) { self.database = database }

    func save(_ state: TrainerState, _ name: Name, of model: ModelID) async throws {
        try await write(state.bytes, name, of: model)
    }

    func load(_ name: Name, of model: ModelID, shape: ModelShape) async throws -> TrainerState? {
        try await read(name, of: model).map { try TrainerState(bytes: $0, shape: shape) }
    }

    func save(_ weights: SavedWeights, of model: ModelID) async throws {
        try await write(weights.bytes, .isolated, of: model)
    }

    func weights(of model: ModelID) async throws -> SavedWeights? {
        try await read(.isolated, of: model).map { try SavedWeights(bytes: $0) }
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

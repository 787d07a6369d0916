public import Identity
public import Wire

/// Fitted weights as they are kept: a number for each feature, by its name.
public struct StoredSearchWeights: Equatable, Sendable {
    public var weights: [String: Double]
    /// How many examples they were fitted to.
    public var examples: Int

    public init(weights: [String: Double], examples: Int) {
        self.weights = weights
        self.examples = examples
    }
}

extension SearchStore {
    /// The weights of an earlier fit; features that did not exist then are missing.
    public func weights(of model: ModelID) throws(StorageError) -> StoredSearchWeights? {
        let rows = try connection.query(
            "SELECT features, weights, examples FROM \(schema).search_weights WHERE model_id = $1",
            [.bytes(model.bytes)], prepared: true)
        guard let row = rows.first else { return nil }
        let pairs = zip(try row.texts(0), try row.doubles(1))
        return StoredSearchWeights(
            weights: Dictionary(pairs) { first, _ in first }, examples: try row.int(2))
    }

    public func save(_ stored: StoredSearchWeights, of model: ModelID) throws(StorageError) {
        let names = stored.weights.keys.sorted()
        try connection.query(
            """
            INSERT INTO \(schema).search_weights (model_id, features, weights, examples) VALUES ($1, $2, $3, $4)
            ON CONFLICT (model_id) DO UPDATE SET features = excluded.features, weights = excluded.weights,
                examples = excluded.examples, updated_at = now()
            """,
            [
                .bytes(model.bytes), .texts(names), .doubles(names.map { stored.weights[$0] ?? 0 }),
                .int64(Int64(stored.examples)),
            ])
    }

    /// Forgets what this site kept of a model for its searches: weights, the log and what was chosen. Its training runs stay.
    public func forget(_ model: ModelID) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            for table in ["search_weights", "inference_log", "trajectories", "centroids"] {
                try connection.query("DELETE FROM \(schema).\(table) WHERE model_id = $1", [.bytes(model.bytes)])
            }
        }
    }
}

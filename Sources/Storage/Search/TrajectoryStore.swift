public import Identity
public import Rules
public import Wire

/// A question whose answer somebody chose, as it is kept.
public struct StoredTrajectory: Equatable, Sendable {
    /// Graph nodes and relations.
    public var context: [TokenID]
    public var choice: TokenID
    /// What else was shown, best first.
    public var others: [TokenID]
    /// Of the choice, from 1.
    public var rank: Int
}

/// Trajectories of searches and predictions, and the centroids that were found in them. One connection, used by one thread.
public struct TrajectoryStore {
    /// The latest that are kept, of all models.
    static let kept = 10_000
    /// Other candidates that are kept of one.
    static let others = 50

    private let connection: Connection
    private let schema: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// Keeps what a chosen answer was chosen from. Nothing without a context: then nobody was anywhere.
    func append(choice id: TokenID) throws(StorageError) {
        let added = try connection.query(
            """
            INSERT INTO \(schema).trajectories (model_id, context_nodes, choice, rank, candidates)
            SELECT l.model_id, l.context_nodes, l.predicted, l.rank, ARRAY(
                SELECT o.predicted FROM \(schema).inference_log o
                WHERE o.created_at = l.created_at AND o.agent = l.agent AND o.context_nodes = l.context_nodes
                    AND o.query IS NOT DISTINCT FROM l.query AND o.predicted <> l.predicted
                ORDER BY o.rank LIMIT \(Self.others))
            FROM \(schema).inference_log l WHERE l.id = $1 AND cardinality(l.context_nodes) > 0
            RETURNING id
            """, [.uuid(id.rawValue)])
        guard let row = added.first else { return }
        try connection.query(
            "DELETE FROM \(schema).trajectories WHERE id <= $1", [.int64(try row.int64(0) - Int64(Self.kept))])
    }

    /// Of a model and of searches without one, the latest last.
    public func trajectories(of model: ModelID) throws(StorageError) -> [StoredTrajectory] {
        let rows = try connection.query(
            """
            SELECT context_nodes, choice, candidates, rank FROM \(schema).trajectories
            WHERE model_id = $1 OR model_id IS NULL ORDER BY id
            """, [.bytes(model.bytes)])
        var found: [StoredTrajectory] = []
        for row in rows {
            found.append(
                StoredTrajectory(
                    context: try row.uuids(0).map(TokenID.init(rawValue:)),
                    choice: TokenID(rawValue: try row.uuid(1)),
                    others: try row.uuids(2).map(TokenID.init(rawValue:)), rank: try row.int(3)))
        }
        return found
    }

    /// Takes the place of what was found before.
    public func save(_ centroids: [Centroid], of model: ModelID) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try connection.query("DELETE FROM \(schema).centroids WHERE model_id = $1", [.bytes(model.bytes)])
            for centroid in centroids {
                let pattern = CentroidPattern(model: model, context: centroid.context, choice: centroid.choice)
                try connection.query(
                    """
                    INSERT INTO \(schema).centroids
                        (pattern_id, model_id, context, choice, size, quality, deviation, confidence)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
                    """,
                    [
                        .bytes(pattern.id.bytes), .bytes(model.bytes), .bytes(centroid.context.storedBytes),
                        .bytes(centroid.choice.storedBytes), .int32(Int32(clamping: centroid.size)),
                        .double(centroid.quality), .double(centroid.deviation), .double(centroid.confidence),
                    ])
            }
        }
    }

    /// What was found last, the most valuable first.
    public func centroids(of model: ModelID) throws(StorageError) -> [Centroid] {
        let rows = try connection.query(
            "SELECT context, choice, size, quality, deviation FROM \(schema).centroids WHERE model_id = $1",
            [.bytes(model.bytes)], prepared: true)
        var found: [Centroid] = []
        for row in rows {
            guard let context = Direction(stored: try row.bytes(0)), let choice = Direction(stored: try row.bytes(1)),
                case let size = try row.int(2), size > 0
            else { continue }
            found.append(
                Centroid(
                    context: context, choice: choice, size: size, quality: try row.double(3),
                    deviation: try row.double(4)))
        }
        return found.sorted { $0.value > $1.value }
    }
}

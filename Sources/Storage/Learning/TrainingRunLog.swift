public import Identity
public import Wire

/// A training run that ended, as `training_runs` keeps it.
public struct TrainingRunRecord: Equatable, Sendable {
    public enum Outcome: String, Sendable {
        case done
        case stopped
        case failed
    }

    public var model: ModelID
    public var agent: String
    /// The text of a JSON object: what the run was told to do, every default filled in.
    public var config: Bytes
    /// `tree`, `edge`, `perspective`, `random` and so on.
    public var walks: String
    /// The ltree path that walks stayed below; nil for the whole graph.
    public var scope: String?
    /// Walks that were trained on.
    public var sequences: Int
    public var steps: Int
    /// Mean loss of the last round, nats.
    public var finalLoss: Double?
    public var durationMs: Int
    public var outcome: Outcome
    public var error: String?

    public init(
        model: ModelID, agent: String, config: Bytes, walks: String, scope: String? = nil, sequences: Int, steps: Int,
        finalLoss: Double?, durationMs: Int, outcome: Outcome, error: String? = nil
    ) {
        self.model = model
        self.agent = agent
        self.config = config
        self.walks = walks
        self.scope = scope
        self.sequences = sequences
        self.steps = steps
        self.finalLoss = finalLoss
        self.durationMs = durationMs
        self.outcome = outcome
        self.error = error
    }
}

/// A run with the time at which it ended.
public struct StoredTrainingRun: Equatable, Sendable {
    public var id: TokenID
    public var run: TrainingRunRecord
    /// Seconds since 1970.
    public var endedAt: Double
}

/// The history of training at this site. One connection, used by one thread.
public struct TrainingRunLog {
    private let connection: Connection
    private let schema: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    public func append(_ run: TrainingRunRecord) throws(StorageError) {
        let ltree = try SearchStore(connection, schema: "shoal").extensionSchema("ltree")
        try connection.query(
            """
            INSERT INTO \(schema).training_runs
                (model_id, agent, config, walk_type, scope, n_sequences, n_steps, final_loss, duration_ms, outcome, error)
            VALUES ($1, $2, convert_from($3, 'UTF8')::jsonb, $4, $5::text::\(ltree).ltree, $6, $7, $8, $9, $10, $11)
            """,
            [
                .bytes(run.model.bytes), .text(run.agent), .bytes(run.config), .text(run.walks), .text(run.scope),
                .int64(Int64(run.sequences)), .int64(Int64(run.steps)), .double(run.finalLoss),
                .int64(Int64(run.durationMs)), .text(run.outcome.rawValue), .text(run.error),
            ])
    }

    /// The latest runs of a model, newest first.
    public func history(of model: ModelID, limit: Int = 20) throws(StorageError) -> [StoredTrainingRun] {
        let rows = try connection.query(
            """
            SELECT id, agent, convert_to(config::text, 'UTF8'), walk_type, scope::text, n_sequences, n_steps, final_loss,
                duration_ms, outcome, error, extract(epoch FROM created_at)::double precision
            FROM \(schema).training_runs WHERE model_id = $1 ORDER BY created_at DESC, id LIMIT $2
            """, [.bytes(model.bytes), .int64(Int64(limit))])
        var runs: [StoredTrainingRun] = []
        for row in rows {
            guard let outcome = TrainingRunRecord.Outcome(rawValue: try row.text(9)) else {
                throw StorageError(
                    .unexpectedData, operation: "read", object: "a training run",
                    cause: "its outcome is '\(try row.text(9))'")
            }
            let run = TrainingRunRecord(
                model: model, agent: try row.text(1), config: try row.bytes(2), walks: try row.text(3),
                scope: try row.optionalText(4), sequences: try row.int(5), steps: try row.int(6),
                finalLoss: try row.optionalDouble(7), durationMs: try row.int(8), outcome: outcome,
                error: try row.optionalText(10))
            runs.append(
                StoredTrainingRun(id: TokenID(rawValue: try row.uuid(0)), run: run, endedAt: try row.double(11)))
        }
        return runs
    }
}

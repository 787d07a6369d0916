public import Graph
public import Identity
public import Wire

/// One question as it is logged, with what was answered.
public struct LoggedInference: Sendable {
    /// Several for an ensemble; none for a search without a model.
    public var models: [ModelID]
    /// Whose models; empty without one.
    public var agent: String
    /// What was searched for; nil for a prediction.
    public var query: String?
    public var context: [TokenID]
    /// Best first.
    public var answers: [(id: TokenID, score: Double)]

    public init(
        models: [ModelID], agent: String, query: String?, context: [TokenID], answers: [(id: TokenID, score: Double)]
    ) {
        self.models = models
        self.agent = agent
        self.query = query
        self.context = context
        self.answers = answers
    }
}

/// What a selection came to.
public enum SelectionOutcome: Equatable, Sendable {
    /// - Parameter edge: whether there is an edge to learn from: a context node and the choice, both still there.
    case recorded(SelectedInference, edge: Bool)
    case already
    case unknown
    /// It answered a question to this other agent's model.
    case foreign(agent: String)
}

/// The chosen answer.
public struct SelectedInference: Equatable, Sendable {
    public var agent: String
    public var query: String?
    public var predicted: TokenID
    /// The last graph node of the context.
    public var source: TokenID?
}

/// The log of answers and selections. One connection, used by one thread.
public struct InferenceLog {
    /// The relation of the edges that selections make.
    public static let relation = "selected"
    /// Answers that nobody chose are kept so long.
    static let keptDays = 90

    private let connection: Connection
    private let schema: String
    private let schemaName: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
        schemaName = schema
    }

    /// - Returns: the id of each answer's row, in their order.
    public func append(_ inference: LoggedInference) throws(StorageError) -> [TokenID] {
        guard !inference.answers.isEmpty else { return [] }
        let rows = try connection.query(
            """
            INSERT INTO \(schema).inference_log
                (model_id, ensemble, agent, query, context_nodes, predicted, rank, score)
            SELECT CASE cardinality($1::bytea[]) WHEN 1 THEN ($1::bytea[])[1] END,
                CASE WHEN cardinality($1::bytea[]) > 1 THEN $1::bytea[] END, $2, $3, $4, predicted, rank, score
            FROM unnest($5::uuid[], $6::double precision[]) WITH ORDINALITY AS answers(predicted, score, rank)
            RETURNING id, rank
            """,
            [
                .bytesArray(inference.models.map(\.bytes)), .text(inference.agent), .text(inference.query),
                .uuids(inference.context.map(\.rawValue)), .uuids(inference.answers.map(\.id.rawValue)),
                .doubles(inference.answers.map(\.score)),
            ], prepared: true)
        var ids = [TokenID](repeating: TokenID(rawValue: 0), count: rows.count)
        for row in rows {
            let rank = try row.int(1)
            guard ids.indices.contains(rank - 1) else {
                throw StorageError(
                    .unexpectedData, operation: "log", object: "an answer", cause: "its rank came back as \(rank)")
            }
            ids[rank - 1] = TokenID(rawValue: try row.uuid(0))
        }
        return ids
    }

    /// Forgets answers that nobody chose for a long time.
    ///
    /// - Returns: how many.
    @discardableResult
    public func prune() throws(StorageError) -> Int {
        try connection.query(
            """
            DELETE FROM \(schema).inference_log
            WHERE NOT selected AND created_at < now() - interval '\(Self.keptDays) days'
            """
        ).affected
    }

    /// Marks an answer as the one that was wanted, and makes it an edge: context node, `selected`, choice, with
    /// the query among its texts. Walks train on it and searches find it again; a second person who chooses the
    /// same adds weight.
    ///
    /// - Parameters:
    ///   - agent: whose answer it must be; nil for anybody's.
    ///   - key: makes the relation's tokens, the same at every site.
    public func select(_ id: TokenID, agent: String?, key: VocabularyKey) throws(StorageError) -> SelectionOutcome {
        try connection.transaction { (connection) throws(StorageError) in
            let rows = try connection.query(
                """
                SELECT l.agent, l.query, l.predicted, l.selected,
                    (SELECT n.id FROM unnest(l.context_nodes) WITH ORDINALITY c(id, place)
                     JOIN \(schema).nodes n ON n.id = c.id ORDER BY c.place DESC LIMIT 1),
                    EXISTS (SELECT FROM \(schema).nodes n WHERE n.id = l.predicted)
                FROM \(schema).inference_log l WHERE l.id = $1 FOR UPDATE OF l
                """, [.uuid(id.rawValue)])
            guard let row = rows.first else { return .unknown }
            let owner = try row.text(0)
            if let agent, agent != owner { return .foreign(agent: owner) }
            if try row.bool(3) { return .already }
            try connection.query(
                "UPDATE \(schema).inference_log SET selected = true WHERE id = $1", [.uuid(id.rawValue)])
            try TrajectoryStore(connection, schema: schemaName).append(choice: id)
            let selected = SelectedInference(
                agent: owner, query: try row.optionalText(1), predicted: TokenID(rawValue: try row.uuid(2)),
                source: try row.optionalUUID(4).map(TokenID.init(rawValue:)))
            let isThere = try row.bool(5)
            guard isThere, let source = selected.source, source != selected.predicted else {
                return .recorded(selected, edge: false)
            }
            try link(source, selected, key)
            return .recorded(selected, edge: true)
        }
    }

    private func link(_ source: TokenID, _ selected: SelectedInference, _ key: VocabularyKey) throws(StorageError) {
        let tokens: RelationTokens
        do {
            tokens = try key.relation(named: Self.relation)
        } catch {
            preconditionFailure("'\(Self.relation)' is a canonical name")
        }
        try connection.query(
            "INSERT INTO \(schema).relations (id, inverse_id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            [.uuid(tokens.forward.rawValue), .uuid(tokens.inverse.rawValue), .text(Self.relation)])
        try connection.query(
            """
            INSERT INTO \(schema).edges AS e (source_id, relation, target_id, weight, metadata)
            VALUES ($1, $2, $3, 1, jsonb_build_object('\(SearchStore.textsKey)',
                CASE WHEN $4::text IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('text', $4)) END))
            ON CONFLICT (source_id, relation, target_id) DO UPDATE SET weight = e.weight + 1,
                metadata = jsonb_set(coalesce(e.metadata, '{}'), '{\(SearchStore.textsKey)}',
                    coalesce(e.metadata -> '\(SearchStore.textsKey)', '[]')
                        || (excluded.metadata -> '\(SearchStore.textsKey)'))
            """,
            [
                .uuid(source.rawValue), .uuid(tokens.forward.rawValue), .uuid(selected.predicted.rawValue),
                .text(selected.query),
            ])
    }
}

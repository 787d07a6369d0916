public import Graph
public import Wire

/// Weights as `predict_next` and `search` of the schema answer with them.
public struct VectorModel: Sendable {
    public struct Tensor: Sendable {
        public var name: String
        /// A matrix by columns: what each output multiplies its input with.
        public var columns: [[Double]]

        public init(name: String, columns: [[Double]]) {
            (self.name, self.columns) = (name, columns)
        }
    }

    public var model: Bytes
    public var agent: String
    public var dim: Int
    public var heads: Int
    public var layers: Int
    public var context: Int
    /// Whether they are the site's own adaptation.
    public var isAdapted: Bool
    /// The tokens of the tree.
    public var parent: RelationTokens
    /// Tells whether these are the weights that are there already.
    public var digest: Bytes
    public var matrices: [Tensor]
    /// Positions, and gains of norms: a row each.
    public var gains: [Tensor]
    /// Graph nodes first.
    public var tokens: [TokenID]
    public var nodeCount: Int

    public init(
        model: Bytes, agent: String, dim: Int, heads: Int, layers: Int, context: Int, isAdapted: Bool,
        parent: RelationTokens, digest: Bytes, matrices: [Tensor], gains: [Tensor], tokens: [TokenID], nodeCount: Int
    ) {
        self.model = model
        self.agent = agent
        self.dim = dim
        self.heads = heads
        self.layers = layers
        self.context = context
        self.isAdapted = isAdapted
        self.parent = parent
        self.digest = digest
        self.matrices = matrices
        self.gains = gains
        self.tokens = tokens
        self.nodeCount = nodeCount
    }
}

/// Keeps what SQL answers with. One connection, used by one thread.
public struct VectorStore {
    private let connection: Connection
    private let schema: String

    /// - Parameter schema: holds the tables; created by ``Schema/migrate(_:)``.
    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// Which weights of a model are there; nil for none.
    public func digest(of model: Bytes) throws(StorageError) -> Bytes? {
        try connection.query("SELECT digest FROM \(schema).vector_models WHERE model_id = $1", [.bytes(model)]).first
            .map { (row) throws(StorageError) in try row.bytes(0) }
    }

    /// Forgets models that there are no more.
    public func keep(only models: [Bytes]) throws(StorageError) {
        try connection.query(
            "DELETE FROM \(schema).vector_models WHERE model_id <> ALL($1)", [.bytesArray(models)])
    }

    /// Replaces the weights of a model, in one transaction: whoever asks meanwhile has the former ones.
    ///
    /// - Parameter row: the numbers of the token at an index, `dim` of them.
    public func replace(
        _ model: VectorModel, row: (Int) -> [Double]
    ) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try connection.query("DELETE FROM \(schema).vector_models WHERE model_id = $1", [.bytes(model.model)])
            try connection.query(
                """
                INSERT INTO \(schema).vector_models
                    (model_id, agent, dim, heads, layers, context, weights, parent, child, digest)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                """,
                [
                    .bytes(model.model), .text(model.agent), .int32(Int32(model.dim)), .int32(Int32(model.heads)),
                    .int32(Int32(model.layers)), .int32(Int32(model.context)),
                    .text(model.isAdapted ? "adapted" : "merged"), .uuid(model.parent.forward.rawValue),
                    .uuid(model.parent.inverse.rawValue), .bytes(model.digest),
                ])
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_vectors (
                    tensor text, at integer, token uuid, numbers double precision[]) ON COMMIT DROP
                """)
            try connection.copyIn("pg_temp.staged_vectors", columns: ["tensor", "at", "token", "numbers"]) {
                (writer) throws(StorageError) in
                try Self.stage(model, row, &writer)
            }
            try insert(model, connection)
        }
    }

    private static let (rows, gains) = ("rows", "gains ")

    private static func stage(
        _ model: VectorModel, _ row: (Int) -> [Double], _ writer: inout CopyWriter
    ) throws(StorageError) {
        for (prefix, tensors) in [("", model.matrices), (gains, model.gains)] {
            for tensor in tensors {
                for (at, numbers) in tensor.columns.enumerated() {
                    try writer.row()
                    try writer.text(prefix + tensor.name)
                    writer.int32(Int32(at + 1))
                    writer.null()
                    try writer.field(.doubles(numbers))
                }
            }
        }
        for (at, token) in model.tokens.enumerated() {
            try writer.row()
            try writer.text(rows)
            writer.int32(Int32(at))
            writer.uuid(token.rawValue)
            try writer.field(.doubles(row(at)))
        }
    }

    private func insert(_ model: VectorModel, _ connection: Connection) throws(StorageError) {
        try connection.query(
            """
            INSERT INTO \(schema).vector_tokens (model_id, part, token, is_node, vector, square)
            SELECT $1, p.part, v.token, v.at < $2, p.vector, p.square
            FROM pg_temp.staged_vectors v CROSS JOIN LATERAL \(schema).vector_parts(ARRAY[v.numbers]) p
            WHERE v.tensor = '\(Self.rows)'
            """, [.bytes(model.model), .int32(Int32(model.nodeCount))])
        try connection.query(
            """
            INSERT INTO \(schema).vector_tensors (model_id, tensor, at, part, vector, square)
            SELECT $1, v.tensor, v.at, p.part, p.vector, p.square
            FROM pg_temp.staged_vectors v CROSS JOIN LATERAL \(schema).vector_parts(ARRAY[v.numbers]) p
            WHERE v.tensor <> '\(Self.rows)' AND NOT starts_with(v.tensor, '\(Self.gains)')
            """, [.bytes(model.model)])
        try connection.query(
            """
            INSERT INTO \(schema).vector_gains (model_id, tensor, at, numbers)
            SELECT $1, substr(v.tensor, \(Self.gains.count + 1)), v.at, v.numbers
            FROM pg_temp.staged_vectors v WHERE starts_with(v.tensor, '\(Self.gains)')
            """, [.bytes(model.model)])
    }
}

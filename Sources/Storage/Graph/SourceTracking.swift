/// What one named source (a file, a folder) gave the graph, so that importing it again replaces that.
///
/// Works on what an import has staged in this transaction: `pg_temp.staged_triples` (source_id, relation,
/// target_id) and, for the graph itself, `pg_temp.staged_nodes` (id). A row lists its sources in `imports`; the
/// mark 0 stands for "was there before, from no source" and keeps a row for good.
struct SourceTracking {
    private let connection: Connection
    /// Quoted.
    private let schema: String
    private let split: GraphSplit
    /// The number of the source in the table `imports`.
    let number: Int32

    /// Finds the source, or makes it known. Nil without a name.
    ///
    /// The row is locked to the end of the transaction: two imports of one source wait for each other.
    init?(
        _ connection: Connection, schema: String, source: String?, split: GraphSplit, records: Int
    ) throws(StorageError) {
        guard let source else { return nil }
        self.connection = connection
        self.schema = schema
        self.split = split
        number = Int32(
            try connection.row(
                """
                INSERT INTO \(schema).imports (source, split, records) VALUES ($1, $2, $3)
                ON CONFLICT (source, split) DO UPDATE SET records = excluded.records, imported_at = now()
                RETURNING id
                """, [.text(source), .text(split.rawValue), .int64(Int64(records))]
            ).int64(0))
    }

    /// The value of `imports` in a new row, as SQL.
    static func mark(_ tracking: SourceTracking?) -> String {
        tracking.map { "ARRAY[\($0.number)]" } ?? "'{}'::integer[]"
    }

    private static let sameTriple =
        "s.source_id = t.source_id AND s.relation = t.relation AND s.target_id = t.target_id"

    private var table: String { split == .train ? "\(schema).edges" : "\(schema).holdout" }
    /// In the table of held-out triples, those of this part alone.
    private var part: String { split == .train ? "true" : "t.split = '\(split.rawValue)'" }
    private var added: String { "CASE WHEN t.imports = '{}' THEN ARRAY[0, \(number)] ELSE t.imports || \(number) END" }

    /// Marks what was there already and is in the source as well.
    func claim() throws(StorageError) {
        try connection.query(
            """
            UPDATE \(table) t SET imports = \(added) FROM pg_temp.staged_triples s
            WHERE \(Self.sameTriple) AND \(part) AND NOT t.imports @> ARRAY[\(number)]
            """)
        guard split == .train else { return }
        try connection.query(
            """
            UPDATE \(schema).nodes t SET imports = \(added) FROM pg_temp.staged_nodes s
            WHERE s.id = t.id AND NOT t.imports @> ARRAY[\(number)]
            """)
    }

    /// Takes away what the source gave and has no more: edges (or held-out triples) that no other source has,
    /// then graph nodes and relations that nothing holds any more. A graph node that has an edge, a child, a
    /// perspective or an association stays.
    func removeVanished(_ counts: inout ImportCounts) throws(StorageError) {
        let isGone = """
            \(part) AND t.imports @> ARRAY[\(number)]
            AND NOT EXISTS (SELECT FROM pg_temp.staged_triples s WHERE \(Self.sameTriple))
            """
        counts.removedEdges = try connection.query(
            "DELETE FROM \(table) t WHERE \(isGone) AND t.imports = ARRAY[\(number)]"
        ).affected
        try connection.query(
            "UPDATE \(table) t SET imports = array_remove(t.imports, \(number)) WHERE \(isGone)")
        guard split == .train else { return }
        while true {
            let removed = try connection.query(
                """
                DELETE FROM \(schema).nodes t WHERE t.imports = ARRAY[\(number)] AND NOT EXISTS (
                    SELECT FROM pg_temp.staged_nodes s WHERE s.id = t.id) AND \(unheld)
                """
            ).affected
            counts.removedNodes += removed
            if removed == 0 { break }
        }
        try connection.query(
            """
            UPDATE \(schema).nodes t SET imports = coalesce(nullif(array_remove(t.imports, \(number)), '{}'), ARRAY[0])
            WHERE t.imports @> ARRAY[\(number)] AND NOT EXISTS (
                SELECT FROM pg_temp.staged_nodes s WHERE s.id = t.id)
            """)
        if counts.removedEdges > 0 {
            try connection.query(
                """
                DELETE FROM \(schema).relations r
                WHERE NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.relation = r.id)
                """)
        }
    }

    /// A graph node `t` that nothing refers to.
    private var unheld: String {
        """
        NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.source_id = t.id)
        AND NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.target_id = t.id)
        AND NOT EXISTS (SELECT FROM \(schema).nodes c WHERE c.parent_id = t.id)
        AND NOT EXISTS (SELECT FROM \(schema).perspectives p WHERE p.node_id = t.id OR p.context_id = t.id)
        AND NOT EXISTS (SELECT FROM \(schema).associations a WHERE a.source_id = t.id OR a.target_id = t.id)
        """
    }
}

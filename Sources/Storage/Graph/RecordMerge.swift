import Graph
import Wire

/// The second half of an import of records: what was staged goes into the graph.
///
/// In the order of keys, so that two imports at once wait for each other instead of deadlocking.
struct RecordMerge {
    let connection: Connection
    /// Quoted.
    let schema: String

    /// - Returns: what was done, and the fault of a line that only the whole file shows; the caller rolls back.
    func run(source: String?) throws(StorageError) -> (RecordImportCounts, JSONLFault?) {
        try connection.script("ANALYZE pg_temp.staged_records")
        var counts = try stagedCounts()
        if let fault = try repeatedNode() { return (counts, fault) }
        let tracking = try SourceTracking(
            connection, schema: schema, source: source, split: .train, records: counts.records)
        let mark = SourceTracking.mark(tracking)
        try stagePaths()
        try mergeNodes(mark, &counts)
        try mergeEdges(mark, &counts)
        // Before what joins all of it: a plan for the few rows of yesterday would take hours.
        if counts.newNodes + counts.newEdges > 0 {
            try connection.script("ANALYZE \(schema).nodes; ANALYZE \(schema).edges")
        }
        try mergePerspectives(&counts)
        if let tracking { try replaceEarlier(tracking, &counts) }
        return (counts, try setPaths())
    }

    private func stagedCounts() throws(StorageError) -> RecordImportCounts {
        let row = try connection.row(
            """
            SELECT count(*), count(*) FILTER (WHERE record = 0), count(*) FILTER (WHERE record = 1),
                count(*) FILTER (WHERE record = 2)
            FROM pg_temp.staged_records
            """)
        var counts = RecordImportCounts()
        counts.records = try row.int(0)
        counts.nodes = try row.int(1)
        counts.edges = try row.int(2)
        counts.perspectives = try row.int(3)
        return counts
    }

    private func repeatedNode() throws(StorageError) -> JSONLFault? {
        let rows = try connection.query(
            """
            SELECT min(a_name), (array_agg(line ORDER BY line))[1:2] FROM pg_temp.staged_records WHERE record = 0
            GROUP BY a_id HAVING count(*) > 1 ORDER BY 2 LIMIT 1
            """)
        guard let row = rows.first else { return nil }
        let lines = try row.int64s(1)
        return JSONLFault(
            line: Int(lines[1]), column: 1, reason: .repeatedNode(try row.text(0), firstLine: Int(lines[0])))
    }

    /// First those that are only mentioned: a described one may be their child.
    private func mergeNodes(_ mark: String, _ counts: inout RecordImportCounts) throws(StorageError) {
        let ltree = try ltreeSchema()
        counts.newNodes += try connection.query(
            """
            INSERT INTO \(schema).nodes (id, name, canonical, content, imports)
            SELECT DISTINCT ON (id) id, name, canonical, name, \(mark) FROM (
                SELECT a_id AS id, a_name AS name, a_canonical AS canonical FROM pg_temp.staged_records
                WHERE record <> 0
                UNION ALL SELECT b_id, b_name, b_canonical FROM pg_temp.staged_records WHERE b_id IS NOT NULL
            ) mentioned
            WHERE NOT EXISTS (SELECT FROM pg_temp.staged_records s WHERE s.record = 0 AND s.a_id = mentioned.id)
            ORDER BY id, name ON CONFLICT DO NOTHING
            """
        ).affected
        counts.newNodes += try connection.query(
            """
            INSERT INTO \(schema).nodes
                (id, name, canonical, kind, language, content, parent_id, position, path, metadata,
                imports)
            SELECT a_id, a_name, a_canonical, kind, language, coalesce(content, a_name), b_id, position,
                p.path::\(ltree).ltree, coalesce(metadata, '{}'), \(mark)
            FROM pg_temp.staged_records LEFT JOIN pg_temp.staged_paths p ON p.id = a_id
            WHERE record = 0 ORDER BY a_id ON CONFLICT DO NOTHING
            """
        ).affected
        counts.updatedNodes = try connection.query(
            """
            UPDATE \(schema).nodes n SET kind = s.kind, language = s.language,
                content = coalesce(s.content, s.a_name), parent_id = s.b_id, position = s.position,
                metadata = coalesce(s.metadata, '{}')
            FROM pg_temp.staged_records s
            WHERE s.record = 0 AND n.id = s.a_id
                AND (n.kind, n.language, n.content, n.parent_id, n.position, n.metadata) IS DISTINCT FROM
                    (s.kind, s.language, coalesce(s.content, s.a_name), s.b_id, s.position,
                     coalesce(s.metadata, '{}'))
            """
        ).affected
    }

    /// Of an edge that the file has twice, the last line counts.
    private func mergeEdges(_ mark: String, _ counts: inout RecordImportCounts) throws(StorageError) {
        counts.newRelations = try connection.query(
            """
            INSERT INTO \(schema).relations (id, inverse_id, name)
            SELECT DISTINCT ON (relation) relation, inverse, relation_name FROM pg_temp.staged_records
            WHERE record = 1 ORDER BY relation ON CONFLICT DO NOTHING
            """
        ).affected
        let row = try connection.row(
            """
            WITH merged AS (
                INSERT INTO \(schema).edges AS e (source_id, relation, target_id, weight, metadata, imports)
                SELECT DISTINCT ON (a_id, relation, b_id) a_id, relation, b_id, weight, metadata, \(mark)
                FROM pg_temp.staged_records WHERE record = 1 ORDER BY a_id, relation, b_id, line DESC
                ON CONFLICT (source_id, relation, target_id) DO UPDATE
                    SET weight = excluded.weight, metadata = excluded.metadata
                    WHERE (e.weight, e.metadata) IS DISTINCT FROM (excluded.weight, excluded.metadata)
                RETURNING xmax = 0 AS is_new
            )
            SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged
            """)
        counts.newEdges = try row.int(0)
        counts.updatedEdges = try row.int(1)
    }

    /// An agent that is new is made. Of a perspective that the file has twice, the last line counts.
    private func mergePerspectives(_ counts: inout RecordImportCounts) throws(StorageError) {
        guard counts.perspectives > 0 else { return }
        try connection.script(
            """
            INSERT INTO \(schema).agents (name)
            SELECT DISTINCT agent FROM pg_temp.staged_records WHERE record = 2 ORDER BY agent ON CONFLICT DO NOTHING
            """)
        let row = try connection.row(
            """
            WITH merged AS (
                INSERT INTO \(schema).perspectives AS p (agent_id, node_id, weight, context_id, reasoning)
                SELECT DISTINCT ON (a.id, s.a_id, s.b_id) a.id, s.a_id, s.weight, s.b_id, s.reasoning
                FROM pg_temp.staged_records s JOIN \(schema).agents a ON a.name = s.agent
                WHERE record = 2 ORDER BY a.id, s.a_id, s.b_id, line DESC
                ON CONFLICT (agent_id, node_id, context_id) DO UPDATE
                    SET weight = excluded.weight, reasoning = excluded.reasoning, updated_at = now()
                    WHERE (p.weight, p.reasoning) IS DISTINCT FROM (excluded.weight, excluded.reasoning)
                RETURNING xmax = 0 AS is_new
            )
            SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged
            """)
        counts.newPerspectives = try row.int(0)
        counts.updatedPerspectives = try row.int(1)
    }

    /// Takes away what an earlier version of the source gave, and this one lacks.
    private func replaceEarlier(_ tracking: SourceTracking, _ counts: inout RecordImportCounts) throws(StorageError) {
        try connection.script(
            """
            CREATE TEMPORARY TABLE staged_nodes ON COMMIT DROP AS
                SELECT a_id AS id FROM pg_temp.staged_records
                UNION SELECT b_id FROM pg_temp.staged_records WHERE b_id IS NOT NULL;
            CREATE TEMPORARY TABLE staged_triples ON COMMIT DROP AS
                SELECT DISTINCT a_id AS source_id, relation, b_id AS target_id FROM pg_temp.staged_records
                WHERE record = 1;
            ANALYZE pg_temp.staged_nodes; ANALYZE pg_temp.staged_triples
            """)
        try tracking.claim()
        var removed = ImportCounts()
        try tracking.removeVanished(&removed)
        counts.removedNodes = removed.removedNodes
        counts.removedEdges = removed.removedEdges
    }
}

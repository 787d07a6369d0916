import Graph

extension RecordMerge {
    /// Marks what the staged records gave as given by `source`, and deletes what only its earlier version gave.
    ///
    /// A node that is only mentioned is given as well: it goes when nothing mentions it any more.
    func replaceEarlier(_ source: String, _ counts: inout RecordImportCounts) throws(StorageError) {
        let number = try connection.row(
            """
            INSERT INTO \(schema).imports (source, split, records) VALUES ($1, 'train', $2)
            ON CONFLICT (source, split) DO UPDATE SET records = excluded.records, imported_at = now()
            RETURNING id
            """, [.text(source), .int64(Int64(counts.records))]
        ).int64(0)
        try connection.script(
            """
            CREATE TEMPORARY TABLE given_nodes ON COMMIT DROP AS
                SELECT DISTINCT a_id AS id FROM pg_temp.staged_records
                UNION SELECT b_id FROM pg_temp.staged_records WHERE b_id IS NOT NULL;
            CREATE TEMPORARY TABLE given_edges ON COMMIT DROP AS
                SELECT DISTINCT a_id, relation, b_id FROM pg_temp.staged_records WHERE record = 1;
            ANALYZE pg_temp.given_nodes; ANALYZE pg_temp.given_edges;

            UPDATE \(schema).nodes n SET imports = imports || \(number) FROM pg_temp.given_nodes g
            WHERE n.id = g.id AND NOT \(number) = ANY (imports);
            UPDATE \(schema).edges e SET imports = imports || \(number) FROM pg_temp.given_edges g
            WHERE e.source_id = g.a_id AND e.relation = g.relation AND e.target_id = g.b_id
                AND NOT \(number) = ANY (imports);

            UPDATE \(schema).edges e SET imports = array_remove(imports, \(number))
            WHERE \(number) = ANY (imports) AND cardinality(imports) > 1 AND NOT EXISTS (
                SELECT FROM pg_temp.given_edges g
                WHERE e.source_id = g.a_id AND e.relation = g.relation AND e.target_id = g.b_id);
            UPDATE \(schema).nodes n SET imports = array_remove(imports, \(number))
            WHERE \(number) = ANY (imports) AND cardinality(imports) > 1
                AND NOT EXISTS (SELECT FROM pg_temp.given_nodes g WHERE g.id = n.id);
            """)
        counts.removedEdges = try connection.query(
            """
            DELETE FROM \(schema).edges e WHERE imports = ARRAY[\(number)] AND NOT EXISTS (
                SELECT FROM pg_temp.given_edges g
                WHERE e.source_id = g.a_id AND e.relation = g.relation AND e.target_id = g.b_id)
            """
        ).affected
        // Nobody else gives the node: what leads to it from elsewhere leads nowhere.
        counts.removedNodes = try connection.query(
            """
            DELETE FROM \(schema).nodes n WHERE imports = ARRAY[\(number)]
                AND NOT EXISTS (SELECT FROM pg_temp.given_nodes g WHERE g.id = n.id)
                AND NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.source_id = n.id)
                AND NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.target_id = n.id)
            """
        ).affected
    }
}

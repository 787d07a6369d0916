import Graph

extension RecordMerge {
    /// Works out the paths of described nodes before they are inserted: a second write of each row, with all its
    /// indexes, would double the time of a large import. ``setPaths()`` has the last word.
    func stagePaths() throws(StorageError) {
        try connection.script(
            """
            CREATE TEMPORARY TABLE staged_paths (id uuid, path text) ON COMMIT DROP;
            WITH RECURSIVE described AS (
                SELECT a_id, b_id, label, parent_label FROM pg_temp.staged_records WHERE record = 0
            ), down (id, path, depth) AS (
                SELECT a_id, CASE WHEN d.b_id IS NULL THEN label
                    ELSE \(Self.joined("coalesce(p.path::text, parent_label)", "label")) END, 2
                FROM described d LEFT JOIN \(schema).nodes p ON p.id = d.b_id
                WHERE NOT EXISTS (SELECT FROM described o WHERE o.a_id = d.b_id)
                    AND (d.b_id IS NOT NULL OR EXISTS (SELECT FROM described c WHERE c.b_id = d.a_id))
                UNION ALL
                SELECT d.a_id, \(Self.joined("down.path", "d.label")), depth + 1
                FROM down JOIN described d ON d.b_id = down.id WHERE depth <= \(TreeLabel.maxDepth)
            )
            INSERT INTO pg_temp.staged_paths SELECT id, path FROM down;
            ANALYZE pg_temp.staged_paths
            """)
    }

    /// Gives every node that has a parent or children its ltree path: the labels from its topmost ancestor to it.
    /// All trees that the import touched are walked, since a node that moved takes along what is below it.
    ///
    /// - Returns: the fault when parents form a circle, or are more than ``TreeLabel/maxDepth``.
    func setPaths() throws(StorageError) -> JSONLFault? {
        let ltree = try ltreeSchema()
        try connection.script(
            """
            CREATE TEMPORARY TABLE staged_labels (id uuid, label text) ON COMMIT DROP;
            INSERT INTO pg_temp.staged_labels
                SELECT a_id, label FROM pg_temp.staged_records WHERE record = 0
                UNION ALL
                SELECT DISTINCT b_id, parent_label FROM pg_temp.staged_records p WHERE record = 0 AND b_id IS NOT NULL
                    AND NOT EXISTS (SELECT FROM pg_temp.staged_records s WHERE s.record = 0 AND s.a_id = p.b_id);
            ANALYZE pg_temp.staged_labels;

            CREATE TEMPORARY TABLE staged_ancestors (id uuid, depth integer) ON COMMIT DROP;
            WITH RECURSIVE up (id, depth) AS (
                SELECT DISTINCT a_id, 1 FROM pg_temp.staged_records r WHERE record = 0 AND (b_id IS NOT NULL
                    OR EXISTS (SELECT FROM \(schema).nodes c WHERE c.parent_id = r.a_id))
                UNION
                SELECT n.parent_id, depth + 1 FROM up JOIN \(schema).nodes n ON n.id = up.id
                WHERE n.parent_id IS NOT NULL AND depth <= \(TreeLabel.maxDepth)
            )
            INSERT INTO pg_temp.staged_ancestors SELECT id, depth FROM up;
            """)
        if let fault = try tooDeep() { return fault }
        try connection.script(
            """
            WITH RECURSIVE tree (id, path, depth) AS (
                SELECT DISTINCT n.id, \(Self.label(of: "n")), 1
                FROM pg_temp.staged_ancestors a JOIN \(schema).nodes n ON n.id = a.id
                LEFT JOIN pg_temp.staged_labels l ON l.id = n.id
                WHERE n.parent_id IS NULL
                UNION ALL
                SELECT c.id, \(Self.joined("tree.path", Self.label(of: "c"))), depth + 1
                FROM tree JOIN \(schema).nodes c ON c.parent_id = tree.id
                LEFT JOIN pg_temp.staged_labels l ON l.id = c.id
                WHERE depth < \(TreeLabel.maxDepth)
            )
            UPDATE \(schema).nodes n SET path = tree.path::\(ltree).ltree FROM tree
            WHERE n.id = tree.id AND n.path::text IS DISTINCT FROM tree.path;

            UPDATE \(schema).nodes n SET path = NULL FROM pg_temp.staged_records r
            WHERE r.record = 0 AND r.b_id IS NULL AND n.id = r.a_id AND n.path IS NOT NULL
                AND NOT EXISTS (SELECT FROM \(schema).nodes c WHERE c.parent_id = n.id)
            """)
        return nil
    }

    /// The label that the import gives, or the last of the path that the node has, or its id.
    private static func label(of node: String) -> String {
        """
        coalesce(l.label, regexp_replace(\(node).path::text, '^.*\\.', ''), replace(\(node).id::text, '-', ''))
        """
    }

    /// A label below a path, as SQL: itself, or below a long path its hash, which keeps paths within their index.
    private static func joined(_ path: String, _ label: String) -> String {
        """
        \(path) || '.' || CASE WHEN octet_length(\(path)) > \(TreeLabel.maxReadableBytes) AND left(\(label), 2) <> '_h'
            THEN '_h' || left(encode(sha256(convert_to(\(label), 'UTF8')), 'hex'), 12) ELSE \(label) END
        """
    }

    private func tooDeep() throws(StorageError) -> JSONLFault? {
        let rows = try connection.query(
            """
            SELECT n.name, coalesce(min(r.line), 0) FROM pg_temp.staged_ancestors a
            JOIN \(schema).nodes n ON n.id = a.id
            LEFT JOIN pg_temp.staged_records r ON r.a_id = n.id AND r.record = 0
            WHERE depth > \(TreeLabel.maxDepth) GROUP BY n.name ORDER BY 2 DESC, 1 LIMIT 1
            """)
        guard let row = rows.first else { return nil }
        return JSONLFault(line: try row.int(1), column: 1, reason: .parentsTooDeep(try row.text(0)))
    }

    /// Quoted.
    func ltreeSchema() throws(StorageError) -> String {
        Schema.quote(
            try connection.row(
                "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = $1",
                [.text("ltree")]
            ).text(0))
    }
}

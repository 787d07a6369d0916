extension Migration {
    /// For people with psql.
    static let views = Migration(number: 5, name: "views") { names in
        let s = names.schema
        return """
            CREATE VIEW \(s).status AS SELECT
                (SELECT count(*) FROM \(s).nodes) AS nodes,
                (SELECT count(*) FROM \(s).relations) AS relations,
                (SELECT count(*) FROM \(s).edges) AS edges,
                (SELECT count(*) FROM \(s).holdout) AS held_out,
                (SELECT count(*) FROM \(s).operations) AS ops,
                (SELECT count(*) FROM \(s).operations WHERE void_code IS NOT NULL) AS void_ops,
                (SELECT coalesce(sum(octet_length(body)), 0)::bigint FROM \(s).bodies) AS body_bytes,
                (SELECT max(apply_index) FROM \(s).operations) AS applied,
                (SELECT value::bigint FROM \(s).node_meta WHERE key = 'watermark') AS watermark,
                (SELECT max(number) FROM \(s).schema_migrations) AS schema_version;

            CREATE VIEW \(s).models AS SELECT
                encode(o.op_id, 'hex') AS model,
                encode(o.author, 'hex') AS author,
                o.created_at,
                (SELECT count(*) FROM \(s).model_weights w WHERE w.model_id = o.op_id) AS tensors,
                (SELECT count(*) FROM \(s).model_rows r WHERE r.model_id = o.op_id) AS trained_rows,
                (SELECT max(updated_at) FROM \(s).model_weights w WHERE w.model_id = o.op_id) AS written_at
            FROM \(s).operations o WHERE o.kind = 5 AND o.void_code IS NULL;

            CREATE VIEW \(s).peers AS SELECT
                encode(author, 'hex') AS peer,
                count(DISTINCT log) AS logs,
                count(*) AS ops,
                count(*) FILTER (WHERE void_code IS NOT NULL) AS void_ops,
                sum(octet_length(envelope) + body_length)::bigint AS bytes,
                max(created_at) AS last_op_at
            FROM \(s).operations GROUP BY author;

            CREATE VIEW \(s).triples AS SELECT
                h.content AS head, r.name AS relation, t.content AS tail, e.weight
            FROM \(s).edges e
            JOIN \(s).nodes h ON h.id = e.source_id
            JOIN \(s).relations r ON r.id = e.relation
            JOIN \(s).nodes t ON t.id = e.target_id;
            """
    }
}

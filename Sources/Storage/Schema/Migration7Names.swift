extension Migration {
    /// A graph node's canonical name, apart from its content: of an entity they are the same, of a section
    /// one is `page.md#slug` and the other its text.
    static let names = Migration(number: 7, name: "names") { names in
        let s = names.schema
        return """
            ALTER TABLE \(s).nodes ADD COLUMN name text;
            UPDATE \(s).nodes SET name = content;
            ALTER TABLE \(s).nodes ALTER COLUMN name SET NOT NULL;
            COMMENT ON COLUMN \(s).nodes.name IS 'The canonical name, from which the id is derived';
            DROP INDEX \(s).nodes_start, \(s).nodes_trigrams;
            CREATE INDEX nodes_name ON \(s).nodes (name text_pattern_ops);
            CREATE INDEX nodes_trigrams ON \(s).nodes
                USING gin (left(name, 120) \(names.trigram).gin_trgm_ops);

            CREATE OR REPLACE VIEW \(s).triples AS SELECT
                h.name AS head, r.name AS relation, t.name AS tail, e.weight
            FROM \(s).edges e
            JOIN \(s).nodes h ON h.id = e.source_id
            JOIN \(s).relations r ON r.id = e.relation
            JOIN \(s).nodes t ON t.id = e.target_id;
            """
    }
}

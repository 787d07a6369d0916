extension Migration {
    /// The site's graph (design §4).
    ///
    /// Ids are content-derived (16 bytes, shown as uuid). Edges have no foreign keys: the import
    /// inserts nodes and edges in one transaction, and a check per edge would triple its time.
    static let graph = Migration(number: 1, name: "graph") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).nodes (
                id          uuid PRIMARY KEY,
                kind        text NOT NULL DEFAULT 'entity',
                language    text,
                content     text NOT NULL,
                parent_id   uuid REFERENCES \(s).nodes ON DELETE SET NULL,
                position    integer NOT NULL DEFAULT 0,
                path        \(names.ltree).ltree,
                metadata    jsonb NOT NULL DEFAULT '{}',
                created_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).nodes IS 'Graph nodes; content is the name of an entity, or the text of a section';
            CREATE INDEX nodes_parent ON \(s).nodes (parent_id, position) WHERE parent_id IS NOT NULL;
            CREATE INDEX nodes_path ON \(s).nodes USING gist (path) WHERE path IS NOT NULL;
            CREATE INDEX nodes_start ON \(s).nodes (left(content, 120) text_pattern_ops);
            CREATE INDEX nodes_words ON \(s).nodes
                USING gin (to_tsvector('pg_catalog.english', left(content, 100000)));
            CREATE INDEX nodes_trigrams ON \(s).nodes
                USING gin (left(content, 120) \(names.trigram).gin_trgm_ops);

            CREATE TABLE \(s).relations (
                id          uuid PRIMARY KEY,
                inverse_id  uuid NOT NULL UNIQUE,
                name        text NOT NULL,
                created_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON COLUMN \(s).relations.inverse_id IS 'The token of the same relation read from tail to head';

            CREATE TABLE \(s).edges (
                source_id   uuid NOT NULL,
                relation    uuid NOT NULL,
                target_id   uuid NOT NULL,
                weight      double precision NOT NULL DEFAULT 1,
                metadata    jsonb,
                PRIMARY KEY (source_id, relation, target_id)
            );
            CREATE INDEX edges_target ON \(s).edges (target_id);

            CREATE TABLE \(s).holdout (
                split       text NOT NULL CHECK (split IN ('valid', 'test')),
                position    bigint GENERATED ALWAYS AS IDENTITY,
                source_id   uuid NOT NULL,
                relation    uuid NOT NULL,
                target_id   uuid NOT NULL,
                PRIMARY KEY (split, source_id, relation, target_id)
            );
            COMMENT ON TABLE \(s).holdout IS 'Triples kept for evaluation: never in walks, and no node or relation need exist';
            """
    }
}

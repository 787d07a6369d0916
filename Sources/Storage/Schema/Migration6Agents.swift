extension Migration {
    /// Who sees the graph how (design §4), and which import gave which part of it.
    ///
    /// `imports` of a node, an edge or a held-out triple lists the imports whose latest version has it; what no
    /// import lists was made otherwise and no import takes it away. An array in the row costs a re-import
    /// nothing where nothing changed, a table of pairs would double every import.
    static let agents = Migration(number: 6, name: "agents") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).agents (
                id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                name        text NOT NULL UNIQUE CHECK (name <> ''),
                kind        text NOT NULL DEFAULT 'human' CHECK (kind IN ('human', 'llm', 'tool', 'swarm')),
                model       text,
                config      jsonb NOT NULL DEFAULT '{}',
                created_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).agents IS 'Who holds perspectives and associations; never leaves this node';

            CREATE TABLE \(s).perspectives (
                agent_id    integer NOT NULL REFERENCES \(s).agents ON DELETE CASCADE,
                node_id     uuid NOT NULL REFERENCES \(s).nodes ON DELETE CASCADE,
                weight      double precision NOT NULL CHECK (weight BETWEEN -1 AND 1),
                context_id  uuid REFERENCES \(s).nodes ON DELETE CASCADE,
                reasoning   text,
                created_at  timestamptz NOT NULL DEFAULT now(),
                updated_at  timestamptz NOT NULL DEFAULT now(),
                UNIQUE NULLS NOT DISTINCT (agent_id, node_id, context_id)
            );
            COMMENT ON COLUMN \(s).perspectives.context_id IS 'Seen from this graph node; NULL: from everywhere';
            CREATE INDEX perspectives_node ON \(s).perspectives (node_id);
            CREATE INDEX perspectives_context ON \(s).perspectives (context_id) WHERE context_id IS NOT NULL;

            CREATE TABLE \(s).associations (
                agent_id    integer NOT NULL REFERENCES \(s).agents ON DELETE CASCADE,
                source_id   uuid NOT NULL REFERENCES \(s).nodes ON DELETE CASCADE,
                target_id   uuid NOT NULL REFERENCES \(s).nodes ON DELETE CASCADE,
                relation    text NOT NULL DEFAULT 'relevant_to' CHECK (relation <> ''),
                weight      double precision NOT NULL CHECK (weight BETWEEN -1 AND 1),
                reasoning   text,
                created_at  timestamptz NOT NULL DEFAULT now(),
                updated_at  timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (agent_id, source_id, target_id, relation)
            );
            COMMENT ON TABLE \(s).associations IS 'Links as one agent sees them: never walked, never learned';
            CREATE INDEX associations_source ON \(s).associations (source_id);
            CREATE INDEX associations_target ON \(s).associations (target_id);

            CREATE VIEW \(s).consensus_perspectives AS SELECT
                node_id, context_id, count(*) AS agents, avg(weight) AS average, min(weight) AS lowest,
                max(weight) AS highest, stddev_pop(weight) AS deviation
            FROM \(s).perspectives GROUP BY node_id, context_id;

            CREATE VIEW \(s).unique_associations AS SELECT a.*
            FROM \(s).associations a
            WHERE NOT EXISTS (
                SELECT FROM \(s).associations b
                WHERE b.source_id = a.source_id AND b.target_id = a.target_id AND b.relation = a.relation
                  AND b.agent_id <> a.agent_id);

            CREATE TABLE \(s).imports (
                id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                source      text NOT NULL CHECK (source <> ''),
                split       text NOT NULL CHECK (split IN ('train', 'valid', 'test')),
                records     bigint NOT NULL DEFAULT 0,
                imported_at timestamptz NOT NULL DEFAULT now(),
                UNIQUE (source, split)
            );
            COMMENT ON TABLE \(s).imports IS 'Files and folders by name: importing one again replaces what it gave';
            ALTER TABLE \(s).nodes ADD imports integer[] NOT NULL DEFAULT '{}';
            ALTER TABLE \(s).edges ADD imports integer[] NOT NULL DEFAULT '{}';
            ALTER TABLE \(s).holdout ADD imports integer[] NOT NULL DEFAULT '{}';

            CREATE TABLE \(s).aliases (
                name        text PRIMARY KEY,
                canonical   text NOT NULL
            );
            COMMENT ON TABLE \(s).aliases IS 'Imports hash the canonical name and show the other';
            """
    }
}

extension Migration {
    /// What people asked and chose, and what training did: the history of a site's models.
    static let learning = Migration(number: 10, name: "learning") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).training_runs (
                id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                model_id    bytea NOT NULL CHECK (octet_length(model_id) = 32),
                agent       text NOT NULL,
                config      jsonb NOT NULL,
                walk_type   text NOT NULL,
                scope       \(names.ltree).ltree,
                n_sequences bigint NOT NULL,
                n_steps     bigint NOT NULL,
                final_loss  double precision,
                duration_ms bigint NOT NULL,
                outcome     text NOT NULL CHECK (outcome IN ('done', 'stopped', 'failed')),
                error       text,
                created_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).training_runs IS 'A row for each training run of this site, written when it ends';
            CREATE INDEX training_runs_model ON \(s).training_runs (model_id, created_at);

            CREATE TABLE \(s).inference_log (
                id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                model_id      bytea CHECK (octet_length(model_id) = 32),
                agent         text NOT NULL,
                query         text,
                context_nodes uuid[] NOT NULL,
                predicted     uuid NOT NULL,
                rank          integer NOT NULL CHECK (rank > 0),
                score         double precision NOT NULL,
                selected      boolean NOT NULL DEFAULT false,
                cost_koi      bigint NOT NULL DEFAULT 0,
                created_at    timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).inference_log IS 'What was answered; logged, since inferences are charged in batches';
            COMMENT ON COLUMN \(s).inference_log.query IS 'What was searched for; NULL: a prediction';
            COMMENT ON COLUMN \(s).inference_log.agent IS 'Whose model answered; empty: a search without a model';
            CREATE INDEX inference_log_time ON \(s).inference_log (created_at);
            CREATE INDEX inference_log_selected ON \(s).inference_log (model_id) WHERE selected;

            CREATE TABLE \(s).search_weights (
                model_id    bytea PRIMARY KEY CHECK (octet_length(model_id) = 32),
                features    text[] NOT NULL,
                weights     double precision[] NOT NULL,
                examples    bigint NOT NULL,
                updated_at  timestamptz NOT NULL DEFAULT now(),
                CHECK (cardinality(features) = cardinality(weights))
            );
            COMMENT ON TABLE \(s).search_weights IS 'How much each feature counts in searches, fitted at this site';

            ALTER TABLE \(s).nodes ADD words tsvector
                GENERATED ALWAYS AS (to_tsvector('pg_catalog.english', left(content, 100000))) STORED;
            COMMENT ON COLUMN \(s).nodes.words IS 'Stored, since to rank a text takes a hundred times as long without it';
            DROP INDEX \(s).nodes_words;
            CREATE INDEX nodes_words ON \(s).nodes USING gin (words);

            ALTER TABLE \(s).holdout ADD weight double precision NOT NULL DEFAULT 1;
            ALTER TABLE \(s).holdout ADD metadata jsonb;
            COMMENT ON COLUMN \(s).holdout.metadata IS 'Of the edge that was held out';

            CREATE VIEW \(s).model_vocab AS
                SELECT m.model_id, n.id AS node_id,
                    (row_number() OVER (PARTITION BY m.model_id ORDER BY n.id) - 1)::integer AS token_idx
                FROM (SELECT DISTINCT model_id FROM \(s).model_weights) m CROSS JOIN \(s).nodes n;
            COMMENT ON VIEW \(s).model_vocab IS
                'At which index this site''s models have a graph node: a local detail that changes with the graph; relations follow';
            """
    }
}

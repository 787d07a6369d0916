extension Migration {
    /// What people chose, what that has in common, and the second kind of pattern; whom this site answers without.
    static let centroids = Migration(number: 14, name: "centroids") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).trajectories (
                id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                model_id      bytea CHECK (octet_length(model_id) = 32),
                context_nodes uuid[] NOT NULL CHECK (cardinality(context_nodes) > 0),
                choice        uuid NOT NULL,
                candidates    uuid[] NOT NULL,
                rank          integer NOT NULL CHECK (rank > 0),
                created_at    timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).trajectories IS 'Questions whose answer somebody chose; they stay at this site';
            COMMENT ON COLUMN \(s).trajectories.candidates IS 'What else was shown, best first';

            CREATE TABLE \(s).centroids (
                pattern_id  bytea PRIMARY KEY CHECK (octet_length(pattern_id) = 32),
                model_id    bytea NOT NULL CHECK (octet_length(model_id) = 32),
                context     bytea NOT NULL,
                choice      bytea NOT NULL CHECK (octet_length(choice) = octet_length(context)),
                size        integer NOT NULL CHECK (size > 0),
                quality     double precision NOT NULL,
                deviation   double precision NOT NULL,
                confidence  double precision NOT NULL
            );
            COMMENT ON TABLE \(s).centroids IS 'What the trajectories of this site have in common: where people go from where';
            COMMENT ON COLUMN \(s).centroids.context IS 'A direction among the rows of the model: signed bytes';
            CREATE INDEX centroids_model ON \(s).centroids (model_id);

            ALTER TABLE \(s).patterns DROP CONSTRAINT patterns_form_check;
            ALTER TABLE \(s).patterns ALTER head DROP NOT NULL, ALTER steps DROP NOT NULL,
                ADD model bytea CHECK (octet_length(model) = 32), ADD context bytea, ADD choice bytea,
                ADD CONSTRAINT patterns_form_check CHECK (CASE
                    WHEN form IN ('path', 'constant', 'any') THEN head IS NOT NULL AND steps IS NOT NULL
                    WHEN form = 'centroid' THEN model IS NOT NULL AND context IS NOT NULL AND choice IS NOT NULL
                    ELSE false END);
            COMMENT ON TABLE \(s).patterns IS 'Rules and centroids that members proposed, and what the others measured';

            CREATE TABLE \(s).left_out (
                peer_id  bytea PRIMARY KEY CHECK (octet_length(peer_id) = 32),
                since    timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).left_out IS 'Members without whose training this site answers: its own view, replicated nowhere';

            CREATE OR REPLACE VIEW \(s).certified_rules AS SELECT
                encode(p.pattern_id, 'hex') AS pattern, coalesce(r.name, p.head::text) AS concludes,
                p.form, cardinality(p.steps) AS steps, p.hits, p.trials, p.bound, encode(p.proposer, 'hex') AS proposer
            FROM \(s).patterns p LEFT JOIN \(s).relations r ON r.id = p.head
            WHERE p.state = 'accepted' AND p.form <> 'centroid' ORDER BY p.bound DESC;
            """
    }
}

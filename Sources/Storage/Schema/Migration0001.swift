/// The first schema: graph, op log, sums, and what trainers keep. `{schema}` is the schema's quoted name.
enum Migration0001 {
    static let sql = """
        CREATE TABLE {schema}.node_meta (
            key   text PRIMARY KEY,
            value text NOT NULL
        );

        -- The site's own graph. It never leaves the site.
        CREATE TABLE {schema}.nodes (
            id         uuid PRIMARY KEY,
            kind       text NOT NULL DEFAULT 'entity',
            language   text,
            content    text NOT NULL,
            parent_id  uuid REFERENCES {schema}.nodes (id) ON DELETE SET NULL,
            position   integer NOT NULL DEFAULT 0,
            path       ltree,
            metadata   jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX nodes_parent ON {schema}.nodes (parent_id, position);
        CREATE INDEX nodes_path ON {schema}.nodes USING gist (path);
        CREATE INDEX nodes_content ON {schema}.nodes USING gin (to_tsvector('simple', content));
        CREATE INDEX nodes_name ON {schema}.nodes USING hash (content);

        CREATE TABLE {schema}.relations (
            id         uuid PRIMARY KEY,
            inverse_id uuid NOT NULL UNIQUE,
            name       text NOT NULL
        );

        CREATE TABLE {schema}.edges (
            source_id uuid NOT NULL REFERENCES {schema}.nodes (id) ON DELETE CASCADE,
            relation  uuid NOT NULL REFERENCES {schema}.relations (id),
            target_id uuid NOT NULL REFERENCES {schema}.nodes (id) ON DELETE CASCADE,
            weight    double precision NOT NULL DEFAULT 1,
            metadata  jsonb NOT NULL DEFAULT '{}',
            PRIMARY KEY (source_id, relation, target_id)
        );
        CREATE INDEX edges_target ON {schema}.edges (target_id);

        -- Triples kept aside to measure with; never walked, and no node or relation needs to exist.
        CREATE TABLE {schema}.holdout (
            split     text NOT NULL CHECK (split IN ('valid', 'test')),
            position  bigint GENERATED ALWAYS AS IDENTITY,
            source_id uuid NOT NULL,
            relation  uuid NOT NULL,
            target_id uuid NOT NULL,
            PRIMARY KEY (split, source_id, relation, target_id)
        );

        -- The op log: exact signed bytes. Everything replicated follows from it.
        CREATE TABLE {schema}.operations (
            apply_index bigint PRIMARY KEY,
            op_id       bytea NOT NULL UNIQUE,
            author      bytea NOT NULL,
            log         bytea NOT NULL,
            seq         bigint NOT NULL,
            kind        smallint NOT NULL,
            lamport     bigint NOT NULL,
            envelope    bytea NOT NULL,
            body_hash   bytea NOT NULL,
            body_length integer NOT NULL,
            verdict     smallint NOT NULL,
            reason      text NOT NULL,
            created_at  timestamptz NOT NULL DEFAULT now(),
            UNIQUE (author, log, seq)
        );
        CREATE TABLE {schema}.bodies (
            body_hash bytea PRIMARY KEY,
            body      bytea NOT NULL
        );
        ALTER TABLE {schema}.bodies ALTER COLUMN body SET STORAGE EXTERNAL;

        -- Accumulators after the ops up to node_meta.watermark: little-endian Int64, units of 2^-32.
        CREATE TABLE {schema}.model_weights (
            model_id     bytea NOT NULL,
            tensor_index integer NOT NULL,
            tensor_name  text NOT NULL,
            accumulators bytea,
            updated_at   timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (model_id, tensor_index)
        );
        CREATE TABLE {schema}.model_rows (
            model_id     bytea NOT NULL,
            token_id     uuid NOT NULL,
            accumulators bytea NOT NULL,
            PRIMARY KEY (model_id, token_id)
        );

        -- What this site's trainers keep between runs.
        CREATE TABLE {schema}.trainer_state (
            model_id   bytea NOT NULL,
            name       text NOT NULL,
            data       bytea NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (model_id, name)
        );
        CREATE TABLE {schema}.training_runs (
            id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            model_id    bytea NOT NULL,
            config      jsonb NOT NULL,
            walk_type   text NOT NULL,
            n_steps     integer NOT NULL,
            final_loss  double precision,
            duration_ms integer,
            created_at  timestamptz NOT NULL DEFAULT now()
        );

        -- One node per schema: see SchemaLease.
        CREATE TABLE {schema}.lease (
            only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
            holder     text NOT NULL,
            nonce      bytea NOT NULL,
            expires_at timestamptz NOT NULL
        );

        CREATE VIEW {schema}.status AS
        SELECT (SELECT count(*) FROM {schema}.operations) AS ops,
               (SELECT count(*) FROM {schema}.operations WHERE verdict <> 0) AS void_ops,
               (SELECT count(*) FROM {schema}.nodes) AS nodes,
               (SELECT count(*) FROM {schema}.edges) AS edges,
               (SELECT count(*) FROM {schema}.relations) AS relations,
               (SELECT value::bigint FROM {schema}.node_meta WHERE key = 'watermark') AS watermark;

        CREATE VIEW {schema}.peers AS
        SELECT encode(author, 'hex') AS peer, count(DISTINCT log) AS logs, count(*) AS ops, max(created_at) AS last_op
        FROM {schema}.operations GROUP BY author;

        CREATE VIEW {schema}.models AS
        SELECT encode(o.op_id, 'hex') AS model, encode(o.author, 'hex') AS author, o.created_at,
               (SELECT count(*) FROM {schema}.model_rows r WHERE r.model_id = o.op_id) AS rows
        FROM {schema}.operations o WHERE o.kind = 5 AND o.verdict = 0;
        """
}

extension Migration {
    /// What was learned: accumulators as the ops sum to them, and what stays at home.
    static let models = Migration(number: 3, name: "models") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).model_weights (
                model_id     bytea NOT NULL CHECK (octet_length(model_id) = 32),
                tensor_index integer NOT NULL,
                tensor_name  text NOT NULL,
                accumulators bytea,
                updated_at   timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (model_id, tensor_index)
            );
            ALTER TABLE \(s).model_weights ALTER accumulators SET STORAGE EXTERNAL;
            COMMENT ON TABLE \(s).model_weights IS
                'Dense tensors after the ops up to node_meta.watermark: little-endian 64-bit integers in units of 2^-32; NULL: all zero';

            CREATE TABLE \(s).model_rows (
                model_id     bytea NOT NULL CHECK (octet_length(model_id) = 32),
                token_id     uuid NOT NULL,
                accumulators bytea NOT NULL,
                PRIMARY KEY (model_id, token_id)
            );
            ALTER TABLE \(s).model_rows ALTER accumulators SET STORAGE EXTERNAL;
            COMMENT ON TABLE \(s).model_rows IS 'Token rows that are not all zero; integers as in model_weights';

            CREATE TABLE \(s).trainer_state (
                model_id    bytea NOT NULL CHECK (octet_length(model_id) = 32),
                name        text NOT NULL,
                data        bytea NOT NULL,
                updated_at  timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (model_id, name)
            );
            ALTER TABLE \(s).trainer_state ALTER data SET STORAGE EXTERNAL;
            COMMENT ON TABLE \(s).trainer_state IS 'What a trainer keeps between runs: never leaves this node';
            """
    }
}

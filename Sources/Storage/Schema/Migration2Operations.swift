extension Migration {
    /// The op log: the exact signed bytes, in the order in which this node applied them.
    ///
    /// Envelopes and bodies are signed or compressed, so PostgreSQL need not try to compress them.
    static let operations = Migration(number: 2, name: "operations") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).operations (
                apply_index bigint PRIMARY KEY CHECK (apply_index > 0),
                op_id       bytea NOT NULL UNIQUE CHECK (octet_length(op_id) = 32),
                author      bytea NOT NULL CHECK (octet_length(author) = 32),
                log         bytea NOT NULL CHECK (octet_length(log) = 8),
                seq         bigint NOT NULL,
                kind        smallint NOT NULL,
                lamport     bigint NOT NULL,
                envelope    bytea NOT NULL,
                body_hash   bytea NOT NULL CHECK (octet_length(body_hash) = 32),
                body_length integer NOT NULL,
                void_code   text,
                void_detail text,
                created_at  timestamptz NOT NULL DEFAULT now(),
                UNIQUE (author, log, seq, op_id)
            );
            ALTER TABLE \(s).operations ALTER envelope SET STORAGE EXTERNAL;
            COMMENT ON COLUMN \(s).operations.apply_index IS 'Local order of application; differs between nodes';
            COMMENT ON COLUMN \(s).operations.envelope IS 'COSE_Sign1 message, byte for byte as signed and relayed';
            COMMENT ON COLUMN \(s).operations.void_code IS 'Why the op has no effect; NULL: it took effect';

            CREATE TABLE \(s).bodies (
                body_hash   bytea PRIMARY KEY CHECK (octet_length(body_hash) = 32),
                body        bytea NOT NULL
            );
            ALTER TABLE \(s).bodies ALTER body SET STORAGE EXTERNAL;
            COMMENT ON TABLE \(s).bodies IS 'Op bodies that are not inside their envelope';
            """
    }
}

extension Migration {
    /// Sums of blocks of deltas, which stand for the bodies where those were dropped or never fetched.
    static let sums = Migration(number: 17, name: "sums") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).certified_sums (
                author       bytea NOT NULL CHECK (octet_length(author) = 32),
                log          bytea NOT NULL CHECK (octet_length(log) = 8),
                after        bigint NOT NULL CHECK (after >= 0),
                through      bigint NOT NULL CHECK (through > after),
                op_id        bytea NOT NULL CHECK (octet_length(op_id) = 32),
                byte_count   bigint NOT NULL CHECK (byte_count > 0),
                parts        bytea[] NOT NULL,
                found_at     timestamptz NOT NULL DEFAULT now(),
                certified_at timestamptz,
                dropped_at   timestamptz,
                PRIMARY KEY (author, log, after, through)
            );
            COMMENT ON TABLE \(s).certified_sums IS
                'What the deltas of (after, through] of a log come to, by the body hashes of the parts';
            COMMENT ON COLUMN \(s).certified_sums.certified_at IS
                'When this node first saw a certificate in force; NULL: only added up here';
            COMMENT ON COLUMN \(s).certified_sums.dropped_at IS
                'Since when the sums stand for the bodies, which are not here: dropped, or never fetched';

            CREATE TABLE \(s).sum_parts (
                part_hash bytea PRIMARY KEY CHECK (octet_length(part_hash) = 32),
                part      bytea NOT NULL
            );
            ALTER TABLE \(s).sum_parts ALTER part SET STORAGE EXTERNAL;
            """
    }
}

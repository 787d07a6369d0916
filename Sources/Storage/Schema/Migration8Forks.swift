extension Migration {
    /// Proven forks: what the log says from there on has no effect.
    static let forks = Migration(number: 8, name: "forks") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).forks (
                author      bytea NOT NULL CHECK (octet_length(author) = 32),
                log         bytea NOT NULL CHECK (octet_length(log) = 8),
                seq         bigint NOT NULL CHECK (seq > 0),
                apply_index bigint NOT NULL UNIQUE CHECK (apply_index > 0),
                first       bytea NOT NULL,
                second      bytea NOT NULL,
                created_at  timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (author, log, seq)
            );
            COMMENT ON TABLE \(s).forks IS
                'Two envelopes signed for one place of a log: ops of that log from seq on have no effect';
            COMMENT ON COLUMN \(s).forks.apply_index IS 'In the same count as operations.apply_index';

            CREATE VIEW \(s).effects AS SELECT o.*,
                CASE WHEN o.void_code IS NULL AND EXISTS (
                    SELECT FROM \(s).forks f WHERE f.author = o.author AND f.log = o.log AND f.seq <= o.seq)
                THEN 'forked' ELSE o.void_code END AS ineffective_code
            FROM \(s).operations o;
            COMMENT ON VIEW \(s).effects IS
                'Ops with the reason why they have no effect now: void from the start, or taken back since';
            """
    }
}

extension Migration {
    /// Patterns, as they follow from ops and certificates: written with them, and the same when rebuilt from them.
    static let patterns = Migration(number: 12, name: "patterns") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).patterns (
                op_id       bytea PRIMARY KEY CHECK (octet_length(op_id) = 32),
                pattern_id  bytea NOT NULL CHECK (octet_length(pattern_id) = 32),
                proposer    bytea NOT NULL CHECK (octet_length(proposer) = 32),
                form        text NOT NULL CHECK (form IN ('path', 'constant', 'any')),
                head        uuid NOT NULL,
                steps       uuid[] NOT NULL,
                concluded   uuid,
                known       uuid,
                support     bigint NOT NULL,
                body        bigint NOT NULL CHECK (body > 0),
                state       text NOT NULL CHECK (state IN ('open', 'accepted', 'rejected', 'undecided', 'void')),
                hits        bigint,
                trials      bigint,
                bound       double precision
            );
            COMMENT ON TABLE \(s).patterns IS 'Rules that members proposed, and what the others measured';
            COMMENT ON COLUMN \(s).patterns.support IS 'True cases of the proposer, its own word; body: all its cases';
            COMMENT ON COLUMN \(s).patterns.hits IS 'True cases of those who measured; trials: all their cases';
            COMMENT ON COLUMN \(s).patterns.bound IS 'The least confidence that this proves';
            CREATE INDEX patterns_pattern ON \(s).patterns (pattern_id);
            CREATE INDEX patterns_head ON \(s).patterns (head) WHERE state = 'accepted';

            CREATE VIEW \(s).certified_rules AS SELECT
                encode(p.pattern_id, 'hex') AS pattern, coalesce(r.name, p.head::text) AS concludes,
                p.form, cardinality(p.steps) AS steps, p.hits, p.trials, p.bound, encode(p.proposer, 'hex') AS proposer
            FROM \(s).patterns p LEFT JOIN \(s).relations r ON r.id = p.head
            WHERE p.state = 'accepted' ORDER BY p.bound DESC;
            COMMENT ON VIEW \(s).certified_rules IS 'Rules that a quorum has verified on its own data';
            """
    }
}

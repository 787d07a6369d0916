extension Migration {
    /// What a node knows about itself, and who may write here.
    static let node = Migration(number: 4, name: "node") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).node_meta (
                key         text PRIMARY KEY,
                value       text NOT NULL
            );

            CREATE TABLE \(s).lease (
                only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                holder      text NOT NULL,
                nonce       bytea NOT NULL,
                expires_at  timestamptz NOT NULL
            );
            COMMENT ON TABLE \(s).lease IS 'Keeps two nodes out of one schema';
            """
    }
}

extension Migration {
    /// What this site paid for answers of models that others ask a price for.
    static let charges = Migration(number: 15, name: "charges") { names in
        let s = names.schema
        return """
            CREATE TABLE \(s).inference_charges (
                model_id       bytea NOT NULL CHECK (octet_length(model_id) = 32),
                through        timestamptz NOT NULL,
                answers        bigint NOT NULL CHECK (answers >= 0),
                price          bytea CHECK (octet_length(price) = 32),
                amount         bigint NOT NULL CHECK (amount >= 0),
                charges_before bigint NOT NULL,
                op_id          bytea CHECK (octet_length(op_id) = 32),
                state          text NOT NULL CHECK (state IN ('begun', 'signed', 'counted-from')),
                PRIMARY KEY (model_id, through)
            );
            COMMENT ON TABLE \(s).inference_charges IS
                'Up to when the answers of a priced model are paid for; this site alone counts them';
            COMMENT ON COLUMN \(s).inference_charges.state IS
                'begun: on its way to be signed; counted-from: when the price was first seen, nothing before is paid';
            CREATE INDEX inference_log_first ON \(s).inference_log (model_id, created_at) WHERE rank = 1;
            """
    }
}

extension Migration {
    /// Which models answered together: each has its price.
    static let ensembles = Migration(number: 16, name: "ensembles") { names in
        let s = names.schema
        return """
            ALTER TABLE \(s).inference_log ADD COLUMN ensemble bytea[];
            COMMENT ON COLUMN \(s).inference_log.ensemble IS 'The models that answered together; NULL: one or none';
            CREATE INDEX inference_log_ensemble ON \(s).inference_log USING gin (ensemble) WHERE rank = 1;
            """
    }
}

extension Migration {
    /// Where an alias file or the normal form of names made the id of a graph node or relation.
    static let canonical = Migration(number: 9, name: "canonical") { names in
        let s = names.schema
        return """
            ALTER TABLE \(s).nodes ADD canonical text;
            COMMENT ON COLUMN \(s).nodes.canonical IS 'What the id is derived from, where that is not the name';
            COMMENT ON COLUMN \(s).nodes.name IS 'The name that people see, and of which the id is derived as a rule';
            CREATE INDEX nodes_canonical ON \(s).nodes (canonical) WHERE canonical IS NOT NULL;
            """
    }
}

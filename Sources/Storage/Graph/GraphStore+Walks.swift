public import Graph
public import Wire

extension GraphStore {
    /// The graph nodes at a path of the tree and below it.
    public func nodes(in scope: PathScope) throws(GraphRequestError) -> Set<TokenID> {
        try storing { () throws(StorageError) in
            let ltree = try extensionSchema("ltree")
            let rows = try connection.query(
                "SELECT id FROM \(schema).nodes WHERE path OPERATOR(\(ltree).<@) \(ltree).text2ltree($1)",
                [.text(scope.description)])
            var ids: Set<TokenID> = []
            for row in rows { ids.insert(TokenID(rawValue: try row.uuid(0))) }
            return ids
        }
    }

    /// What walks need of an agent's perspectives, in the order of their graph nodes.
    public func perspectiveEntries(of agent: String) throws(GraphRequestError) -> [PerspectiveEntry] {
        let holder = try self.agent(agent)
        return try storing { () throws(StorageError) in
            let rows = try connection.query(
                """
                SELECT node_id, context_id, weight FROM \(schema).perspectives
                WHERE agent_id = $1 ORDER BY node_id, context_id NULLS FIRST
                """, [.int32(holder)])
            var entries: [PerspectiveEntry] = []
            for row in rows {
                entries.append(
                    PerspectiveEntry(
                        node: TokenID(rawValue: try row.uuid(0)),
                        context: try row.optionalUUID(1).map { TokenID(rawValue: $0) }, weight: try row.double(2)))
            }
            return entries
        }
    }

    /// Where a contrib extension of PostgreSQL lives in this database, quoted.
    func extensionSchema(_ name: String) throws(StorageError) -> String {
        let place =
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = $1"
        return Schema.quote(try connection.row(place, [.text(name)], prepared: true).text(0))
    }
}

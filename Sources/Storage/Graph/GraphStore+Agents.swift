import Graph

/// Somebody who holds perspectives and associations: a person, a model, a tool.
public struct StoredAgent: Equatable, Sendable {
    public static let kinds = ["human", "llm", "tool", "swarm"]

    public var name: String
    public var kind: String
    /// What runs it, if that matters: free text.
    public var model: String?
    public var perspectives: Int
    public var associations: Int

    public init(name: String, kind: String, model: String?, perspectives: Int, associations: Int) {
        self.name = name
        self.kind = kind
        self.model = model
        self.perspectives = perspectives
        self.associations = associations
    }
}

extension GraphStore {
    /// All agents, by name.
    public func agents() throws(StorageError) -> [StoredAgent] {
        let rows = try connection.query(
            """
            SELECT name, kind, model,
                   (SELECT count(*) FROM \(schema).perspectives p WHERE p.agent_id = a.id),
                   (SELECT count(*) FROM \(schema).associations s WHERE s.agent_id = a.id)
            FROM \(schema).agents a ORDER BY name COLLATE "C"
            """)
        var agents: [StoredAgent] = []
        for row in rows {
            agents.append(
                StoredAgent(
                    name: try row.text(0), kind: try row.text(1), model: try row.optionalText(2),
                    perspectives: try row.int(3), associations: try row.int(4)))
        }
        return agents
    }

    /// - Throws: ``GraphRequestError/agentExists(_:)``, ``GraphRequestError/text(_:_:)``,
    ///   ``GraphRequestError/agentKind(_:)``.
    public func addAgent(
        _ name: String, kind: String = "human", model: String? = nil
    ) throws(GraphRequestError) -> StoredAgent {
        try Self.check(name, as: "name of the agent")
        if let model { try Self.check(model, as: "model of the agent") }
        guard StoredAgent.kinds.contains(kind) else { throw .agentKind(kind) }
        let added = try storing { () throws(StorageError) in
            try connection.query(
                """
                INSERT INTO \(schema).agents (name, kind, model) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING
                """, [.text(name), .text(kind), .text(model)]
            ).affected
        }
        guard added == 1 else { throw .agentExists(name) }
        return StoredAgent(name: name, kind: kind, model: model, perspectives: 0, associations: 0)
    }

    /// Removes an agent with its perspectives and associations.
    public func removeAgent(_ name: String) throws(GraphRequestError) {
        let id = try agent(name)
        try storing { () throws(StorageError) in
            try connection.query("DELETE FROM \(schema).agents WHERE id = $1", [.int32(id)])
            return ()
        }
    }

    /// The number of an agent in this database.
    func agent(_ name: String) throws(GraphRequestError) -> Int32 {
        try Self.check(name, as: "name of the agent")
        let (id, known) = try storing { () throws(StorageError) -> (Int32?, [String]) in
            let row = try connection.query("SELECT id FROM \(schema).agents WHERE name = $1", [.text(name)]).first
            if let row { return (Int32(try row.int64(0)), []) }
            let names = try connection.row(
                "SELECT array(SELECT name FROM \(schema).agents ORDER BY name COLLATE \"C\" LIMIT 10)")
            return (nil, try names.texts(0))
        }
        guard let id else { throw .unknownAgent(name, known: known) }
        return id
    }

    static func check(_ text: String, as what: String) throws(GraphRequestError) {
        if let fault = CanonicalName.fault(in: Array(text.utf8)[...]) { throw .text(what, fault) }
    }
}

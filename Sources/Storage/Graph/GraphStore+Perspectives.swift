import Graph
import Wire

/// How an agent sees a graph node, from -1 to 1.
public struct StoredPerspective: Equatable, Sendable {
    public var agent: String
    public var node: StoredNode
    /// Seen from here; nil: from everywhere.
    public var context: StoredNode?
    public var weight: Double
    public var reasoning: String?
}

/// A link between two graph nodes as one agent sees it, from -1 to 1.
public struct StoredAssociation: Equatable, Sendable {
    public var agent: String
    public var source: StoredNode
    public var relation: String
    public var target: StoredNode
    public var weight: Double
    public var reasoning: String?
}

extension GraphStore {
    /// Sets a weight, in place of the one that the agent gave before in the same context.
    ///
    /// - Parameters:
    ///   - node: a name or an id; so is `context`.
    ///   - weight: from -1 to 1.
    public func setPerspective(
        of agent: String, on node: String, weight: Double, context: String?, reasoning: String?
    ) throws(GraphRequestError) -> StoredPerspective {
        guard -1...1 ~= weight else { throw .weight(weight) }
        if let reasoning { try Self.check(reasoning, as: "reason") }
        let holder = try self.agent(agent)
        let seen = try resolve(node)
        let from: StoredNode? = if let context { try resolve(context) } else { nil }
        try storing { () throws(StorageError) in
            try connection.query(
                """
                INSERT INTO \(schema).perspectives (agent_id, node_id, weight, context_id, reasoning)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agent_id, node_id, context_id)
                DO UPDATE SET weight = excluded.weight, reasoning = excluded.reasoning, updated_at = now()
                """,
                [
                    .int32(holder), .uuid(seen.id.rawValue), .double(weight), .uuid(from?.id.rawValue),
                    .text(reasoning),
                ])
            return ()
        }
        return StoredPerspective(agent: agent, node: seen, context: from, weight: weight, reasoning: reasoning)
    }

    /// Perspectives, strongest first, of one agent or of all, on one graph node or on all.
    public func perspectives(
        of agent: String? = nil, on node: String? = nil, limit: Int = 100
    ) throws(GraphRequestError) -> [StoredPerspective] {
        try perspectives(of: agent, on: node, after: nil, limit: limit).map(\.item)
    }

    /// The same, page by page.
    ///
    /// - Parameter place: of the last item of the page before; nil for the first page.
    public func perspectives(
        of agent: String?, on node: String?, after place: ListPlace?, limit: Int
    ) throws(GraphRequestError) -> [Placed<StoredPerspective>] {
        let holder: Int32? = if let agent { try self.agent(agent) } else { nil }
        let seen: StoredNode? = if let node { try resolve(node) } else { nil }
        var after: [Parameter] = Array(repeating: .null, count: 5)
        if let place {
            guard place.parts.count == 5, let strength = place.number(0), let node = place.uuid(3),
                let context = place.uuid(4)
            else { throw .place }
            after = [
                .double(strength), .text(place.parts[1]), .text(place.parts[2]), .uuid(node), .uuid(context),
            ]
        }
        return try storing { () throws(StorageError) in
            try perspectives(agent: holder, node: seen?.id, after: after, limit: limit)
        }
    }

    func perspectives(
        agent: Int32?, node: TokenID?, after: [Parameter] = Array(repeating: .null, count: 5), limit: Int
    ) throws(StorageError) -> [Placed<StoredPerspective>] {
        // An agent's name is its own; the nil id is nobody's.
        let order = """
            -abs(p.weight), a.name, left(n.name, \(ListPlace.nameCharacters)), p.node_id,
            coalesce(p.context_id, '00000000-0000-0000-0000-000000000000'::uuid)
            """
        let rows = try connection.query(
            """
            SELECT a.name, \(Self.columns("n")), \(Self.columns("c")), p.weight, p.reasoning,
                left(n.name, \(ListPlace.nameCharacters))
            FROM \(schema).perspectives p
            JOIN \(schema).agents a ON a.id = p.agent_id
            JOIN \(schema).nodes n ON n.id = p.node_id
            LEFT JOIN \(schema).nodes c ON c.id = p.context_id
            WHERE ($1::integer IS NULL OR p.agent_id = $1) AND ($2::uuid IS NULL OR p.node_id = $2)
              AND ($4::double precision IS NULL OR (\(order)) > ($4, $5::text, $6::text, $7::uuid, $8::uuid))
            ORDER BY \(order) LIMIT $3
            """, [agent.map { .int32($0) } ?? .null, .uuid(node?.rawValue), .int64(Int64(limit))] + after)
        var perspectives: [Placed<StoredPerspective>] = []
        for row in rows {
            let context: StoredNode? = if row.isNull(5) { nil } else { try Self.node(row, at: 5) }
            let perspective = StoredPerspective(
                agent: try row.text(0), node: try Self.node(row, at: 1), context: context,
                weight: try row.double(9), reasoning: try row.optionalText(10))
            let place = ListPlace([
                "\(-abs(perspective.weight))", perspective.agent, try row.text(11),
                perspective.node.id.rawValue.digits, (context?.id.rawValue ?? 0).digits,
            ])
            perspectives.append(Placed(item: perspective, place: place))
        }
        return perspectives
    }

    /// Removes a perspective, or all that an agent has on a graph node.
    ///
    /// - Parameter context: nil for those of every context.
    /// - Returns: how many there were.
    public func removePerspectives(
        of agent: String, on node: String, context: String?
    ) throws(GraphRequestError) -> Int {
        let holder = try self.agent(agent)
        let seen = try resolve(node)
        let from: StoredNode? = if let context { try resolve(context) } else { nil }
        return try storing { () throws(StorageError) in
            try connection.query(
                """
                DELETE FROM \(schema).perspectives
                WHERE agent_id = $1 AND node_id = $2 AND ($3::uuid IS NULL OR context_id = $3)
                """, [.int32(holder), .uuid(seen.id.rawValue), .uuid(from?.id.rawValue)]
            ).affected
        }
    }

    // MARK: Associations

    public func setAssociation(
        of agent: String, from source: String, relation: String, to target: String, weight: Double, reasoning: String?
    ) throws(GraphRequestError) -> StoredAssociation {
        guard -1...1 ~= weight else { throw .weight(weight) }
        try Self.check(relation, as: "relation")
        if let reasoning { try Self.check(reasoning, as: "reason") }
        let holder = try self.agent(agent)
        let (head, tail) = (try resolve(source), try resolve(target))
        try storing { () throws(StorageError) in
            try connection.query(
                """
                INSERT INTO \(schema).associations (agent_id, source_id, target_id, relation, weight, reasoning)
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agent_id, source_id, target_id, relation)
                DO UPDATE SET weight = excluded.weight, reasoning = excluded.reasoning, updated_at = now()
                """,
                [
                    .int32(holder), .uuid(head.id.rawValue), .uuid(tail.id.rawValue), .text(relation),
                    .double(weight), .text(reasoning),
                ])
            return ()
        }
        return StoredAssociation(
            agent: agent, source: head, relation: relation, target: tail, weight: weight, reasoning: reasoning)
    }

    /// Associations, strongest first, of one agent or of all, from or to one graph node or all.
    public func associations(
        of agent: String? = nil, touching node: String? = nil, limit: Int = 100
    ) throws(GraphRequestError) -> [StoredAssociation] {
        try associations(of: agent, touching: node, after: nil, limit: limit).map(\.item)
    }

    /// The same, page by page.
    ///
    /// - Parameter place: of the last item of the page before; nil for the first page.
    public func associations(
        of agent: String?, touching node: String?, after place: ListPlace?, limit: Int
    ) throws(GraphRequestError) -> [Placed<StoredAssociation>] {
        let holder: Int32? = if let agent { try self.agent(agent) } else { nil }
        let end: StoredNode? = if let node { try resolve(node) } else { nil }
        var after: [Parameter] = Array(repeating: .null, count: 7)
        if let place {
            guard place.parts.count == 7, let strength = place.number(0), let source = place.uuid(5),
                let target = place.uuid(6)
            else { throw .place }
            after = [.double(strength)] + place.parts[1...4].map { .text($0) } + [.uuid(source), .uuid(target)]
        }
        return try storing { () throws(StorageError) in
            try associations(agent: holder, node: end?.id, after: after, limit: limit)
        }
    }

    func associations(
        agent: Int32?, node: TokenID?, after: [Parameter] = Array(repeating: .null, count: 7), limit: Int
    ) throws(StorageError) -> [Placed<StoredAssociation>] {
        let characters = ListPlace.nameCharacters
        let order = """
            -abs(s2.weight), a.name, left(s.name, \(characters)), s2.relation, left(t.name, \(characters)),
            s2.source_id, s2.target_id
            """
        let rows = try connection.query(
            """
            SELECT a.name, \(Self.columns("s")), s2.relation, \(Self.columns("t")), s2.weight, s2.reasoning,
                left(s.name, \(characters)), left(t.name, \(characters))
            FROM \(schema).associations s2
            JOIN \(schema).agents a ON a.id = s2.agent_id
            JOIN \(schema).nodes s ON s.id = s2.source_id
            JOIN \(schema).nodes t ON t.id = s2.target_id
            WHERE ($1::integer IS NULL OR s2.agent_id = $1)
              AND ($2::uuid IS NULL OR s2.source_id = $2 OR s2.target_id = $2)
              AND ($4::double precision IS NULL
                OR (\(order)) > ($4, $5::text, $6::text, $7::text, $8::text, $9::uuid, $10::uuid))
            ORDER BY \(order) LIMIT $3
            """, [agent.map { .int32($0) } ?? .null, .uuid(node?.rawValue), .int64(Int64(limit))] + after)
        var associations: [Placed<StoredAssociation>] = []
        for row in rows {
            let association = StoredAssociation(
                agent: try row.text(0), source: try Self.node(row, at: 1), relation: try row.text(5),
                target: try Self.node(row, at: 6), weight: try row.double(10),
                reasoning: try row.optionalText(11))
            let place = ListPlace([
                "\(-abs(association.weight))", association.agent, try row.text(12), association.relation,
                try row.text(13), association.source.id.rawValue.digits, association.target.id.rawValue.digits,
            ])
            associations.append(Placed(item: association, place: place))
        }
        return associations
    }

    /// - Parameter relation: nil for all between the two.
    /// - Returns: how many there were.
    public func removeAssociations(
        of agent: String, from source: String, relation: String?, to target: String
    ) throws(GraphRequestError) -> Int {
        let holder = try self.agent(agent)
        let (head, tail) = (try resolve(source), try resolve(target))
        if let relation { try Self.check(relation, as: "relation") }
        return try storing { () throws(StorageError) in
            try connection.query(
                """
                DELETE FROM \(schema).associations WHERE agent_id = $1 AND source_id = $2 AND target_id = $3
                  AND ($4::text IS NULL OR relation = $4)
                """, [.int32(holder), .uuid(head.id.rawValue), .uuid(tail.id.rawValue), .text(relation)]
            ).affected
        }
    }
}

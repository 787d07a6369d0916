import Graph
import Wire

/// A graph node with what is around it.
public struct NodeDetail: Sendable {
    public var node: StoredNode
    public var language: String?
    /// What the id is derived from, where that is not the name.
    public var canonical: String?
    public var path: String?
    public var parent: StoredNode?
    public var children: Int
    /// JSON.
    public var metadata: String
    /// The first edges, those out of it before those into it, and how many there are.
    public var edges: [Placed<StoredEdge>]
    public var edgeCount: Int
    /// Sources that have it, by name.
    public var sources: [String]
    public var perspectives: [Placed<StoredPerspective>]
    public var associations: [Placed<StoredAssociation>]
}

extension GraphStore {
    /// The graph node that people mean: by its name, by the canonical name behind it, or by its id.
    ///
    /// - Throws: ``GraphRequestError/unknownNode(_:similar:)``, ``GraphRequestError/ambiguousNode(_:ids:)``.
    public func resolve(_ text: String) throws(GraphRequestError) -> StoredNode {
        if let fault = CanonicalName.fault(in: Array(text.utf8)[...]) { throw .text("name", fault) }
        let found = try storing { () throws(StorageError) in
            let named = try nodes(named: text, limit: 4)
            if !named.isEmpty { return named }
            let rows = try connection.query(
                "SELECT \(Self.columns("n")) FROM \(schema).nodes n WHERE canonical = $1 ORDER BY id LIMIT 4",
                [.text(text)])
            if !rows.isEmpty { return try rows.map { (row) throws(StorageError) in try Self.node(row, at: 0) } }
            guard let id = TokenID(hex: text), let node = try node(id) else { return [] }
            return [node]
        }
        if found.count == 1 { return found[0] }
        guard found.isEmpty else { throw .ambiguousNode(text, ids: found.map(\.id)) }
        let similar = try storing { () throws(StorageError) in try search(text, limit: 3).map(\.name) }
        throw .unknownNode(text, similar: similar)
    }

    /// - Parameters:
    ///   - place: the edges after this one; nil from the first on.
    ///   - limit: of edges, perspectives and associations, each.
    public func detail(
        of text: String, after place: ListPlace? = nil, limit: Int = 50
    ) throws(GraphRequestError) -> NodeDetail {
        let node = try resolve(text)
        let edges = try storing { () throws(StorageError) -> [Placed<StoredEdge>]? in
            try self.edges(of: node.id, after: place, limit: limit)
        }
        guard let edges else { throw .place }
        return try storing { () throws(StorageError) in
            let row = try connection.row(
                """
                SELECT n.language, n.canonical, n.path::text, n.metadata::text,
                       (SELECT count(*) FROM \(schema).nodes c WHERE c.parent_id = n.id),
                       (SELECT count(*) FROM \(schema).edges e WHERE e.source_id = n.id OR e.target_id = n.id),
                       array(SELECT i.source FROM \(schema).imports i
                             WHERE i.split = 'train' AND i.id = ANY(n.imports) ORDER BY i.source),
                       p.id IS NULL, \(Self.columns("p"))
                FROM \(schema).nodes n LEFT JOIN \(schema).nodes p ON p.id = n.parent_id WHERE n.id = $1
                """, [.uuid(node.id.rawValue)])
            let parent: StoredNode? = if try row.bool(7) { nil } else { try Self.node(row, at: 8) }
            return NodeDetail(
                node: node, language: try row.optionalText(0), canonical: try row.optionalText(1),
                path: try row.optionalText(2), parent: parent, children: try row.int(4),
                metadata: try row.text(3), edges: edges, edgeCount: try row.int(5),
                sources: try row.texts(6),
                perspectives: try perspectives(agent: nil, node: node.id, limit: limit),
                associations: try associations(agent: nil, node: node.id, limit: limit))
        }
    }
}

public import Wire

/// A graph node as people see it.
public struct StoredNode: Equatable, Sendable {
    public var id: TokenID
    public var kind: String
    /// What people call it; the id is derived from it, unless an alias or a normal form was.
    public var name: String
    /// The name again, or a text.
    public var content: String
}

/// An edge as people see it.
public struct StoredEdge: Equatable, Sendable {
    public var head: String
    public var relation: String
    public var tail: String
    public var weight: Double
}

extension GraphStore {
    private static let columns = "id, kind, name, content"
    /// What ``node(_:at:)`` reads, of the table with this short name.
    static func columns(_ table: String) -> String { "\(table).id, \(table).kind, \(table).name, \(table).content" }

    public func node(_ id: TokenID) throws(StorageError) -> StoredNode? {
        let rows = try connection.query(
            "SELECT \(Self.columns) FROM \(schema).nodes WHERE id = $1", [.uuid(id.rawValue)], prepared: true)
        return try nodes(rows).first
    }

    /// The graph nodes with exactly this name: one, unless the vocabulary key was changed.
    public func nodes(named name: String, limit: Int = 10) throws(StorageError) -> [StoredNode] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM \(schema).nodes
            WHERE name = $1 ORDER BY id LIMIT $2
            """, [.text(name), .int64(Int64(limit))], prepared: true)
        return try nodes(rows)
    }

    /// The graph nodes whose name begins with `prefix`, in the order of their bytes.
    public func nodes(prefix: String, limit: Int = 10) throws(StorageError) -> [StoredNode] {
        let rows = try connection.query(
            """
            SELECT \(Self.columns) FROM \(schema).nodes
            WHERE name LIKE $1 ORDER BY name COLLATE "C", id LIMIT $2
            """, [.text(Self.escapePattern(prefix) + "%"), .int64(Int64(limit))])
        return try nodes(rows)
    }

    /// As ``ranked(_:limit:)``, without the scores.
    public func search(_ text: String, limit: Int = 20) throws(StorageError) -> [StoredNode] {
        try ranked(text, limit: limit).map(\.node)
    }

    /// Words first (stemmed English, score 1 and more), then names that contain the text or nearly do (trigrams,
    /// score up to 1; a name that begins with the text is nearer than one that has it inside).
    public func ranked(_ text: String, limit: Int = 20) throws(StorageError) -> [(node: StoredNode, score: Double)] {
        let trigram = try extensionSchema("pg_trgm")
        let rows = try connection.query(
            """
            SELECT \(Self.columns), max(score)::float8 FROM (
                SELECT \(Self.columns), 1 + ts_rank(words, q) AS score
                FROM \(schema).nodes, plainto_tsquery('pg_catalog.english', $1) q WHERE words @@ q
                UNION ALL
                SELECT \(Self.columns), greatest(\(trigram).similarity(left(name, 120), $1),
                    CASE WHEN left(name, 120) ILIKE $4 THEN 0.9 WHEN left(name, 120) ILIKE $2 THEN 0.5 ELSE 0 END)
                FROM \(schema).nodes
                WHERE left(name, 120) ILIKE $2 OR left(name, 120) OPERATOR(\(trigram).%) $1
            ) found
            GROUP BY \(Self.columns) ORDER BY max(score) DESC, id LIMIT $3
            """,
            [
                .text(text), .text("%" + Self.escapePattern(text) + "%"), .int64(Int64(limit)),
                .text(Self.escapePattern(text) + "%"),
            ])
        var found: [(node: StoredNode, score: Double)] = []
        for row in rows { found.append((try Self.node(row, at: 0), try row.double(4))) }
        return found
    }

    /// The names of graph nodes and relations (an inverse relation gets its relation's name and "⁻¹").
    /// Ids that are not in the graph are missing from the answer.
    public func names(of ids: [TokenID]) throws(StorageError) -> [TokenID: String] {
        let rows = try connection.query(
            """
            SELECT id, name FROM \(schema).nodes WHERE id = ANY($1)
            UNION ALL SELECT id, name FROM \(schema).relations WHERE id = ANY($1)
            UNION ALL SELECT inverse_id, name || '⁻¹' FROM \(schema).relations WHERE inverse_id = ANY($1)
            """, [.uuids(ids.map(\.rawValue))], prepared: true)
        var names: [TokenID: String] = [:]
        for row in rows { names[TokenID(rawValue: try row.uuid(0))] = try row.text(1) }
        return names
    }

    /// The id of a relation by its name; nil when the graph has none of that name.
    public func relation(named name: String) throws(StorageError) -> TokenID? {
        let rows = try connection.query(
            "SELECT id FROM \(schema).relations WHERE name = $1 ORDER BY id LIMIT 1", [.text(name)], prepared: true)
        guard let row = rows.first else { return nil }
        return TokenID(rawValue: try row.uuid(0))
    }

    /// Edges from and to a graph node, those out of it first, by name.
    public func edges(of id: TokenID, limit: Int = 100) throws(StorageError) -> [StoredEdge] {
        try edges(of: id, after: nil, limit: limit)?.map(\.item) ?? []
    }

    /// The same, page by page.
    ///
    /// - Parameter place: of the last item of the page before; nil for the first page.
    /// - Returns: nil for a place that is none of this list.
    func edges(
        of id: TokenID, after place: ListPlace?, limit: Int
    ) throws(StorageError) -> [Placed<StoredEdge>]? {
        var after: [Parameter] = Array(repeating: .null, count: 7)
        if let place {
            guard place.parts.count == 7, ["0", "1"].contains(place.parts[0]), let source = place.uuid(4),
                let relation = place.uuid(5), let target = place.uuid(6)
            else { return nil }
            after =
                [.bool(place.parts[0] == "1")] + place.parts[1...3].map { .text($0) }
                + [.uuid(source), .uuid(relation), .uuid(target)]
        }
        let characters = ListPlace.nameCharacters
        let names = ["r", "h", "t"].map { "left(\($0).name, \(characters))" }.joined(separator: ", ")
        let order = "e.source_id <> $1, \(names), e.source_id, e.relation, e.target_id"
        let rows = try connection.query(
            """
            SELECT h.name, r.name, t.name, e.weight, \(order)
            FROM \(schema).edges e
            JOIN \(schema).nodes h ON h.id = e.source_id
            JOIN \(schema).relations r ON r.id = e.relation
            JOIN \(schema).nodes t ON t.id = e.target_id
            WHERE (e.source_id = $1 OR e.target_id = $1)
              AND ($3::boolean IS NULL
                OR (\(order)) > ($3, $4::text, $5::text, $6::text, $7::uuid, $8::uuid, $9::uuid))
            ORDER BY \(order) LIMIT $2
            """, [.uuid(id.rawValue), .int64(Int64(limit))] + after)
        var edges: [Placed<StoredEdge>] = []
        for row in rows {
            let edge = StoredEdge(
                head: try row.text(0), relation: try row.text(1), tail: try row.text(2), weight: try row.double(3))
            let place = ListPlace([
                try row.bool(4) ? "1" : "0", try row.text(5), try row.text(6), try row.text(7),
                try row.uuid(8).digits, try row.uuid(9).digits, try row.uuid(10).digits,
            ])
            edges.append(Placed(item: edge, place: place))
        }
        return edges
    }

    /// All graph nodes, ascending by id, without keeping them in memory.
    public func forEachNode(_ body: (StoredNode) throws(StorageError) -> Void) throws(StorageError) {
        try connection.copyOut("SELECT \(Self.columns) FROM \(schema).nodes ORDER BY id", columns: 4) {
            row throws(StorageError) in
            let id = TokenID(rawValue: try row.uuid())
            try body(StoredNode(id: id, kind: try row.text(), name: try row.text(), content: try row.text()))
        }
    }

    private func nodes(_ rows: Rows) throws(StorageError) -> [StoredNode] {
        var nodes: [StoredNode] = []
        for row in rows { nodes.append(try Self.node(row, at: 0)) }
        return nodes
    }

    /// A graph node whose ``columns(_:)`` begin at `column`.
    static func node(_ row: Row, at column: Int) throws(StorageError) -> StoredNode {
        StoredNode(
            id: TokenID(rawValue: try row.uuid(column)), kind: try row.text(column + 1), name: try row.text(column + 2),
            content: try row.text(column + 3))
    }

    /// For LIKE: its wildcards and its escape character stand for themselves.
    static func escapePattern(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    }
}

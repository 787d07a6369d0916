public import Wire

/// A graph node as a search sees it besides its text.
public struct SearchNode: Equatable, Sendable {
    public var id: TokenID
    public var kind: String
    public var parent: TokenID?
    /// Among its parent's children.
    public var position: Int32
    public var title: String
}

/// An edge that came with words: a link and its text, or a selection and what was searched for.
public struct SearchLink: Equatable, Sendable {
    public var source: TokenID
    public var relation: TokenID
    public var target: TokenID
    public var text: String
    /// Of the text: stemmed, stop words left out.
    public var words: [String]
}

/// A held-out edge that came with words: a question whose answer is known.
public struct HeldOutLink: Equatable, Sendable {
    public var source: TokenID
    public var relation: TokenID
    public var target: TokenID
    /// Each is a query.
    public var texts: [String]
}

extension SearchStore {
    /// Where an edge keeps the words it came with: `{"links": [{"text": "…"}, …]}` in its metadata.
    static let textsKey = "links"

    /// All graph nodes, ascending by id, and all edges that came with words, ascending by their ends: one snapshot.
    public func graph() throws(StorageError) -> (nodes: [SearchNode], links: [SearchLink]) {
        try connection.transaction(.readOnlySnapshot) { (connection) throws(StorageError) in
            var nodes: [SearchNode] = []
            // A binary COPY has no null of a fixed length that CopyRow would read: no parent is the node itself.
            try connection.copyOut(
                """
                SELECT n.id, n.kind, coalesce(n.parent_id, n.id), n.position, \(Self.title)
                FROM \(schema).nodes n ORDER BY 1
                """, columns: 5
            ) { (row) throws(StorageError) in
                let id = TokenID(rawValue: try row.uuid())
                let kind = try row.text()
                let parent = TokenID(rawValue: try row.uuid())
                let position = try row.int32()
                nodes.append(
                    SearchNode(
                        id: id, kind: kind, parent: parent == id ? nil : parent, position: position,
                        title: try row.text()))
            }
            var links: [SearchLink] = []
            try connection.copyOut(
                """
                SELECT e.source_id, e.relation, e.target_id, t.text,
                    array_to_string(tsvector_to_array(to_tsvector('pg_catalog.english', left(t.text, 1000))), E'\\x1f')
                FROM \(schema).edges e CROSS JOIN LATERAL (
                    \(Self.texts(of: "e.metadata"))) t
                ORDER BY 1, 2, 3, 4
                """, columns: 5
            ) { (row) throws(StorageError) in
                let source = TokenID(rawValue: try row.uuid())
                let relation = TokenID(rawValue: try row.uuid())
                let target = TokenID(rawValue: try row.uuid())
                let text = try row.text()
                let words = try row.text().split(separator: "\u{1F}").map(String.init)
                links.append(
                    SearchLink(source: source, relation: relation, target: target, text: text, words: words))
            }
            return (nodes, links)
        }
    }

    /// The held-out edges that came with words, ascending by their ends.
    public func heldOutLinks(_ split: GraphSplit) throws(StorageError) -> [HeldOutLink] {
        let rows = try connection.query(
            """
            SELECT source_id, relation, target_id, array_agg(t.text ORDER BY t.text)
            FROM \(schema).holdout h CROSS JOIN LATERAL (\(Self.texts(of: "h.metadata"))) t
            WHERE split = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """, [.text(split.rawValue)])
        var links: [HeldOutLink] = []
        for row in rows {
            links.append(
                HeldOutLink(
                    source: TokenID(rawValue: try row.uuid(0)), relation: TokenID(rawValue: try row.uuid(1)),
                    target: TokenID(rawValue: try row.uuid(2)), texts: try row.texts(3)))
        }
        return links
    }

    /// As rows of `text`; metadata of another form has none.
    static func texts(of metadata: String) -> String {
        """
        SELECT link ->> 'text' AS text FROM jsonb_array_elements(
            CASE jsonb_typeof(\(metadata) -> '\(textsKey)') WHEN 'array' THEN \(metadata) -> '\(textsKey)' ELSE '[]' END
        ) AS links(link) WHERE link ->> 'text' <> ''
        """
    }
}

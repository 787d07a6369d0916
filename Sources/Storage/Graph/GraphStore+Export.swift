import Graph
public import Wire

/// Where an export goes on: behind this triple.
public struct TriplePlace: Sendable {
    var source: UInt128
    var relation: UInt128
    var target: UInt128
}

/// Where an export of records goes on.
public enum RecordPlace: Sendable {
    case nodes(after: UInt128?)
    case edges(TriplePlace?)
    case perspectives(skipping: Int)

    public static var start: RecordPlace { .nodes(after: nil) }
}

extension GraphStore {
    /// The next triples of the graph, in the order of their ids, as lines of TSV.
    ///
    /// - Parameters:
    ///   - place: nil for the first ones.
    ///   - limit: most lines.
    /// - Returns: the lines and where to go on; nil at the end.
    public func nextLines(
        after place: TriplePlace?, limit: Int = 2_000
    ) throws(StorageError) -> (lines: Bytes, place: TriplePlace)? {
        let rows = try connection.query(
            """
            SELECT e.source_id, e.relation, e.target_id, h.name, r.name, t.name
            FROM \(schema).edges e
            JOIN \(schema).nodes h ON h.id = e.source_id
            JOIN \(schema).relations r ON r.id = e.relation
            JOIN \(schema).nodes t ON t.id = e.target_id
            WHERE $1::uuid IS NULL OR (e.source_id, e.relation, e.target_id) > ($1, $2, $3)
            ORDER BY e.source_id, e.relation, e.target_id LIMIT $4
            """,
            [.uuid(place?.source), .uuid(place?.relation), .uuid(place?.target), .int64(Int64(limit))])
        guard let last = rows.last else { return nil }
        var lines: Bytes = []
        for row in rows {
            lines += try row.text(3).utf8
            lines.append(UInt8(ascii: "\t"))
            lines += try row.text(4).utf8
            lines.append(UInt8(ascii: "\t"))
            lines += try row.text(5).utf8
            lines.append(UInt8(ascii: "\n"))
        }
        return (
            lines,
            TriplePlace(source: try last.uuid(0), relation: try last.uuid(1), target: try last.uuid(2))
        )
    }

    /// The next records of the graph as lines of JSONL: graph nodes with their texts and the tree, then edges, then
    /// perspectives.
    ///
    /// - Returns: the lines and where to go on; nil at the end.
    public func nextRecords(
        after place: RecordPlace, limit: Int = 1_000
    ) throws(StorageError) -> (lines: Bytes, place: RecordPlace)? {
        switch place {
        case .nodes(let id):
            let rows = try connection.query(
                """
                SELECT n.id, n.name, n.kind, nullif(n.content, n.name), n.language, p.name, n.position,
                       nullif(n.metadata, '{}')::text
                FROM \(schema).nodes n LEFT JOIN \(schema).nodes p ON p.id = n.parent_id
                WHERE $1::uuid IS NULL OR n.id > $1 ORDER BY n.id LIMIT $2
                """, [.uuid(id), .int64(Int64(limit))])
            guard let last = rows.last else { return try nextRecords(after: .edges(nil), limit: limit) }
            return (try lines(rows, Self.nodeRecord), .nodes(after: try last.uuid(0)))
        case .edges(let triple):
            let rows = try connection.query(
                """
                SELECT e.source_id, e.relation, e.target_id, h.name, r.name, t.name, e.weight, e.metadata::text
                FROM \(schema).edges e
                JOIN \(schema).nodes h ON h.id = e.source_id
                JOIN \(schema).relations r ON r.id = e.relation
                JOIN \(schema).nodes t ON t.id = e.target_id
                WHERE $1::uuid IS NULL OR (e.source_id, e.relation, e.target_id) > ($1, $2, $3)
                ORDER BY e.source_id, e.relation, e.target_id LIMIT $4
                """,
                [.uuid(triple?.source), .uuid(triple?.relation), .uuid(triple?.target), .int64(Int64(limit))])
            guard let last = rows.last else { return try nextRecords(after: .perspectives(skipping: 0), limit: limit) }
            let place = TriplePlace(
                source: try last.uuid(0), relation: try last.uuid(1), target: try last.uuid(2))
            return (try lines(rows, Self.edgeRecord), .edges(place))
        case .perspectives(let count):
            let rows = try connection.query(
                """
                SELECT a.name, n.name, p.weight, c.name, p.reasoning
                FROM \(schema).perspectives p
                JOIN \(schema).agents a ON a.id = p.agent_id
                JOIN \(schema).nodes n ON n.id = p.node_id
                LEFT JOIN \(schema).nodes c ON c.id = p.context_id
                ORDER BY p.agent_id, p.node_id, p.context_id NULLS FIRST OFFSET $1 LIMIT $2
                """, [.int64(Int64(count)), .int64(Int64(limit))])
            guard !rows.isEmpty else { return nil }
            return (try lines(rows, Self.perspectiveRecord), .perspectives(skipping: count + rows.count))
        }
    }

    private func lines(
        _ rows: Rows, _ record: (Row) throws(StorageError) -> GraphRecord
    ) throws(StorageError) -> Bytes {
        var lines: Bytes = []
        for row in rows { lines += JSONLWriter.line(try record(row)) }
        return lines
    }

    private static func nodeRecord(_ row: Row) throws(StorageError) -> GraphRecord {
        .node(
            NodeRecord(
                name: try row.text(1), kind: try row.text(2), content: try row.optionalText(3),
                language: try row.optionalText(4), parent: try row.optionalText(5), position: Int32(try row.int64(6)),
                metadata: try row.optionalText(7).map { Bytes($0.utf8) }))
    }

    private static func edgeRecord(_ row: Row) throws(StorageError) -> GraphRecord {
        .edge(
            EdgeRecord(
                head: try row.text(3), relation: try row.text(4), tail: try row.text(5), weight: try row.double(6),
                metadata: try row.optionalText(7).map { Bytes($0.utf8) }))
    }

    private static func perspectiveRecord(_ row: Row) throws(StorageError) -> GraphRecord {
        .perspective(
            PerspectiveRecord(
                agent: try row.text(0), node: try row.text(1), weight: try row.double(2),
                context: try row.optionalText(3), reasoning: try row.optionalText(4)))
    }

    /// A name that several graph nodes have; nil if there is none.
    public func sharedName() throws(StorageError) -> String? {
        try connection.query("SELECT name FROM \(schema).nodes GROUP BY name HAVING count(*) > 1 LIMIT 1")
            .first?.text(0)
    }

    /// A name that a line of TSV cannot hold, since it has a TAB or ends a line; nil if there is none.
    public func nameBeyondLines() throws(StorageError) -> String? {
        try connection.query(
            """
            SELECT name FROM \(schema).nodes WHERE name ~ '[\\t\\n\\r]'
            UNION ALL SELECT name FROM \(schema).relations WHERE name ~ '[\\t\\n\\r]' LIMIT 1
            """
        ).first?.text(0)
    }
}

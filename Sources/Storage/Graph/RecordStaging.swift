import Graph
import Wire

/// The first half of an import of records: their COPY into one temporary table.
///
/// A connection copies into one table at a time, so that all kinds of records share it:
///
/// | | a | b | relation |
/// |---|---|---|---|
/// | 0 node | itself | its parent | |
/// | 1 edge | head | tail | of the edge |
/// | 2 perspective | the node | its context | |
struct RecordStaging {
    let connection: Connection
    let key: VocabularyKey
    let rules: NameRules

    private static let columns = [
        "line", "record", "a_id", "a_name", "a_canonical", "b_id", "b_name", "b_canonical", "relation", "inverse",
        "relation_name", "kind",
        "language", "content", "label", "parent_label", "position", "weight", "metadata", "agent", "reasoning",
    ]

    /// The rows are gone at the end of the transaction.
    func copy(
        progress: (Int) -> Void, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) {
        do throws(StorageError) {
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_records (
                    line bigint, record smallint, a_id uuid, a_name text, a_canonical text, b_id uuid, b_name text,
                    b_canonical text,
                    relation uuid, inverse uuid, relation_name text, kind text, language text, content text,
                    label text, parent_label text, position integer, weight double precision, metadata jsonb,
                    agent text, reasoning text
                ) ON COMMIT DROP
                """)
        } catch { throw .storage(error) }
        try connection.copyIn(
            "pg_temp.staged_records", columns: Self.columns, throwing: ImportError.self, wrapping: { .storage($0) }
        ) { (writer) throws(ImportError) in
            var reader = JSONLReader()
            var hasEnded = false
            while !hasEnded {
                let chunk: Bytes
                do throws(StorageError) { chunk = try chunks() } catch { throw .storage(error) }
                hasEnded = chunk.isEmpty
                if hasEnded { reader.finish() } else { reader.feed(chunk) }
                while try stageNext(&reader, &writer) {
                    if writer.rows.isMultiple(of: GraphStore.progressStep) { progress(writer.rows) }
                }
            }
            progress(writer.rows)
        }
    }

    /// False when the reader needs another chunk.
    private func stageNext(_ reader: inout JSONLReader, _ writer: inout CopyWriter) throws(ImportError) -> Bool {
        let record: GraphRecord?
        do throws(GraphError) { record = try reader.next() } catch { throw .graph(error) }
        guard let record else { return false }
        let staged: Row
        do throws(GraphError) { staged = try row(of: record) } catch { throw .graph(error) }
        do throws(StorageError) { try staged.write(line: reader.line, to: &writer) } catch { throw .storage(error) }
        return true
    }

    private func named(_ name: String) throws(GraphError) -> Named {
        let bytes = Bytes(name.utf8)[...]
        let canonical = rules.canonical(bytes)
        return Named(
            id: try key.token(.node, named: canonical), name: name,
            canonical: canonical == bytes ? nil : String(decoding: canonical, as: UTF8.self))
    }

    /// A graph node as a line names it.
    private struct Named {
        var id: TokenID
        var name: String
        /// What the id is derived from, where that is not the name.
        var canonical: String?
    }

    private func row(of record: GraphRecord) throws(GraphError) -> Row {
        switch record {
        case .node(let node):
            var row = Row(record: 0, a: try named(node.name), node: node, metadata: node.metadata)
            if let parent = node.parent { row.b = try named(parent) }
            return row
        case .edge(let edge):
            let tokens = try key.relation(named: rules.canonical(Bytes(edge.relation.utf8)[...]))
            return Row(
                record: 1, a: try named(edge.head), b: try named(edge.tail), relation: (tokens, edge.relation),
                weight: edge.weight, metadata: edge.metadata)
        case .perspective(let view):
            var row = Row(
                record: 2, a: try named(view.node), weight: view.weight, agent: view.agent, reasoning: view.reasoning)
            if let context = view.context { row.b = try named(context) }
            return row
        }
    }

    /// One record as the table has it.
    private struct Row {
        var record: Int16
        var a: Named
        var b: Named?
        var relation: (tokens: RelationTokens, name: String)?
        var node: NodeRecord?
        var weight: Double?
        var metadata: Bytes?
        var agent: String?
        var reasoning: String?

        func write(line: Int, to writer: inout CopyWriter) throws(StorageError) {
            try writer.row()
            writer.int64(Int64(line))
            writer.int16(record)
            writer.uuid(a.id.rawValue)
            try writer.text(a.name)
            try Self.text(a.canonical, &writer)
            if let b { writer.uuid(b.id.rawValue) } else { writer.null() }
            try Self.text(b?.name, &writer)
            try Self.text(b?.canonical, &writer)
            if let relation {
                writer.uuid(relation.tokens.forward.rawValue)
                writer.uuid(relation.tokens.inverse.rawValue)
                try writer.text(relation.name)
            } else {
                for _ in 0..<3 { writer.null() }
            }
            try Self.text(node?.kind, &writer)
            try Self.text(node?.language, &writer)
            try Self.text(node?.content, &writer)
            try Self.text(node.map { TreeLabel.label(of: $0.name, below: $0.parent) }, &writer)
            try Self.text(node?.parent.map { TreeLabel.encode($0) }, &writer)
            if let node { writer.int32(node.position) } else { writer.null() }
            if let weight { writer.double(weight) } else { writer.null() }
            // jsonb on the wire: a version byte and the text (PostgreSQL's jsonb_recv).
            if let metadata { writer.bytes([1] + metadata) } else { writer.null() }
            try Self.text(agent, &writer)
            try Self.text(reasoning, &writer)
        }

        private static func text(_ text: String?, _ writer: inout CopyWriter) throws(StorageError) {
            if let text { try writer.text(text) } else { writer.null() }
        }
    }
}

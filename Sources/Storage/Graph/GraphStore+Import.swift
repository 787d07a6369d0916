public import Graph
public import Wire

/// Which part of the site's triples an import is.
public enum GraphSplit: String, Sendable, CaseIterable {
    /// What the site knows: nodes and edges, walked and trained on.
    case train
    /// Kept aside: the trainer measures itself with them.
    case valid
    /// Kept aside: evaluations are done with them.
    case test
}

/// What an import did.
public struct ImportCounts: Sendable, Equatable {
    /// Triples read, repeated ones included.
    public var triples = 0
    public var newNodes = 0
    public var newRelations = 0
    /// New edges or, for a part that is kept aside, new held-out triples.
    public var newEdges = 0
    /// Held-out triples that are edges of the graph as well: an evaluation would be too good.
    public var alsoEdges = 0

    public init() {}
}

/// Why an import changed nothing: the file, or the database.
public enum ImportError: Error, Equatable, CustomStringConvertible {
    case graph(GraphError)
    case storage(StorageError)

    public var description: String {
        switch self {
        case .graph(let error): "\(error)"
        case .storage(let error): "\(error)"
        }
    }
}

extension GraphStore {
    /// How often `progress` is told: after so many triples, and at the end.
    static let progressStep = 10_000

    /// Imports a TSV file of triples in one transaction: all of it, or nothing when a line is wrong.
    /// Triples that are there already stay as they are.
    ///
    /// Streams: triples go by COPY into a temporary table as they come; memory holds one chunk and the
    /// distinct names. FB15k-237, 272,115 triples, took 4 s while seven other processes shared two cores.
    ///
    /// - Parameters:
    ///   - chunks: gives the file piece by piece, empty at its end.
    ///   - progress: told of the triples read so far, now and then.
    public func importTriples(
        _ split: GraphSplit, progress: (Int) -> Void = { _ in }, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> ImportCounts {
        try connection.transaction(throwing: ImportError.self, wrapping: { .storage($0) }) {
            (connection) throws(ImportError) in
            let names = try stage(connection, progress: progress, chunks: chunks)
            do throws(StorageError) {
                return split == .train
                    ? try merge(connection, names) : try keepAside(connection, split, triples: names.triples)
            } catch {
                throw .storage(error)
            }
        }
    }

    /// Copies the triples, as ids, into a temporary table that ends with the transaction.
    private func stage(
        _ connection: Connection, progress: (Int) -> Void, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> ImportedNames {
        do throws(StorageError) {
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_triples (position bigint, source_id uuid, relation uuid, target_id uuid)
                    ON COMMIT DROP
                """)
        } catch { throw .storage(error) }
        var names = ImportedNames(key: key)
        try connection.copyIn(
            "pg_temp.staged_triples", columns: ["position", "source_id", "relation", "target_id"],
            throwing: ImportError.self, wrapping: { .storage($0) }
        ) { (writer) throws(ImportError) in
            var reader = TripleReader()
            var hasEnded = false
            while !hasEnded {
                let chunk: Bytes
                do throws(StorageError) { chunk = try chunks() } catch { throw .storage(error) }
                hasEnded = chunk.isEmpty
                if hasEnded { reader.finish() } else { reader.feed(chunk) }
                while try Self.stageNext(&reader, &names, &writer) {
                    if names.triples.isMultiple(of: Self.progressStep) { progress(names.triples) }
                }
            }
            progress(names.triples)
        }
        return names
    }

    /// False when the reader needs another chunk.
    private static func stageNext(
        _ reader: inout TripleReader, _ names: inout ImportedNames, _ writer: inout CopyWriter
    ) throws(ImportError) -> Bool {
        let ids: TokenTriple
        do throws(GraphError) {
            guard let triple = try reader.next() else { return false }
            ids = try names.add(triple)
        } catch { throw .graph(error) }
        do throws(StorageError) { try writer.row() } catch { throw .storage(error) }
        writer.int64(Int64(names.triples))
        for id in [ids.head, ids.relation, ids.tail] { writer.uuid(id.rawValue) }
        return true
    }

    /// Moves the staged rows into the graph, in the order of their keys: two imports at once then wait
    /// for each other instead of deadlocking, and the indexes grow at one place at a time.
    private func merge(_ connection: Connection, _ names: ImportedNames) throws(StorageError) -> ImportCounts {
        try copyNames(connection, names)
        var counts = ImportCounts()
        counts.triples = names.triples
        try connection.script("ANALYZE pg_temp.staged_triples; ANALYZE pg_temp.staged_nodes")
        counts.newNodes = try connection.query(
            """
            INSERT INTO \(schema).nodes (id, name, content)
            SELECT id, name, name FROM pg_temp.staged_nodes ORDER BY id ON CONFLICT DO NOTHING
            """
        ).affected
        counts.newRelations = try connection.query(
            """
            INSERT INTO \(schema).relations (id, inverse_id, name)
            SELECT id, inverse_id, name FROM pg_temp.staged_relations ORDER BY id ON CONFLICT DO NOTHING
            """
        ).affected
        counts.newEdges = try connection.query(
            """
            INSERT INTO \(schema).edges (source_id, relation, target_id)
            SELECT DISTINCT source_id, relation, target_id FROM pg_temp.staged_triples
            ORDER BY source_id, relation, target_id ON CONFLICT DO NOTHING
            """
        ).affected
        if counts.newEdges > 0 { try connection.script("ANALYZE \(schema).nodes; ANALYZE \(schema).edges") }
        return counts
    }

    private func keepAside(
        _ connection: Connection, _ split: GraphSplit, triples: Int
    ) throws(StorageError) -> ImportCounts {
        var counts = ImportCounts()
        counts.triples = triples
        counts.newEdges = try connection.query(
            """
            INSERT INTO \(schema).holdout (split, source_id, relation, target_id)
            SELECT $1, source_id, relation, target_id FROM pg_temp.staged_triples ORDER BY position
            ON CONFLICT DO NOTHING
            """, [.text(split.rawValue)]
        ).affected
        counts.alsoEdges = try connection.row(
            """
            SELECT count(*) FROM (SELECT DISTINCT source_id, relation, target_id FROM pg_temp.staged_triples) t
            JOIN \(schema).edges USING (source_id, relation, target_id)
            """
        ).int(0)
        return counts
    }

    private func copyNames(_ connection: Connection, _ names: ImportedNames) throws(StorageError) {
        try connection.script(
            """
            CREATE TEMPORARY TABLE staged_nodes (id uuid, name text) ON COMMIT DROP;
            CREATE TEMPORARY TABLE staged_relations (id uuid, inverse_id uuid, name text) ON COMMIT DROP
            """)
        // The field of a text is its UTF-8, which the reader has checked.
        try connection.copyIn("pg_temp.staged_nodes", columns: ["id", "name"]) { (writer) throws(StorageError) in
            for node in names.nodes {
                try writer.row()
                writer.uuid(node.id.rawValue)
                writer.bytes(node.name)
            }
        }
        try connection.copyIn("pg_temp.staged_relations", columns: ["id", "inverse_id", "name"]) {
            (writer) throws(StorageError) in
            for relation in names.relations {
                try writer.row()
                writer.uuid(relation.tokens.forward.rawValue)
                writer.uuid(relation.tokens.inverse.rawValue)
                writer.bytes(relation.name)
            }
        }
    }
}

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

/// What an import is to do.
public struct ImportOptions: Sendable {
    public var split: GraphSplit
    /// What the imported file is called: another import under this name, of the same part, replaces what this one
    /// gave. Nil: nothing is remembered, and nothing is taken away.
    public var source: String?
    /// Keeps what the source gave before and has no more.
    public var keepsVanished: Bool
    /// Ids follow the ``NameForm`` of names.
    public var normalizes: Bool

    public init(
        _ split: GraphSplit = .train, source: String? = nil, keepsVanished: Bool = false, normalizes: Bool = false
    ) {
        self.split = split
        self.source = source
        self.keepsVanished = keepsVanished
        self.normalizes = normalizes
    }
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
    /// Edges or held-out triples that the source gave before and has no more.
    public var removedEdges = 0
    /// Graph nodes that nothing holds any more after that.
    public var removedNodes = 0

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
    /// Triples that are there already stay as they are; the site's aliases count (``setAliases(_:)``).
    ///
    /// Streams: triples go by COPY into a temporary table as they come; memory holds one chunk and the
    /// distinct names. FB15k-237, 272,115 triples, took 4 s while seven other processes shared two cores.
    ///
    /// - Parameters:
    ///   - chunks: gives the file piece by piece, empty at its end.
    ///   - progress: told of the triples read so far, now and then.
    public func importTriples(
        _ options: ImportOptions = ImportOptions(), progress: (Int) -> Void = { _ in },
        chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> ImportCounts {
        try connection.transaction(throwing: ImportError.self, wrapping: { .storage($0) }) {
            (connection) throws(ImportError) in
            let rules: NameRules
            do throws(StorageError) {
                rules = NameRules(aliases: try aliases(), normalizes: options.normalizes)
            } catch { throw .storage(error) }
            let names = try stage(connection, rules, progress: progress, chunks: chunks)
            do throws(StorageError) {
                let tracking = try SourceTracking(
                    connection, schema: schema, source: options.source, split: options.split, records: names.triples)
                var counts =
                    options.split == .train
                    ? try merge(connection, names, tracking)
                    : try keepAside(connection, options.split, tracking, triples: names.triples)
                if !options.keepsVanished { try tracking?.removeVanished(&counts) }
                return counts
            } catch {
                throw .storage(error)
            }
        }
    }

    /// Copies the triples, as ids, into a temporary table that ends with the transaction.
    private func stage(
        _ connection: Connection, _ rules: NameRules, progress: (Int) -> Void,
        chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> ImportedNames {
        do throws(StorageError) {
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_triples (position bigint, source_id uuid, relation uuid, target_id uuid)
                    ON COMMIT DROP
                """)
        } catch { throw .storage(error) }
        var names = ImportedNames(key: key, rules: rules)
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
    private func merge(
        _ connection: Connection, _ names: ImportedNames, _ tracking: SourceTracking?
    ) throws(StorageError) -> ImportCounts {
        try copyNames(connection, names)
        let mark = SourceTracking.mark(tracking)
        var counts = ImportCounts()
        counts.triples = names.triples
        try connection.script("ANALYZE pg_temp.staged_triples; ANALYZE pg_temp.staged_nodes")
        counts.newNodes = try connection.query(
            """
            INSERT INTO \(schema).nodes (id, name, canonical, content, imports)
            SELECT id, name, canonical, name, \(mark) FROM pg_temp.staged_nodes ORDER BY id ON CONFLICT DO NOTHING
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
            INSERT INTO \(schema).edges (source_id, relation, target_id, imports)
            SELECT DISTINCT source_id, relation, target_id, \(mark) FROM pg_temp.staged_triples
            ORDER BY source_id, relation, target_id ON CONFLICT DO NOTHING
            """
        ).affected
        if counts.newEdges > 0 { try connection.script("ANALYZE \(schema).nodes; ANALYZE \(schema).edges") }
        try tracking?.claim()
        return counts
    }

    private func keepAside(
        _ connection: Connection, _ split: GraphSplit, _ tracking: SourceTracking?, triples: Int
    ) throws(StorageError) -> ImportCounts {
        var counts = ImportCounts()
        counts.triples = triples
        counts.newEdges = try connection.query(
            """
            INSERT INTO \(schema).holdout (split, source_id, relation, target_id, imports)
            SELECT $1, source_id, relation, target_id, \(SourceTracking.mark(tracking))
            FROM pg_temp.staged_triples ORDER BY position
            ON CONFLICT DO NOTHING
            """, [.text(split.rawValue)]
        ).affected
        try tracking?.claim()
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
            CREATE TEMPORARY TABLE staged_nodes (id uuid, name text, canonical text) ON COMMIT DROP;
            CREATE TEMPORARY TABLE staged_relations (id uuid, inverse_id uuid, name text) ON COMMIT DROP
            """)
        // The field of a text is its UTF-8, which the reader has checked.
        try connection.copyIn("pg_temp.staged_nodes", columns: ["id", "name", "canonical"]) {
            (writer) throws(StorageError) in
            for node in names.nodes {
                try writer.row()
                writer.uuid(node.id.rawValue)
                writer.bytes(node.name)
                if let canonical = node.canonical { writer.bytes(canonical) } else { writer.null() }
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

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
    public var triples = 0
    public var newNodes = 0
    public var newRelations = 0
    public var newEdges = 0

    public init() {}
}

/// What the site's graph holds.
public struct GraphCounts: Sendable, Equatable {
    public var nodes = 0
    public var edges = 0
    public var relations = 0
    public var valid = 0
    public var test = 0

    public init() {}
}

/// Why an import changed nothing: the file, or the database.
public enum ImportError: Error, CustomStringConvertible {
    case graph(GraphError)
    case storage(StorageError)

    public var description: String {
        switch self {
        case .graph(let error): "\(error)"
        case .storage(let error): "\(error)"
        }
    }
}

/// The site's graph as it is read back: ids, names and triples.
public struct StoredGraph: Sendable {
    public var nodes: [(id: TokenID, name: String)] = []
    public var relations: [(tokens: RelationTokens, name: String)] = []
    public var triples: [TokenTriple] = []
    public var valid: [TokenTriple] = []
    public var test: [TokenTriple] = []
}

/// The site's private graph in PostgreSQL. One connection, used by one thread.
public struct GraphStore {
    private let connection: Connection
    private let schema: String
    private let key: VocabularyKey

    public init(_ connection: Connection, schema: String, key: VocabularyKey) {
        self.connection = connection
        self.schema = "\"\(schema)\""
        self.key = key
    }

    // MARK: Import

    /// Imports a TSV file of triples in one transaction: all of it, or nothing when a line is wrong.
    /// Triples that are there already stay as they are.
    ///
    /// Streams through COPY into temporary tables; memory holds one chunk and the names seen.
    ///
    /// - Parameters:
    ///   - chunks: gives the file piece by piece, empty at its end.
    ///   - progress: told of the triples read so far, now and then.
    public func importTriples(
        _ split: GraphSplit, progress: (Int) -> Void = { _ in }, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> ImportCounts {
        try connection.transaction(throwing: ImportError.self, wrapping: { .storage($0) }) {
            (connection) throws(ImportError) in
            let staged = try stage(connection, progress: progress, chunks: chunks)
            do throws(StorageError) { return try merge(connection, split, staged) } catch { throw .storage(error) }
        }
    }

    /// Names and triples of the file, in temporary tables that end with the transaction.
    private func stage(
        _ connection: Connection, progress: (Int) -> Void, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> Staged {
        do {
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_triples (position bigint, source_id uuid, relation uuid, target_id uuid)
                    ON COMMIT DROP;
                CREATE TEMPORARY TABLE staged_nodes (id uuid, content text) ON COMMIT DROP;
                CREATE TEMPORARY TABLE staged_relations (id uuid, inverse_id uuid, name text) ON COMMIT DROP
                """)
        } catch { throw .storage(error) }
        var staged = Staged()
        try connection.copyIn(
            "staged_triples", columns: ["position", "source_id", "relation", "target_id"], throwing: ImportError.self,
            wrapping: { .storage($0) }
        ) { (writer) throws(ImportError) in
            var reader = TripleReader()
            var ended = false
            while true {
                let triple: NamedTriple?
                do throws(GraphError) { triple = try reader.next() } catch { throw .graph(error) }
                guard let triple else {
                    if ended { break }
                    let chunk: Bytes
                    do throws(StorageError) { chunk = try chunks() } catch { throw .storage(error) }
                    if chunk.isEmpty {
                        ended = true
                        reader.finish()
                    } else {
                        reader.feed(chunk)
                    }
                    continue
                }
                let ids: TokenTriple
                do throws(GraphError) { ids = try staged.add(triple, key) } catch { throw .graph(error) }
                do throws(StorageError) {
                    try writer.row()
                } catch { throw .storage(error) }
                writer.int64(Int64(staged.triples))
                for id in [ids.head, ids.relation, ids.tail] { writer.uuid(id.rawValue) }
                if staged.triples.isMultiple(of: 10_000) { progress(staged.triples) }
            }
        }
        return staged
    }

    private func merge(
        _ connection: Connection, _ split: GraphSplit, _ staged: Staged
    ) throws(StorageError) -> ImportCounts {
        var counts = ImportCounts()
        counts.triples = staged.triples
        guard split == .train else {
            counts.newEdges = try connection.query(
                """
                INSERT INTO \(schema).holdout (split, source_id, relation, target_id)
                SELECT '\(split.rawValue)', source_id, relation, target_id
                FROM staged_triples ORDER BY position ON CONFLICT DO NOTHING
                """
            ).affected
            return counts
        }
        try connection.copyIn("staged_nodes", columns: ["id", "content"]) { (writer) throws(StorageError) in
            for (name, id) in staged.nodes {
                try writer.row()
                writer.uuid(id.rawValue)
                try writer.text(name)
            }
        }
        try connection.copyIn("staged_relations", columns: ["id", "inverse_id", "name"]) {
            (writer) throws(StorageError) in
            for (name, tokens) in staged.relations {
                try writer.row()
                writer.uuid(tokens.forward.rawValue)
                writer.uuid(tokens.inverse.rawValue)
                try writer.text(name)
            }
        }
        counts.newNodes = try connection.query(
            "INSERT INTO \(schema).nodes (id, content) SELECT id, content FROM staged_nodes ON CONFLICT DO NOTHING"
        ).affected
        counts.newRelations = try connection.query(
            """
            INSERT INTO \(schema).relations (id, inverse_id, name)
            SELECT id, inverse_id, name FROM staged_relations ON CONFLICT DO NOTHING
            """
        ).affected
        counts.newEdges = try connection.query(
            """
            INSERT INTO \(schema).edges (source_id, relation, target_id)
            SELECT DISTINCT source_id, relation, target_id FROM staged_triples ON CONFLICT DO NOTHING
            """
        ).affected
        return counts
    }

    private struct Staged {
        var triples = 0
        var nodes: [String: TokenID] = [:]
        var relations: [String: RelationTokens] = [:]

        /// Ids follow from names; each name is hashed once.
        mutating func add(_ triple: NamedTriple, _ key: VocabularyKey) throws(GraphError) -> TokenTriple {
            triples += 1
            return TokenTriple(
                head: try node(triple.head, key), relation: try relation(triple.relation, key).forward,
                tail: try node(triple.tail, key))
        }

        private mutating func node(_ name: ArraySlice<UInt8>, _ key: VocabularyKey) throws(GraphError) -> TokenID {
            let text = String(decoding: name, as: UTF8.self)
            if let id = nodes[text] { return id }
            let id = try key.token(.node, named: name)
            nodes[text] = id
            return id
        }

        private mutating func relation(
            _ name: ArraySlice<UInt8>, _ key: VocabularyKey
        ) throws(GraphError) -> RelationTokens {
            let text = String(decoding: name, as: UTF8.self)
            if let tokens = relations[text] { return tokens }
            let tokens = try key.relation(named: name)
            relations[text] = tokens
            return tokens
        }
    }

    // MARK: Reading

    public func counts() throws(StorageError) -> GraphCounts {
        let row = try connection.row(
            """
            SELECT (SELECT count(*) FROM \(schema).nodes), (SELECT count(*) FROM \(schema).edges),
                   (SELECT count(*) FROM \(schema).relations),
                   (SELECT count(*) FROM \(schema).holdout WHERE split = 'valid'),
                   (SELECT count(*) FROM \(schema).holdout WHERE split = 'test')
            """)
        var counts = GraphCounts()
        counts.nodes = try row.int(0)
        counts.edges = try row.int(1)
        counts.relations = try row.int(2)
        counts.valid = try row.int(3)
        counts.test = try row.int(4)
        return counts
    }

    /// The whole graph, in one consistent snapshot.
    public func load() throws(StorageError) -> StoredGraph {
        try connection.transaction(.readOnlySnapshot) { (connection) throws(StorageError) in
            var graph = StoredGraph()
            try connection.copyOut("SELECT id, content FROM \(schema).nodes ORDER BY id", columns: 2) {
                (row) throws(StorageError) in
                let id = TokenID(rawValue: try row.uuid())
                graph.nodes.append((id, try row.text()))
            }
            try connection.copyOut("SELECT id, inverse_id, name FROM \(schema).relations ORDER BY id", columns: 3) {
                (row) throws(StorageError) in
                let forward = TokenID(rawValue: try row.uuid())
                let inverse = TokenID(rawValue: try row.uuid())
                graph.relations.append((RelationTokens(forward: forward, inverse: inverse), try row.text()))
            }
            graph.triples = try triples("SELECT source_id, relation, target_id FROM \(schema).edges ORDER BY 1, 2, 3")
            for split in [GraphSplit.valid, .test] {
                let heldOut = try triples(
                    """
                    SELECT source_id, relation, target_id FROM \(schema).holdout
                    WHERE split = '\(split.rawValue)' ORDER BY position
                    """)
                if split == .valid { graph.valid = heldOut } else { graph.test = heldOut }
            }
            return graph
        }
    }

    private func triples(_ select: String) throws(StorageError) -> [TokenTriple] {
        var triples: [TokenTriple] = []
        try connection.copyOut(select, columns: 3) { (row) throws(StorageError) in
            let head = TokenID(rawValue: try row.uuid())
            let relation = TokenID(rawValue: try row.uuid())
            triples.append(TokenTriple(head: head, relation: relation, tail: TokenID(rawValue: try row.uuid())))
        }
        return triples
    }
}

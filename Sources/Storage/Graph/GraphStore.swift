public import Graph
public import Wire

/// What the site's graph holds.
public struct GraphCounts: Sendable, Equatable {
    public var nodes = 0
    public var edges = 0
    public var relations = 0
    public var valid = 0
    public var test = 0

    public init() {}
}

/// The site's graph as it is read back: ids, names and triples. Nodes and relations ascend by id,
/// triples by head, relation, tail; held-out triples are in the order of their files.
public struct StoredGraph: Sendable {
    public var nodes: [(id: TokenID, name: String)] = []
    public var relations: [(tokens: RelationTokens, name: String)] = []
    public var triples: [TokenTriple] = []
    /// The tree, ascending by child.
    public var links: [ParentLink] = []
    public var valid: [TokenTriple] = []
    public var test: [TokenTriple] = []
}

/// The site's private graph in PostgreSQL. One connection, used by one thread.
public struct GraphStore {
    let connection: Connection
    let schema: String
    let key: VocabularyKey

    /// - Parameters:
    ///   - schema: holds the tables; created by ``Schema/migrate(_:)``.
    ///   - key: turns names into ids.
    public init(_ connection: Connection, schema: String, key: VocabularyKey) {
        self.connection = connection
        self.schema = Schema.quote(schema)
        self.key = key
    }

    /// Counts everything; some tens of milliseconds for 10^5 edges.
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
            try connection.copyOut("SELECT id, name FROM \(schema).nodes ORDER BY id", columns: 2) {
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
            let links = "SELECT id, parent_id, position FROM \(schema).nodes WHERE parent_id IS NOT NULL ORDER BY id"
            try connection.copyOut(links, columns: 3) { (row) throws(StorageError) in
                let child = TokenID(rawValue: try row.uuid())
                let parent = TokenID(rawValue: try row.uuid())
                graph.links.append(ParentLink(child: child, parent: parent, position: try row.int32()))
            }
            graph.triples = try triples("SELECT source_id, relation, target_id FROM \(schema).edges ORDER BY 1, 2, 3")
            graph.valid = try heldOut(.valid)
            graph.test = try heldOut(.test)
            return graph
        }
    }

    private func heldOut(_ split: GraphSplit) throws(StorageError) -> [TokenTriple] {
        try triples(
            """
            SELECT source_id, relation, target_id FROM \(schema).holdout
            WHERE split = '\(split.rawValue)' ORDER BY position
            """)
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

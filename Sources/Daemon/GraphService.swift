internal import API
internal import Graph
internal import Storage
internal import Synchronization
internal import Wire

/// The site's private graph: import, counts, and the copy in memory that training reads.
final class GraphService: Sendable {
    let database: Database
    let key: VocabularyKey
    let cache = Mutex(GraphCache())

    init(database: Database, vocabularyKey: Bytes) throws(GraphError) {
        self.database = database
        key = try VocabularyKey(vocabularyKey)
    }

    func store(_ connection: Connection) -> GraphStore {
        GraphStore(connection, schema: database.schema, key: key)
    }

    /// Imports a TSV body: all of it or nothing.
    func importTriples(_ body: RequestBody, _ options: ImportOptions) async throws -> ImportReport {
        let counts: ImportCounts
        // Whatever the outcome: a commit may have succeeded without being heard of.
        defer { cache.withLock { $0.outdate() } }
        do {
            counts = try await database.working { (connection) throws in
                let chunks = ChunkReader(body)
                return try self.store(connection).importTriples(options) { () throws(StorageError) in
                    try self.database.checkRunning()
                    return try chunks.next()
                }
            }
        } catch let error as ImportError {
            throw try Self.problem(error, "nothing was imported; correct the file and try again")
        }
        return ImportReport(
            split: options.split.rawValue, triples: counts.triples, newNodes: counts.newNodes,
            newRelations: counts.newRelations, newEdges: counts.newEdges, known: counts.triples - counts.newEdges,
            removedEdges: counts.removedEdges, removedNodes: counts.removedNodes)
    }

    /// What a faulty file is answered with; errors of the database are passed on.
    static func problem(_ error: ImportError, _ remedy: String) throws(StorageError) -> Problem {
        switch error {
        case .graph(let fault):
            Problem(
                status: 422, detail: "\(fault)", remedy: remedy, code: "malformed_triples", field: fault.place)
        case .storage(let error): throw error
        }
    }

    func stats() async throws -> GraphReport {
        try await database.query { (connection) throws(StorageError) in try self.report(connection) }
    }

    /// As ``stats()``, but nil while the database is away.
    func glance() async throws -> GraphReport? {
        try await database.glance { (connection) throws(StorageError) in try self.report(connection) }
    }

    private func report(_ connection: Connection) throws(StorageError) -> GraphReport {
        let counts = try store(connection).counts()
        return GraphReport(
            nodes: counts.nodes, edges: counts.edges, relations: counts.relations, valid: counts.valid,
            test: counts.test)
    }

    /// How often the graph has changed; what was made from an older one is outdated.
    var age: Int { cache.withLock { $0.age } }

    /// The graph has changed.
    func outdate() { cache.withLock { $0.outdate() } }

    /// The graph as of the last import.
    func current() async throws -> SiteGraph {
        let (cached, age) = cache.withLock { ($0.graph, $0.age) }
        if let cached { return cached }
        let stored = try await database.query { (connection) throws(StorageError) in
            try self.store(connection).load()
        }
        let graph = try SiteGraph(
            nodes: stored.nodes, relations: stored.relations, triples: stored.triples, valid: stored.valid,
            test: stored.test, tree: (stored.links, key.parentTokens))
        cache.withLock { $0.keep(graph, of: age) }
        return graph
    }

    /// Triples of a TSV body as ids, for a filter: nothing is stored.
    func triples(in body: RequestBody) async throws -> [TokenTriple] {
        let key = key
        return try await database.working { _ in
            let chunks = ChunkReader(body)
            var reader = TripleReader()
            var table = TripleTable(key: key)
            while true {
                if let triple = try reader.next() {
                    try table.add(triple)
                    continue
                }
                let chunk = try chunks.next()
                if chunk.isEmpty { break }
                reader.feed(chunk)
            }
            reader.finish()
            while let triple = try reader.next() { try table.add(triple) }
            return table.triples
        }
    }
}

/// The graph in memory, and how many imports there have been: one that was read before an import and
/// is ready after it must not be kept.
struct GraphCache {
    private(set) var graph: SiteGraph?
    private(set) var age = 0

    mutating func outdate() {
        graph = nil
        age += 1
    }

    /// - Parameter age: as it was before the graph was read.
    mutating func keep(_ graph: SiteGraph, of age: Int) {
        if age == self.age { self.graph = graph }
    }
}

extension GraphError {
    /// LINE:COLUMN of a malformed file.
    var place: String? {
        switch self {
        case .malformed(let fault): "\(fault.line):\(fault.column)"
        case .malformedRecord(let fault): "\(fault.line):\(fault.column)"
        default: nil
        }
    }
}

/// A request body piece by piece; empty at its end.
final class ChunkReader {
    private let body: RequestBody
    private var offset = 0
    private static let chunkBytes = 1 << 18

    init(_ body: RequestBody) { self.body = body }

    func next() throws(StorageError) -> Bytes {
        let chunk: Bytes
        do {
            chunk = try body.chunk(at: offset, size: Self.chunkBytes)
        } catch {
            throw StorageError(
                .directory, operation: "read", object: "the uploaded file", cause: "\(error)",
                remedy: "check the space in the temporary directory and try again")
        }
        offset += chunk.count
        return chunk
    }
}

internal import API
internal import Graph
internal import Storage
internal import Synchronization

extension GraphService {
    /// Imports a JSONL body: all of it or nothing.
    ///
    /// - Parameters:
    ///   - source: what an earlier import of this name gave, and this one lacks, goes.
    ///   - normalizes: whether ids follow the normal form of names; the site's aliases count either way.
    func importRecords(_ body: RequestBody, source: String?, normalizes: Bool) async throws -> RecordImportReport {
        let counts: RecordImportCounts
        // Whatever the outcome: a commit may have succeeded without being heard of.
        defer { cache.withLock { $0.outdate() } }
        do {
            counts = try await database.working { (connection) throws in
                let chunks = ChunkReader(body)
                let store = self.store(connection)
                let rules = NameRules(aliases: try store.aliases(), normalizes: normalizes)
                return try store.importRecords(source: source, rules: rules) { () throws(StorageError) in
                    try self.database.checkRunning()
                    return try chunks.next()
                }
            }
        } catch let error as ImportError {
            switch error {
            case .graph(let fault):
                throw Problem(
                    status: 422, detail: "\(fault)", remedy: "nothing was imported; correct the file and try again",
                    code: "malformed_records", field: fault.place)
            case .storage(let error): throw error
            }
        }
        return RecordImportReport(
            records: counts.records, nodes: counts.nodes, newNodes: counts.newNodes, updatedNodes: counts.updatedNodes,
            removedNodes: counts.removedNodes, newRelations: counts.newRelations, edges: counts.edges,
            newEdges: counts.newEdges, updatedEdges: counts.updatedEdges, removedEdges: counts.removedEdges,
            perspectives: counts.perspectives, newPerspectives: counts.newPerspectives,
            updatedPerspectives: counts.updatedPerspectives)
    }
}

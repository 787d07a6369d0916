/// What an import of records did: `POST /api/graph/import-records?source=NAME`, the body being JSONL.
public struct RecordImportReport: Codable, Sendable, Equatable {
    /// Lines that are records.
    public var records: Int
    /// Descriptions of graph nodes among them.
    public var nodes: Int
    /// Nodes that were described or mentioned, and are new.
    public var newNodes: Int
    public var updatedNodes: Int
    /// Given by an earlier version of the source, and by nothing any more.
    public var removedNodes: Int
    public var newRelations: Int
    public var edges: Int
    public var newEdges: Int
    public var updatedEdges: Int
    public var removedEdges: Int
    public var perspectives: Int
    public var newPerspectives: Int
    public var updatedPerspectives: Int

    public init(
        records: Int, nodes: Int, newNodes: Int, updatedNodes: Int, removedNodes: Int, newRelations: Int, edges: Int,
        newEdges: Int, updatedEdges: Int, removedEdges: Int, perspectives: Int, newPerspectives: Int,
        updatedPerspectives: Int
    ) {
        self.records = records
        self.nodes = nodes
        self.newNodes = newNodes
        self.updatedNodes = updatedNodes
        self.removedNodes = removedNodes
        self.newRelations = newRelations
        self.edges = edges
        self.newEdges = newEdges
        self.updatedEdges = updatedEdges
        self.removedEdges = removedEdges
        self.perspectives = perspectives
        self.newPerspectives = newPerspectives
        self.updatedPerspectives = updatedPerspectives
    }
}

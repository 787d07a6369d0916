public import Graph
public import Wire

/// What an import of records did.
public struct RecordImportCounts: Sendable, Equatable {
    /// Lines that are records.
    public var records = 0
    /// Descriptions of nodes among them.
    public var nodes = 0
    /// Nodes that were described or only mentioned, and are new.
    public var newNodes = 0
    public var updatedNodes = 0
    /// Nodes that an earlier version of the file gave, and nothing else.
    public var removedNodes = 0
    public var newRelations = 0
    public var edges = 0
    public var newEdges = 0
    /// Edges whose weight or metadata changed.
    public var updatedEdges = 0
    /// As ``removedNodes``, those of removed nodes included.
    public var removedEdges = 0
    public var perspectives = 0
    public var newPerspectives = 0
    public var updatedPerspectives = 0

    public init() {}
}

extension GraphStore {
    /// Imports a JSONL file of records in one transaction: all of it, or nothing when a line is wrong.
    ///
    /// A node's record is all there is to say of it: what it does not name is set back. A node that is only
    /// mentioned, as an end of an edge or as a parent, is created if it is missing and left alone if not.
    ///
    /// Streams: records go by COPY into a temporary table as they come; memory holds one chunk and one line.
    ///
    /// - Parameters:
    ///   - source: the name under which the file is known (table `imports`): what an earlier version of it gave
    ///     and this one lacks is deleted, unless another import gives it too. Nil: nothing is remembered.
    ///   - rules: from names in the file to canonical names.
    ///   - chunks: gives the file piece by piece, empty at its end.
    ///   - progress: told of the records read so far, now and then.
    public func importRecords(
        source: String? = nil, rules: NameRules = NameRules(), progress: (Int) -> Void = { _ in },
        chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> RecordImportCounts {
        try connection.transaction(throwing: ImportError.self, wrapping: { .storage($0) }) {
            (connection) throws(ImportError) in
            try RecordStaging(connection: connection, key: key, rules: rules).copy(progress: progress, chunks: chunks)
            let merge = RecordMerge(connection: connection, schema: schema)
            let (counts, fault): (RecordImportCounts, JSONLFault?)
            do throws(StorageError) { (counts, fault) = try merge.run(source: source) } catch { throw .storage(error) }
            if let fault { throw .graph(.malformedRecord(fault)) }
            return counts
        }
    }
}

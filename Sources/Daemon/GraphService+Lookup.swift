internal import API
internal import Graph
internal import Storage
internal import Synchronization
internal import Wire

/// What an export writes.
enum ExportFormat: String, Sendable, CaseIterable {
    /// Edges by names.
    case tsv
    /// Graph nodes with their texts and the tree, edges, perspectives.
    case jsonl
}

extension GraphService {
    func search(_ text: String, limit: Int) async throws -> GraphSearchReport {
        let found = try await database.query { (connection) throws(StorageError) in
            try self.store(connection).ranked(text, limit: limit).map { Found(node: $0.node, score: $0.score) }
        }
        return GraphSearchReport(
            text: text, results: found.map { .init(node: NodeReport($0.node), score: $0.score) })
    }

    private struct Found: Sendable {
        let node: StoredNode
        let score: Double
    }

    /// - Parameter before: the edges behind this one; nil from the first on.
    func show(_ text: String, before: ListPlace?, limit: Int) async throws -> NodeDetailReport {
        let detail = try await asking { (store) throws(GraphRequestError) in
            try store.detail(of: text, after: before, limit: limit)
        }
        return NodeDetailReport(
            id: detail.node.id.hex, kind: detail.node.kind, name: detail.node.name, canonical: detail.canonical,
            content: detail.node.content, language: detail.language, path: detail.path,
            parent: detail.parent.map { NodeReport($0) }, children: detail.children, metadata: detail.metadata,
            edges: detail.edges.map {
                EdgeReport(
                    head: $0.item.head, relation: $0.item.relation, tail: $0.item.tail, weight: $0.item.weight,
                    place: $0.place.text)
            }, edgeCount: detail.edgeCount, sources: detail.sources,
            perspectives: detail.perspectives.map { PerspectiveReport($0) },
            associations: detail.associations.map { AssociationReport($0) })
    }

    /// The graph part by part. An import that ends meanwhile may be in it in part.
    func export(_ format: ExportFormat) async throws -> Response {
        switch format {
        case .tsv: try await exportTriples()
        case .jsonl: try await exportRecords()
        }
    }

    private func exportRecords() async throws -> Response {
        let twice = try await database.query { (connection) throws(StorageError) in
            try self.store(connection).sharedName()
        }
        if let twice {
            throw Problem.conflict(
                "several graph nodes are called '\(twice)', and JSONL knows them by name",
                remedy: "export as TSV, or look at them with `shoal graph show`", code: "not_jsonl")
        }
        return .stream(contentType: "application/jsonl") { writer in
            var place = RecordPlace.start
            while true {
                let after = place
                let page = try await self.database.query { (connection) throws(StorageError) in
                    try self.store(connection).nextRecords(after: after).map {
                        RecordPage(lines: $0.lines, place: $0.place)
                    }
                }
                guard let page else { return }
                try await writer.write(page.lines)
                place = page.place
            }
        }
    }

    private struct RecordPage: Sendable {
        let lines: Bytes
        let place: RecordPlace
    }

    /// All edges as TSV.
    private func exportTriples() async throws -> Response {
        let unfit = try await database.query { (connection) throws(StorageError) in
            try self.store(connection).nameBeyondLines()
        }
        if let unfit {
            throw Problem.conflict(
                "the name '\(unfit)' has a TAB or a line end, which TSV cannot hold",
                remedy: "export as JSONL", code: "not_tsv")
        }
        return .stream(contentType: "text/tab-separated-values; charset=utf-8") { writer in
            var place: TriplePlace?
            while true {
                let after = place
                let page = try await self.database.query { (connection) throws(StorageError) in
                    try self.store(connection).nextLines(after: after).map { Page(lines: $0.lines, place: $0.place) }
                }
                guard let page else { return }
                try await writer.write(page.lines)
                place = page.place
            }
        }
    }

    private struct Page: Sendable {
        let lines: Bytes
        let place: TriplePlace
    }

    // MARK: Aliases

    func setAliases(_ body: RequestBody) async throws -> AliasReport {
        let table: AliasTable
        do {
            table = try AliasTable(file: try body.collect(limit: 128 << 20))
        } catch let error as GraphError {
            throw Problem(
                status: 422, detail: "\(error)", remedy: "the aliases are as they were; correct the file and try again",
                code: "malformed_aliases")
        }
        try await asking { (store) throws(GraphRequestError) in try store.setAliases(table) }
        return AliasReport(aliases: table.entries.count)
    }

    func aliases() async throws -> Response {
        let table = try await database.query { (connection) throws(StorageError) in
            try self.store(connection).aliases()
        }
        var text: Bytes = []
        for entry in table.entries {
            text += entry.name + [UInt8(ascii: "\t")] + entry.canonical + [UInt8(ascii: "\n")]
        }
        return Response(contentType: "text/tab-separated-values; charset=utf-8", text)
    }

    // MARK: Changes

    func deleteTriples(_ body: RequestBody, split: GraphSplit) async throws -> DeleteReport {
        defer { cache.withLock { $0.outdate() } }
        do {
            let done = try await database.working { (connection) throws in
                let chunks = ChunkReader(body)
                return try self.store(connection).deleteTriples(split) { () throws(StorageError) in
                    try self.database.checkRunning()
                    return try chunks.next()
                }
            }
            return DeleteReport(
                split: split.rawValue, triples: done.triples, deleted: done.edges, missing: done.missing,
                missingLines: done.missingLines)
        } catch let error as ImportError {
            throw try Self.problem(error, "nothing was deleted; correct the file and try again")
        }
    }

    func forget(_ text: String) async throws -> ForgottenNode {
        defer { cache.withLock { $0.outdate() } }
        return try await asking { (store) throws(GraphRequestError) in try store.forget(text) }
    }
}

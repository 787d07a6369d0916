internal import API
internal import Graph
internal import Storage

extension Routes {
    func addGraph(to router: inout Router) {
        let graphs = graphs
        router.get("/api/graph/stats") { _ in try await answering { .json(try await graphs.stats()) } }
        router.post("/api/graph/import", bodyLimit: 1 << 30) { request in
            try await answering {
                .json(try await graphs.importTriples(request.body, try Self.importOptions(request)), status: 201)
            }
        }
        router.get("/api/graph/search") { request in
            try await answering {
                let limit = try request.query.integer("limit", in: 1...1_000) ?? 20
                return .json(try await graphs.search(try Self.needed(request, "text"), limit: limit))
            }
        }
        router.get("/api/graph/node") { request in
            try await answering {
                let limit = try request.query.integer("limit", in: 0...10_000) ?? 50
                return .json(
                    try await graphs.show(
                        try Self.needed(request, "node"), before: try Self.before(request), limit: limit))
            }
        }
        router.get("/api/graph/export") { request in
            try await answering {
                try await graphs.export(try Self.choice(request, "format", .tsv) { ExportFormat(rawValue: $0) })
            }
        }
        addGraphChanges(to: &router)
    }

    private func addGraphChanges(to router: inout Router) {
        let (graphs, forgetting) = (graphs, ForgetService(host: host, graphs: graphs, models: models))
        let overlap = OverlapService(host: host, graphs: graphs, peers: peers)
        router.post("/api/graph/delete", bodyLimit: 1 << 30) { request in
            try await answering {
                let split = try Self.choice(request, "split", GraphSplit.train) { GraphSplit(rawValue: $0) }
                guard request.body.count > 0 else {
                    throw Problem.unusable("the request has no body", remedy: "send the triples to delete, as TSV")
                }
                return .json(try await graphs.deleteTriples(request.body, split: split))
            }
        }
        router.post("/api/graph/forget") { request in
            try await answering { .json(try await forgetting.forget(try request.json())) }
        }
        router.put("/api/graph/aliases", bodyLimit: 128 << 20) { request in
            try await answering { .json(try await graphs.setAliases(request.body)) }
        }
        router.get("/api/graph/aliases") { _ in try await answering { try await graphs.aliases() } }
        router.get("/api/graph/overlap") { request in
            try await answering { .json(try await overlap.report(agent: request.query["agent"])) }
        }
    }

    private static func importOptions(_ request: Request) throws(Problem) -> ImportOptions {
        try request.query.allow(only: "split", "source", "keep", "normalize")
        let source = request.query["source"]
        if let source, let fault = CanonicalName.fault(in: Array(source.utf8)[...]) {
            throw .unusable("the name of the source \(fault)", field: "source")
        }
        return ImportOptions(
            try choice(request, "split", GraphSplit.train) { GraphSplit(rawValue: $0) }, source: source,
            keepsVanished: try request.query.flag("keep"), normalizes: try request.query.flag("normalize"))
    }

    /// A parameter that must be there.
    static func needed(_ request: Request, _ name: String) throws(Problem) -> String {
        guard let value = request.query[name], !value.isEmpty else {
            throw .badRequest("the parameter '\(name)' is missing", field: name)
        }
        return value
    }
}

internal import API
internal import Graph

extension Routes {
    func addImport(to router: inout Router) {
        let graphs = graphs
        router.post("/api/graph/import-records", bodyLimit: 1 << 30) { request in
            try await answering {
                let source = request.query["source"]
                if let source, let fault = CanonicalName.fault(in: Array(source.utf8)[...]) {
                    throw Problem.unusable("the source \(fault)", remedy: "name it or leave it out", field: "source")
                }
                return .json(
                    try await graphs.importRecords(
                        request.body, source: source, normalizes: try request.query.flag("normalize")),
                    status: 201)
            }
        }
    }
}

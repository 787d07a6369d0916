internal import API
internal import Graph
internal import Search
internal import Storage

extension Routes {
    func addSearch(to router: inout Router) {
        let (searches, graphs) = (searches, graphs)
        router.get("/api/models/search") { request in
            try await answering { .json(try await searches.search(try Self.searchRequest(request))) }
        }
        router.post("/api/models/feedback") { request in
            try await answering { .json(try await searches.select(try request.json()), status: 201) }
        }
        router.post("/api/models/calibrate") { request in
            try await answering { .json(try await searches.calibrate(try request.json())) }
        }
        router.post("/api/models/search/evaluate", needs: .reading) { request in
            try await answering {
                guard let agent = request.query["agent"] else {
                    throw Problem.badRequest("the parameter 'agent' is missing", field: "agent")
                }
                let split = try Self.choice(request, "split", GraphSplit.test) {
                    GraphSplit(rawValue: $0).flatMap { $0 == .train ? nil : $0 }
                }
                let weights = try Self.choice(request, "weights", Weights.federated) { Weights(rawValue: $0) }
                return .json(try await searches.evaluate(agent, split: split, weights: weights))
            }
        }
        router.post("/api/graph/holdout") { request in
            try await answering { .json(try await graphs.holdOut(try request.json())) }
        }
    }

    private static func searchRequest(_ request: Request) throws(Problem) -> SearchRequest {
        guard let query = request.query["query"] else {
            throw .badRequest("the parameter 'query' is missing", remedy: "say what to look for", field: "query")
        }
        var search = SearchRequest(query: query)
        search.agent = request.query["agent"]
        search.context = request.query.all("context")
        search.limit = try request.query.integer("limit", in: SearchRequest.limits) ?? search.limit
        search.formula = try choice(request, "formula", search.formula) { Formula(rawValue: $0) }
        search.weights = try choice(request, "weights", search.weights) { Weights(rawValue: $0) }
        search.why = try request.query.flag("why")
        search.withRules = try request.query.flag("rules")
        return search
    }
}

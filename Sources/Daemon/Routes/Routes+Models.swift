internal import API
internal import Graph
internal import Identity
internal import Wire

extension Routes {
    func addModels(to router: inout Router) {
        let models = models
        let graphs = graphs
        let searches = searches
        router.get("/api/models") { _ in try await answering { .json(try await models.list()) } }
        router.post("/api/models") { request in
            try await answering { .json(try await models.create(try request.json()), status: 201) }
        }
        router.post("/api/models/train") { request in
            try await answering { .json(try await models.train(try request.json()), status: 202) }
        }
        let vectors = vectors
        router.post("/api/models/publish") { request in
            try await answering { .json(try await vectors.publish(try request.json())) }
        }
        router.get("/api/jobs/:id") { request in
            guard let job = Int(request[parameter: "id"]).flatMap({ models.job($0) }) else {
                throw Problem.notFound("no job has the number '\(request[parameter: "id"])'")
            }
            return .json(job)
        }
        router.delete("/api/jobs/:id") { request in
            guard let number = Int(request[parameter: "id"]), let job = await models.cancel(number) else {
                throw Problem.notFound("no job has the number '\(request[parameter: "id"])'")
            }
            return .json(job)
        }
        router.post("/api/models/predict", needs: .reading) { request in
            try await answering { .json(try await models.predict(try request.json())) }
        }
        router.post("/api/models/ensemble", needs: .reading) { request in
            try await answering { .json(try await models.ensemble(try request.json())) }
        }
        router.post("/api/models/evaluate", bodyLimit: 1 << 30, needs: .reading) { request in
            try await answering { .json(try await Self.evaluate(request, models, graphs)) }
        }
        router.get("/api/models/:agent/info") { request in
            try await answering {
                let id = try await models.find(request[parameter: "agent"])
                guard var info = try await models.info(id) else { throw Problem.notFound("the model was deleted") }
                info.history = try await models.history.reports(of: id)
                info.curves = models.curves(of: id)
                return .json(info)
            }
        }
        router.get("/api/models/without") { _ in
            try await answering { .json(WithoutReport(peers: try await models.view.leftOut().map(\.hex))) }
        }
        router.post("/api/models/without") { request in
            try await answering {
                let wanted: WithoutRequest = try request.json()
                try await models.view.leaveOut(
                    try wanted.peers.map { text in
                        guard let peer = PeerID(hex: text) else {
                            throw Problem.badRequest("'\(text)' is no peer id", field: "peers")
                        }
                        return peer
                    })
                return .json(WithoutReport(peers: try await models.view.leftOut().map(\.hex)))
            }
        }
        router.delete("/api/models/:agent") { request in
            try await answering {
                try await searches.forget(try await models.delete(request[parameter: "agent"]))
                return .noContent
            }
        }
    }

    private static func evaluate(
        _ request: Request, _ models: ModelService, _ graphs: GraphService
    ) async throws -> EvaluationReport {
        guard let agent = request.query["agent"] else {
            throw Problem.badRequest("the parameter 'agent' is missing", field: "agent")
        }
        let weights = try choice(request, "weights", Weights.federated) { Weights(rawValue: $0) }
        let evaluation = try choice(request, "protocol", EvaluationProtocol.twoSided) {
            EvaluationProtocol(rawValue: $0)
        }
        let split = try choice(request, "split", "test") { ["valid", "test"].contains($0) ? $0 : nil }
        let filter = request.body.count > 0 ? try await graphs.triples(in: request.body) : nil
        return try await models.evaluate(
            agent, weights: weights, evaluation: evaluation, split: split, filter: filter,
            withRanks: try request.query.flag("ranks"), withRules: try request.query.flag("rules"))
    }

    static func choice<Value>(
        _ request: Request, _ name: String, _ fallback: Value, _ parse: (String) -> Value?
    ) throws(Problem) -> Value {
        guard let text = request.query[name] else { return fallback }
        guard let value = parse(text) else {
            throw .badRequest("the parameter '\(name)' cannot be '\(text)'", field: name)
        }
        return value
    }
}

internal import API

extension Routes {
    func addPatterns(to router: inout Router) {
        let rules = models.rules
        let (patterns, centroids) = (patterns, searches.centroids)
        router.post("/api/patterns/mine") { request in
            try await answering { .json(try await rules.mine(try request.json())) }
        }
        router.get("/api/patterns/mined") { request in
            let top = request.query["top"].map { Int($0) ?? 0 } ?? 20
            let relation = request.query["relation"]
            return try await answering { .json(try await rules.list(relation: relation, top: top)) }
        }
        router.post("/api/patterns/centroids") { request in
            try await answering { .json(try await centroids.mine(try request.json())) }
        }
        router.get("/api/patterns/centroids") { request in
            let agent = request.query["agent"]
            return try await answering { .json(try await centroids.list(agent: agent)) }
        }
        router.get("/api/patterns") { _ in try await answering { .json(try await patterns.list()) } }
        router.post("/api/patterns") { request in
            try await answering { .json(try await patterns.propose(try request.json()), status: 201) }
        }
        router.get("/api/patterns/:id") { request in
            try await answering {
                .json(
                    try await patterns.show(request[parameter: "id"], verify: try request.query.flag("verify")))
            }
        }
    }
}

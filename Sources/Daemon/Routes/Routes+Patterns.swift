internal import API

extension Routes {
    func addPatterns(to router: inout Router) {
        let rules = models.rules
        router.post("/api/patterns/mine") { request in
            try await answering { .json(try await rules.mine(try request.json())) }
        }
        router.get("/api/patterns/mined") { request in
            let top = request.query["top"].map { Int($0) ?? 0 } ?? 20
            let relation = request.query["relation"]
            return try await answering { .json(try await rules.list(relation: relation, top: top)) }
        }
    }
}

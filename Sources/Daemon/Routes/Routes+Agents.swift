internal import API

extension Routes {
    func addAgents(to router: inout Router) {
        let graphs = graphs
        router.get("/api/agents") { _ in try await answering { .json(try await graphs.agents()) } }
        router.post("/api/agents") { request in
            try await answering { .json(try await graphs.addAgent(try request.json()), status: 201) }
        }
        router.delete("/api/agents") { request in
            try await answering {
                try await graphs.removeAgent(try Self.needed(request, "name"))
                return .noContent
            }
        }
        router.get("/api/perspectives") { request in
            try await answering {
                .json(
                    try await graphs.perspectives(
                        agent: request.query["agent"], node: request.query["node"], before: try Self.before(request),
                        limit: try Self.limit(request)))
            }
        }
        router.put("/api/perspectives") { request in
            try await answering { .json(try await graphs.setPerspective(try request.json())) }
        }
        router.delete("/api/perspectives") { request in
            try await answering {
                .json(
                    try await graphs.removePerspectives(
                        agent: try Self.needed(request, "agent"), node: try Self.needed(request, "node"),
                        context: request.query["context"]))
            }
        }
        router.get("/api/associations") { request in
            try await answering {
                .json(
                    try await graphs.associations(
                        agent: request.query["agent"], node: request.query["node"], before: try Self.before(request),
                        limit: try Self.limit(request)))
            }
        }
        router.put("/api/associations") { request in
            try await answering { .json(try await graphs.setAssociation(try request.json())) }
        }
        router.delete("/api/associations") { request in
            try await answering {
                .json(
                    try await graphs.removeAssociations(
                        agent: try Self.needed(request, "agent"), source: try Self.needed(request, "source"),
                        relation: request.query["relation"], target: try Self.needed(request, "target")))
            }
        }
    }

    private static func limit(_ request: Request) throws(Problem) -> Int {
        try request.query.integer("limit", in: 1...10_000) ?? 100
    }
}

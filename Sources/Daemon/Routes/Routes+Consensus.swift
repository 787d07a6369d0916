internal import API
internal import Identity
internal import Wire

extension Routes {
    func addConsensus(to router: inout Router) {
        let consensus = consensus
        router.get("/api/consensus") { _ in try await answering { .json(try await consensus.list()) } }
        router.get("/api/policy") { _ in try await answering { .json(try await consensus.policy()) } }
        router.post("/api/policy") { request in
            try await answering { .json(try await consensus.change(try request.json()), status: 202) }
        }
        router.get("/api/consensus/:id") { request in
            try await answering {
                .json(
                    try await consensus.show(
                        request[parameter: "id"], verify: try request.query.flag("verify")))
            }
        }
        router.post("/api/peers/admit") { request in
            try await answering {
                .json(AffirmRequest(peer: try await consensus.admit(try request.json()).hex), status: 202)
            }
        }
        router.post("/api/peers/revoke") { request in
            try await answering {
                .json(AffirmRequest(peer: try await consensus.revoke(try request.json()).hex), status: 202)
            }
        }
        router.post("/api/ops/retract") { request in
            try await answering { .json(try await consensus.retract(try request.json()), status: 201) }
        }
    }
}

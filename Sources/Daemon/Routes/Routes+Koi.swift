internal import API
internal import Glibc
internal import Graph
internal import Ledger
internal import Replication
internal import Wire

extension Routes {
    func addKoi(to router: inout Router) {
        let koi = koi
        let models = models
        let graphs = graphs
        router.get("/api/koi") { _ in try await answering { .json(try await koi.balances()) } }
        router.get("/api/koi/history") { request in
            try await answering {
                let limit = try Self.choice(request, "limit", 50) { Int($0).flatMap { (1...1_000) ~= $0 ? $0 : nil } }
                return .json(
                    try await koi.history(
                        agent: request.query["agent"], before: try Self.before(request), limit: limit))
            }
        }
        router.get("/api/koi/verify") { _ in try await answering { .json(try await koi.verify()) } }
        router.get("/api/koi/bounties") { _ in try await answering { .json(try await koi.listings(of: .bountyPost)) } }
        router.get("/api/koi/claims") { _ in
            try await answering {
                .json(try await koi.listings(of: .claim) + (try await koi.listings(of: .bountyClaim)))
            }
        }
        let measurer = measurer
        router.get("/api/koi/valuation") { request in
            try await answering {
                guard let agent = request.query["agent"] else {
                    throw Problem.badRequest("no model is named", remedy: "add ?agent=NAME", field: "agent")
                }
                var report = try await measurer.valuation(of: try await models.find(agent))
                let names = try await koi.names()
                for at in report.claims.indices { report.claims[at].name = names[report.claims[at].owner] ?? "" }
                return .json(report)
            }
        }
        router.get("/api/koi/prices") { _ in try await answering { .json(try await koi.listings(of: .price)) } }
        let charges = charges
        router.get("/api/koi/charges") { _ in try await answering { .json(try await charges.charges(.nothing)) } }
        router.post("/api/koi/charges") { _ in try await answering { .json(try await charges.charges(.everything)) } }
        router.get("/api/koi/attestations") { _ in
            try await answering { .json(try await koi.listings(of: .attestation)) }
        }
        router.get("/api/koi/auctions") { _ in try await answering { .json(try await koi.listings(of: .auction)) } }
        router.get("/api/koi/bids") { _ in try await answering { .json(try await koi.listings(of: .bid)) } }
        router.post("/api/koi/send") { request in
            try await answering { .json(try await koi.send(try request.json()), status: 201) }
        }
        router.post("/api/koi/prices") { request in
            try await answering { .json(try await koi.price(try request.json()), status: 201) }
        }
        router.post("/api/koi/bounties") { request in
            try await answering {
                let bounty: KoiBountyRequest = try request.json()
                let graph = try await graphs.current()
                guard (bounty.relations == nil) != (bounty.roots == nil) else {
                    throw Problem.unusable("a bounty names relations or roots", field: "relations")
                }
                let tokens = try graph.context(bounty.relations ?? bounty.roots ?? [])
                    .map { graph.vocabulary[$0] }
                return .json(
                    try await koi.post(bounty, tokens: tokens, now: UInt64(clamping: time(nil))), status: 201)
            }
        }
        router.post("/api/koi/claims") { request in
            try await answering {
                let claim: KoiClaimRequest = try request.json()
                return .json(try await koi.claim(claim, model: try await models.find(claim.model)), status: 201)
            }
        }
        router.post("/api/koi/attestations") { request in
            try await answering { .json(try await koi.attest(try request.json()), status: 201) }
        }
        router.post("/api/koi/auctions") { request in
            try await answering { .json(try await koi.open(try request.json()), status: 201) }
        }
        router.post("/api/koi/bids") { request in
            try await answering { .json(try await koi.bid(try request.json()), status: 201) }
        }
    }
}

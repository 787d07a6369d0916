internal import API

extension Descriptions {
    static let koi: [RouteDescription] = [
        .init(.get, "/api/koi", "Who has how much Koi.", answer: .json(KoiReport.self)),
        .init(
            .get, "/api/koi/history", "What moved and why, newest first.",
            [.init("agent"), .init("limit", .whole(1...1_000)), before], answer: .json([KoiMovementReport].self)),
        .init(
            .get, "/api/koi/verify", "Whether tables and certificates follow from the genesis; folds all ops.",
            answer: .json(KoiVerifyReport.self)),
        list("bounties", "Koi that is offered for improvements."),
        list("claims", "What members want to be paid for."),
        .init(
            .get, "/api/koi/valuation", "How the latest claims divide what they improve together.",
            [.init("agent", .name, isRequired: true)], answer: .json(KoiValuationReport.self)),
        list("prices", "What inferences cost others."),
        .init(
            .get, "/api/koi/charges", "What answers of others' models cost this site, and are not paid yet.",
            answer: .json([KoiChargeReport].self)),
        .init(
            .post, "/api/koi/charges", "Pays all of it, one op a model; what could not be paid has a `problem`.",
            answer: .json([KoiChargeReport].self)),
        list("attestations", "What members say of models and patterns."),
        list("auctions", "What is for sale."),
        list("bids", "Who would pay what."),
        signs("send", "Pays an agent of this or another site.", KoiSendRequest.self),
        signs("bounties", "Puts a reward into escrow.", KoiBountyRequest.self),
        signs("claims", "Claims training ops of this site.", KoiClaimRequest.self),
        signs("prices", "Says what inferences with models of this site cost others.", KoiPriceRequest.self),
        signs("attestations", "Says what a model or pattern is worth.", KoiAttestRequest.self),
        signs("auctions", "Offers what is attested at a falling price.", KoiAuctionRequest.self),
        signs("bids", "Bids, and puts the most into escrow.", KoiBidRequest.self),
    ]

    private static func list(_ name: String, _ summary: String) -> RouteDescription {
        .init(.get, "/api/koi/\(name)", summary, answer: .json([KoiListingReport].self))
    }

    private static func signs<Body: Decodable>(
        _ name: String, _ summary: String, _ body: Body.Type
    ) -> RouteDescription {
        .init(.post, "/api/koi/\(name)", summary, body: .json(body), status: 201, answer: .json(KoiSignedReport.self))
    }
}

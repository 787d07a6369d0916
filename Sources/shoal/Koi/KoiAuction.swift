internal import API
internal import Terminal

/// `shoal koi auction`: a price that falls until enough have bid it.
enum KoiAuction {
    static let command = Command(
        "auction", summary: "sell models and patterns at a falling price",
        discussion: """
            Every bid puts its maximum into escrow. When enough bids reach the price of the moment, all of them pay \
            that price and get the rest back; everybody else gets everything back.
            """,
        examples: [
            .init("shoal koi auction list", "what is for sale"),
            .init("shoal koi auction open 3f2a9c01 --start 80 --floor 10 --step 1", "sell what was attested"),
            .init("shoal koi auction bid 77ab01cd 50", "pay 50 Koi at most"),
        ], subcommands: [list, open, bid, bids], standard: "list")

    private static let list = Command(
        "list", summary: "what is for sale", examples: [.init("shoal koi auction list", "open and settled ones")]
    ) { call in
        try await KoiCommand.list(call, "/api/koi/auctions", none: "There is no auction.", amount: "PRICE")
        return .done
    }

    private static let bids = Command(
        "bids", summary: "who bid what", examples: [.init("shoal koi auction bids", "for all auctions")]
    ) { call in
        try await KoiCommand.list(call, "/api/koi/bids", none: "There is no bid.", amount: "AT MOST")
        return .done
    }

    private static let attestation = Argument("ATTESTATION", .text.named("ID"), "its id, or the first digits")
    private static let start = Option(required: "start", .text.named("KOI"), "the first price")
    private static let floor = Option(required: "floor", .text.named("KOI"), "the last price")
    private static let step = Option(required: "step", .text.named("KOI"), "how much it falls at a time")
    private static let interval = Option("interval", .integer(1...1 << 32), default: 3_600, "seconds between two steps")
    private static let bidders = Option("bidders", .integer(1...24), default: 1, "how many must bid the price")

    private static let open = Command(
        "open", summary: "sell what an attestation names", arguments: [attestation],
        options: [start, floor, step, interval, bidders, KoiCommand.agent],
        examples: [
            .init("shoal koi auction open 3f2a9c01 --start 80 --floor 10 --step 1 --bidders 2", "to two or more")
        ]
    ) { call in
        let request = KoiAuctionRequest(
            agent: call[KoiCommand.agent], attestation: call[attestation], start: call[start], floor: call[floor],
            step: call[step], intervalSeconds: call[interval], minBidders: call[bidders], openAfterHours: nil)
        let reply = try await RunningNode(call).post("/api/koi/auctions", request)
        try KoiCommand.tell(call, reply) { "Opened auction \(short($0.op))." }
        return .done
    }

    private static let auction = Argument("AUCTION", .text.named("ID"), "its id, or the first digits")
    private static let most = Argument("MOST", .text.named("KOI"), "what to pay at most; goes into escrow")

    private static let bid = Command(
        "bid", summary: "bid in an auction", arguments: [auction, most], options: [KoiCommand.agent],
        examples: [.init("shoal koi auction bid 77ab01cd 50 --agent ward", "out of an agent's wallet")]
    ) { call in
        let reply = try await RunningNode(call).post(
            "/api/koi/bids", KoiBidRequest(agent: call[KoiCommand.agent], auction: call[auction], most: call[most]))
        try KoiCommand.tell(call, reply) { "Bid with op \(short($0.op)); \(call[most]) Koi are in escrow." }
        return .done
    }
}

/// `shoal koi attest`: say what is for sale.
enum KoiAttest {
    private static let subject = Argument("SUBJECT", .text.named("ID"), "the op of a model or of a pattern")
    private static let type = Option("type", .text.named("WORD"), default: "model", "what is claimed of it")
    private static let price = Option<String?>("price", .text.named("KOI"), "what its owner asks")
    private static let proof = Option<String?>("proof", .text.named("HEX"), "a commitment that buyers can check")

    static let command = Command(
        "attest", summary: "say what a model or pattern is worth", arguments: [subject],
        options: [type, price, proof, KoiCommand.agent],
        examples: [.init("shoal koi attest 3f2a9c01 --type model --price 80", "before it is auctioned")]
    ) { call in
        let request = KoiAttestRequest(
            agent: call[KoiCommand.agent], subject: call[subject], claimType: call[type], askingPrice: call[price],
            reproductionCost: nil, proofType: call[proof] == nil ? nil : "commitment", proof: call[proof],
            exclusive: nil)
        let reply = try await RunningNode(call).post("/api/koi/attestations", request)
        try KoiCommand.tell(call, reply) { "Attested with op \(short($0.op))." }
        return .done
    }
}

/// `shoal koi price`: what inferences cost others.
enum KoiPrice {
    private static let cost = Argument("COST", .text.named("KOI"), "decimal Koi for an inference; 0: free")
    private static let owner = Option(required: "agent", .text.named("NAME"), "whose models")
    private static let model = Option<String?>("model", .text.named("ID"), "one model alone")

    static let command = Command(
        "price", summary: "what inferences with this site's models cost others", arguments: [cost],
        options: [owner, model],
        examples: [
            .init("shoal koi price --agent lab 0.05", "for agents of other sites; own agents pay nothing"),
            .init("shoal koi price --agent lab 0", "free again"),
        ]
    ) { call in
        let reply = try await RunningNode(call).post(
            "/api/koi/prices", KoiPriceRequest(agent: call[owner], model: call[model], cost: call[cost]))
        try KoiCommand.tell(call, reply) { _ in
            "An inference with models of \(printable(call[owner])) costs other sites \(call[cost]) Koi."
        }
        return .done
    }
}

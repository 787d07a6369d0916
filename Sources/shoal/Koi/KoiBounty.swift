internal import API
internal import Terminal

/// `shoal koi bounty`: Koi for whoever improves something.
enum KoiBounty {
    static let command = Command(
        "bounty", summary: "offer Koi for an improvement, or claim what is offered",
        discussion: """
            The reward goes into escrow at once. It is paid when a quorum has measured that the claimed ops reach the \
            target, and comes back when the bounty has expired.
            """,
        examples: [
            .init("shoal koi bounty list", "what is offered"),
            .init("shoal koi bounty post --relation treats --gain 0.05 --days 30 40", "offer 40 Koi"),
            .init("shoal koi bounty claim 3f2a9c01 --model clinic", "with what this site trained"),
        ], subcommands: [list, post, claim], standard: "list")

    private static let list = Command(
        "list", summary: "what is offered", examples: [.init("shoal koi bounty list", "open and settled ones")]
    ) { call in
        try await KoiCommand.list(call, "/api/koi/bounties", none: "There is no bounty.", amount: "REWARD")
        return .done
    }

    private static let reward = Argument("REWARD", .text.named("KOI"), "decimal Koi")
    private static let relation = Option<String?>("relation", .text.named("NAMES"), "relations, separated by commas")
    private static let root = Option<String?>("root", .text.named("NAMES"), "graph nodes, separated by commas")
    private static let gain = Option(required: "gain", .number(0...1_000), "in nats of held-out loss")
    private static let days = Option(
        "days", .integer(1...3_650), default: 30, "when it expires, by the certified clock")
    private static let text = Option<String?>("description", .text.named("TEXT"), "for people")

    private static let post = Command(
        "post", summary: "offer a reward", arguments: [reward],
        options: [relation, root, gain, days, text, KoiCommand.agent],
        examples: [.init("shoal koi bounty post --relation treats,causes --gain 0.05 40", "for two relations")]
    ) { call in
        func names(_ text: String?) -> [String]? { text?.split(separator: ",").map(String.init) }
        let request = KoiBountyRequest(
            agent: call[KoiCommand.agent], reward: call[reward], relations: names(call[relation]),
            roots: names(call[root]), gain: call[gain], expiresSeconds: call[days] * 86_400, description: call[text])
        let reply = try await RunningNode(call).post("/api/koi/bounties", request)
        try KoiCommand.tell(call, reply) { "Put \(call[reward]) Koi into escrow for bounty \(short($0.op))." }
        return .done
    }

    private static let bounty = Argument("BOUNTY", .text.named("ID"), "its id, or the first digits")

    private static let claim = Command(
        "claim", summary: "claim a bounty with ops of this site", arguments: [bounty],
        options: [KoiClaim.model, KoiClaim.from, KoiClaim.through, KoiCommand.agent],
        examples: [.init("shoal koi bounty claim 3f2a9c01 --model clinic", "with all that this site trained")]
    ) { call in
        try await KoiClaim.claim(call, bounty: call[bounty])
        return .done
    }
}

/// `shoal koi claim`: pay for training.
enum KoiClaim {
    static let model = Option(required: "model", .text.named("AGENT"), "whose model was trained")
    static let from = Option<Int?>("from", .integer(1...Int.max), "the first op (default: behind the last claim)")
    static let through = Option<Int?>("through", .integer(1...Int.max), "the last op (default: the newest)")

    static let command = Command(
        "claim", summary: "be paid for what this site trained", options: [model, from, through, KoiCommand.agent],
        flags: [],
        examples: [
            .init("shoal koi claim --model clinic", "everything since the last claim"),
            .init("shoal koi claim --model clinic --from 10 --through 40", "a range of this site's log"),
        ]
    ) { call in
        try await claim(call, bounty: nil)
        return .done
    }

    static func claim(_ call: Invocation, bounty: String?) async throws {
        let request = KoiClaimRequest(
            agent: call[KoiCommand.agent], model: call[model], bounty: bounty, from: call[from], through: call[through])
        let reply = try await RunningNode(call).post("/api/koi/claims", request)
        try KoiCommand.tell(call, reply) {
            "Claimed with op \(short($0.op)). The others measure what it was worth; `shoal koi history` shows what is paid."
        }
    }
}

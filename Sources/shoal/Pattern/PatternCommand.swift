internal import API
internal import Terminal

/// `shoal pattern`: rules that graphs follow and centroids of what people choose, found here and verified by other sites.
enum PatternCommand {
    static let command = Command(
        "pattern", summary: "find rules and centroids, and have other sites verify them",
        discussion: """
            A site looks for rules in its own graph and proposes the best ones. Every other site counts on its own \
            graph how often they hold; a quorum certifies what that proves. Rules travel, facts never do.

            Centroids say where people go from where, by what they chose in searches; they rank searches.
            """,
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal pattern mine --seconds 30", "look for rules"),
            .init("shoal pattern rules --relation treats", "what says that something treats something?"),
            .init("shoal pattern propose --top 20", "ask the other sites about the best ones"),
            .init("shoal pattern list", "what became of all that sites have proposed"),
        ],
        subcommands: [
            mine, rules, PatternCentroids.command, PatternPropose.command, PatternList.command, PatternShow.command,
        ],
        standard: "list")

    private static let seconds = Option("seconds", .number(0.1...3_600), default: 10, "how long at most")
    private static let rounds = Option<Int?>(
        "rounds", .integer(1...10_000), "steps of each relation at most: the same seed and rounds give the same rules")
    private static let seed = Option("seed", .integer(0...Int.max), default: 1, "of samples")
    private static let relation = Option<String?>("relation", .text.named("NAME"), "rules that conclude this one")
    private static let top = Option("top", .integer(1...100_000), default: 20, "how many, best first")

    private static let ofChoices = Flag("centroids", "look at what was chosen in searches, not at the graph")

    private static let mine = Command(
        "mine", summary: "look for rules in this site's graph",
        discussion: """
            Rules say what follows from what: paths of one to three relations, and what graph nodes with the same \
            edge have in common. They stay in the node's memory until the graph changes; nothing is sent.

            With --centroids: what the choices that people told of with `shoal model feedback` have in common.
            """,
        options: [seconds, rounds, seed], flags: [ofChoices],
        examples: [
            .init("shoal pattern mine", "ten seconds"),
            .init("shoal pattern mine --seconds 600 --rounds 20 --seed 4", "repeatable"),
            .init("shoal pattern mine --centroids", "from where people go where"),
        ]
    ) { call in
        guard !call[ofChoices] else { return try await PatternCentroids.mine(call, seed: call[seed]) }
        let reply = try await RunningNode(call).post(
            "/api/patterns/mine",
            MineRequest(seconds: call[seconds], rounds: call[rounds], seed: call[seed]), timeout: nil)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(MineReport.self)
        var values = KeyValues()
        values.add("rules", Format.count(report.rules))
        values.add(
            "paths",
            report.paths.enumerated().map { "\(Format.count($0.element)) of \($0.offset + 1)" }
                .joined(separator: ", ") + " steps")
        values.add("with a constant", Format.count(report.constants))
        values.add("took", "\(Format.fixed(report.seconds, 1)) s, \(counted(report.rounds, "step")) of each relation")
        call.console.print(values)
        call.suggest("To see the best ones:", "pattern rules")
        return .done
    }

    private static let rules = Command(
        "rules", summary: "rules that this site goes by, best first",
        discussion: """
            CONFIDENCE is the share of true conclusions, as if each rule had failed five times more: rules with few \
            cases are trusted less. A rule that a quorum has verified counts with what the sites measured together.
            """,
        options: [relation, top],
        examples: [
            .init("shoal pattern rules --top 50", "the best of all relations"),
            .init("shoal pattern rules --relation treats --json", "for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(
                .get, "/api/patterns/mined",
                query: [("top", "\(call[top])")] + (call[relation].map { [("relation", $0)] } ?? []), timeout: nil))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        var table = Table(
            .number("CONFIDENCE"), .number("TRUE"), .number("OF"), .text("VERIFIED"), .text("RULE", minimum: 30))
        for rule in try reply.report([RuleReport].self) {
            table.add(
                Format.percent(rule.confidence), Format.count(rule.support), Format.count(rule.body),
                rule.certified ? "yes" : "",
                printable(rule.words))
        }
        call.console.print(table)
        return .done
    }
}

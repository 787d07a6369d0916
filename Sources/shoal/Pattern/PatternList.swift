internal import API
internal import Terminal
internal import Wire

/// `shoal pattern propose`: ask the other sites about rules of this one.
enum PatternPropose {
    private static let top = Option("top", .integer(1...400), default: 10, "how many at most")
    private static let relation = Option<String?>("relation", .text.named("NAME"), "rules that conclude this one")
    private static let ids = Option<[String]>(
        repeated: "pattern", .text.named("ID"), "just this one")
    private static let centroids = Flag("centroids", "centroids instead of rules")

    static let command = Command(
        "propose", summary: "ask the other sites to verify rules or centroids of this one",
        discussion: """
            The best rule of each relation comes first, then the second best of each. A proposal puts 5 Koi into \
            escrow: they come back with 10 Koi if the others verify the rule, come back alone if nobody can tell, and \
            are lost if the others' data speaks against it.

            What travels are the ids of relations, and of graph nodes that other sites train too. How often a rule \
            holds here is said as well, and counts for nothing: the others measure for themselves. Of a centroid two \
            directions travel, which are means over five choices or more.
            """,
        options: [top, relation, ids], flags: [centroids],
        examples: [
            .init("shoal pattern propose", "the ten best that are not proposed yet"),
            .init("shoal pattern propose --relation treats --top 3", "of one relation"),
            .init("shoal pattern propose --centroids", "where people go from where"),
            .init("shoal pattern propose --pattern 5f0c91aa", "one that `shoal pattern rules --json` lists"),
        ]
    ) { call in
        let reply = try await RunningNode(call).post(
            "/api/patterns",
            ProposeRequest(
                top: call[ids].isEmpty ? call[top] : nil, relation: call[relation],
                patterns: call[ids].isEmpty ? nil : call[ids], centroids: call[centroids] ? true : nil), timeout: nil)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let made = try reply.report([PatternReport].self)
        call.console.print("Proposed \(counted(made.count, "pattern")).")
        call.console.print()
        for pattern in made { call.console.print("\(short(pattern.id))  \(printable(pattern.words))") }
        call.suggest("To see what the others make of them:", "pattern list")
        return .done
    }
}

/// `shoal pattern list`: what sites have proposed.
enum PatternList {
    private static let state = Option<String?>(
        "state", .choice("open", "accepted", "rejected", "undecided", "void"), "only these")

    static let command = Command(
        "list", summary: "patterns that sites have proposed, and what the others made of them",
        discussion: """
            TRUE and OF are the cases of all other sites that could tell. CONFIDENCE is the least that they prove, at \
            95 %. `shoal pattern rules` lists the rules of this site alone.
            """,
        options: [state],
        examples: [
            .init("shoal pattern list", "open ones first, then the accepted"),
            .init("shoal pattern list --state undecided --json", "what nobody could verify, for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/patterns")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let patterns = try reply.report([PatternReport].self).filter { call[state] == nil || $0.state == call[state] }
        guard !patterns.isEmpty else {
            call.console.print(call[state].map { "No pattern is \($0)." } ?? "No site has proposed a pattern yet.")
            call.suggest("To propose rules of this one:", "pattern propose")
            return .done
        }
        var table = Table(
            .text("ID", minimum: 12), .text("BY"), .text("STATE"), .number("TRUE"), .number("OF"),
            .number("CONFIDENCE"), .text("PATTERN", minimum: 30))
        for pattern in patterns {
            table.add(
                short(pattern.id), KoiCommand.site(pattern.proposer, pattern.proposerName), pattern.state,
                pattern.hits.map { Format.count($0) } ?? "", pattern.trials.map { Format.count($0) } ?? "",
                pattern.bound.map { Format.percent($0) } ?? "", printable(pattern.words),
                emphasis: pattern.state == "accepted" || pattern.state == "open" ? .normal : .faint)
        }
        call.console.print(table)
        let undecided = patterns.filter { $0.state == "undecided" }
        if let why = undecided.first?.why {
            call.console.print()
            call.console.print("\(counted(undecided.count, "pattern")) undecided: \(why).")
        }
        return .done
    }
}

/// `shoal pattern show`: one pattern, who measured what, and its certificate.
enum PatternShow {
    private static let id = Argument<String>("ID", .text, "the first digits of a pattern's id, or of its op's")
    private static let verify = Flag("verify", "check the certificate and those of all checkpoints before it")

    static let command = Command(
        "show", summary: "one pattern, who measured what, and its certificate", arguments: [id], flags: [verify],
        examples: [
            .init("shoal pattern show 5f0c91aa", "in words, with every site's count"),
            .init("shoal pattern show 5f0c91aa --verify", "exit code 1 if the certificate proves nothing"),
        ]
    ) { call in
        let query: [(name: String, value: String?)] = call[verify] ? [("verify", "true")] : []
        let reply = try await RunningNode(call).get("/api/patterns/\(call[id])", query)
        let report: PatternReport = try reply.report()
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            tell(call.console, report)
        }
        return report.verified.map { $0 == "valid" } ?? true ? .done : .no
    }

    static func tell(_ console: Console, _ report: PatternReport) {
        console.print(printable(report.words))
        var values = KeyValues()
        values.add("pattern", report.id)
        values.add(
            "proposed by",
            "\(KoiCommand.site(report.proposer, report.proposerName)): \(Format.count(report.support)) of "
                + "\(Format.count(report.body)) cases there")
        for measured in report.measurements {
            let name = KoiCommand.site(measured.member, measured.name)
            guard let support = measured.support, let body = measured.body else {
                values.add("measured by", "\(name): no data about it")
                continue
            }
            values.add("measured by", "\(name): \(Format.count(support)) of \(Format.count(body)) cases")
        }
        values.add("state", report.state + (report.why.map { ": \($0)" } ?? ""))
        if let bound = report.bound { values.add("confidence", "at least \(Format.percent(bound)) (95 %)") }
        values.add("votes", "\(report.votes), quorum \(report.quorum)")
        for signer in report.signers { values.add("certified by", signer) }
        if let verified = report.verified { values.add("certificate", verified) }
        console.print(values)
    }
}

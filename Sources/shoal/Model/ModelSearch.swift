internal import API
internal import Terminal

/// `shoal model search`: finds graph nodes, with what the model and people's links and choices tell.
enum ModelSearch {
    private static let words = Argument<[String]>(
        repeated: "WORD", .text.named("WORD"), atLeast: 0, "what to look for; the same as --query")
    private static let query = Option<String?>("query", .text.named("TEXT"), "what to look for")
    private static let agent = Option<String?>(
        "agent", .text.named("NAME"), "whose model helps (default: the only one, or none)")
    private static let context = Option<[String]>(
        repeated: "context", .text.named("NODE,NODE"), "where you are: names or ids of graph nodes")
    private static let limit = Option("limit", .integer(1...1_000), default: 20, "how many answers")
    private static let formula = Option(
        "formula", .choice("combined", "seed", "context", "text"), default: "combined", "how answers are ranked")
    private static let rules = Flag("with-rules", "let rules name candidates, too: `shoal pattern rules` lists them")
    private static let why = Flag("why", "show what each answer's score is made of")

    static let command = Command(
        "search", summary: "find graph nodes by words, and by where you are",
        discussion: """
            Candidates come from full text, titles, the texts of links, the neighbours of the context and what the \
            model expects to follow it. combined weighs all of it; text is full text alone, context multiplies it by \
            perspectives, seed by the model's probability. Tell which answer was right with `shoal model feedback`: \
            it is learned from.
            """,
        arguments: [words], options: [query, agent, ModelCommand.weights, context, limit, formula],
        flags: [rules, why, ModelCommand.isolated],
        examples: [
            .init("shoal model search place expressions", "by words alone"),
            .init("shoal model search --query \"place expressions\" --context expressions.md --why", "from a page"),
            .init("shoal model search --query drug --context aspirin,treats --with-rules --why", "and name the rules"),
            .init("shoal model search --query authentication --formula text --json", "full text, for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let text = ([call[query]].compactMap { $0 } + call[words]).joined(separator: " ")
        guard !text.isEmpty else {
            throw call.failure(
                "", "there is nothing to look for", remedy: "Say it in words: \(call.name) WORD...", exit: .usage)
        }
        var parameters: [(name: String, value: String?)] = [
            ("query", text), ("limit", "\(call[limit])"), ("formula", call[formula]),
            ("weights", Weights(call, usually: .served).rawValue), ("why", call[why] ? "true" : "false"),
            ("agent", call[agent]), ("rules", call[rules] ? "true" : nil),
        ]
        let named = call[context].flatMap { $0.split(separator: ",").map(ModelPredict.trimmed) }
        parameters += named.map { ("context", $0) }
        let reply = try await RunningNode(call).get("/api/models/search", parameters.filter { $0.value != nil })
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(SearchReport.self)
        guard !report.hits.isEmpty else {
            call.console.print("Nothing found among \(counted(report.candidates, "candidate")).")
            return .no
        }
        tell(call, report)
        return .done
    }

    private static func tell(_ call: Invocation, _ report: SearchReport) {
        var table = Table(
            .number("#"), .text("NAME", minimum: 16), .text("TITLE", minimum: 12), .text("KIND"),
            .number(report.formula == "combined" ? "PROBABILITY" : "SCORE"), .text("ANSWER", minimum: 32))
        for (place, hit) in report.hits.enumerated() {
            table.add(
                "\(place + 1)", hit.name, hit.title == hit.name ? "" : hit.title, hit.kind,
                hit.probability.map { Format.percent($0) } ?? Format.fixed(hit.score, 4), hit.inference,
                emphasis: place == 0 ? .strong : .normal)
            guard let why = hit.why, !why.isEmpty else { continue }
            let parts = why.sorted { (abs($1.value), $0.key) < (abs($0.value), $1.key) }.prefix(6)
            let text = parts.map { "\($0.key) \($0.value < 0 ? "" : "+")\(Format.fixed($0.value, 2))" }
            table.add("", "  \(text.joined(separator: ", "))", "", "", "", "")
        }
        call.console.print(table)
        for hit in report.hits.prefix(10) {
            guard hit.pattern != nil || hit.rules?.isEmpty == false else { continue }
            call.console.print()
            call.console.print(call.console.style.bold(printable(hit.name)))
            if let pattern = hit.pattern { call.console.print("  centroid \(short(pattern))") }
            ModelPredict.tell(hit.rules ?? [], call.console)
        }
        call.suggest("Tell which was right:", "model feedback ANSWER")
    }
}

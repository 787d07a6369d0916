internal import API
internal import Terminal

/// `shoal model predict`: what follows a context?
enum ModelPredict {
    private static let words = Argument<[String]>(
        repeated: "NAME", .text.named("NAME"), atLeast: 0,
        "graph nodes and relations in turn; ^NAME reads a relation backwards")
    private static let context = Option<[String]>(
        repeated: "context", .text.named("NAME,NAME"), "the same, separated by commas")
    private static let top = Option("top", .integer(1...1_000), default: 10, "how many answers")

    private static let rules = Flag("with-rules", "weigh in the rules that this site mined")
    private static let why = Flag("why", "name the rules that speak for each answer; implies --with-rules")

    static let command = Command(
        "predict", summary: "ask a model what follows",
        discussion: """
            Probabilities are over this site's graph nodes. A name that holds a comma goes without --context, as a \
            word of its own.
            """,
        arguments: [words], options: [ModelCommand.agent, ModelCommand.weights, context, top],
        flags: [ModelCommand.isolated, rules, why],
        examples: [
            .init("shoal model predict --agent clinic aspirin treats", "what does aspirin treat?"),
            .init("shoal model predict --agent clinic aspirin treats --why", "and which rules say so?"),
            .init("shoal model predict --agent clinic headache ^treats --top 3", "what treats headache?"),
            .init("shoal model predict --agent clinic --context \"aspirin,treats\" --json", "for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let named = call[context].flatMap { $0.split(separator: ",").map(trimmed) } + call[words]
        guard !named.isEmpty else {
            throw call.failure(
                "", "there is no context to go on from",
                remedy: "Name a graph node and a relation, for example: \(call.name) --agent NAME aspirin treats",
                exit: .usage)
        }
        let reply = try await RunningNode(call).post(
            "/api/models/predict",
            PredictRequest(
                agent: call[ModelCommand.agent], context: named, top: call[top],
                weights: Weights(call, usually: .served),
                withRules: call[rules] || call[why] ? true : nil))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(PredictReport.self)
        call.console.print(call.console.style.bold("\(printable(named.joined(separator: " "))) …"))
        call.console.print(table(report.predictions))
        if call[why] { for answer in report.predictions { tell(answer, call.console) } }
        return .done
    }

    private static func tell(_ answer: PredictReport.Prediction, _ console: Console) {
        guard let reasons = answer.why, !reasons.isEmpty else { return }
        console.print()
        console.print(console.style.bold(printable(answer.name)))
        tell(reasons, console)
    }

    /// Rules, and the graph nodes by which they hold.
    static func tell(_ reasons: [Reason], _ console: Console) {
        for reason in reasons {
            console.print("  \(Format.percent(reason.rule.confidence)) \(printable(reason.rule.words))")
            console.print("        \(printable(reason.grounding.joined(separator: " – ")))")
        }
    }

    static func table(_ predictions: [PredictReport.Prediction]) -> Table {
        var table = Table(.number("#"), .text("NAME", minimum: 16), .number("PROBABILITY"), .text("IN YOUR GRAPH"))
        for (index, answer) in predictions.enumerated() {
            table.add(
                "\(index + 1)", answer.name, Format.percent(answer.probability), answer.known ? "yes" : "",
                emphasis: index == 0 ? .strong : .normal)
        }
        return table
    }

    static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

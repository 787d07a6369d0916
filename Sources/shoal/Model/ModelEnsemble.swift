internal import API
internal import Terminal

/// `shoal model ensemble`: several models answer as one.
enum ModelEnsemble {
    private static let words = Argument<[String]>(
        repeated: "NAME", .text.named("NAME"), atLeast: 0,
        "graph nodes and relations in turn; ^NAME reads a relation backwards")
    private static let agents = Option<[String]>(
        repeated: "agents", .text.named("NAME,NAME"), "whose models answer, separated by commas")
    private static let context = Option<[String]>(
        repeated: "context", .text.named("NAME,NAME"), "the context, separated by commas")
    private static let top = Option("top", .integer(1...1_000), default: 10, "how many answers")

    static let command = Command(
        "ensemble", summary: "ask several models at once",
        discussion: "The models' scores (logits) are averaged before they become probabilities.",
        arguments: [words], options: [agents, ModelCommand.weights, context, top], flags: [ModelCommand.isolated],
        examples: [
            .init("shoal model ensemble --agents clinic,lab aspirin treats", "what do both say?"),
            .init("shoal model ensemble --agents clinic,lab --context aspirin,treats --json", "for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let split = { (texts: [String]) in texts.flatMap { $0.split(separator: ",").map(ModelPredict.trimmed) } }
        let (agents, named) = (split(call[agents]), split(call[context]) + call[words])
        guard !agents.isEmpty, !named.isEmpty else {
            throw call.failure(
                "", agents.isEmpty ? "no model is named" : "there is no context to go on from",
                remedy: "For example: \(call.name) --agents clinic,lab aspirin treats", exit: .usage)
        }
        let reply = try await RunningNode(call).post(
            "/api/models/ensemble",
            EnsembleRequest(agents: agents, context: named, top: call[top], weights: Weights(call, usually: .served)))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(EnsembleReport.self)
        call.console.print(call.console.style.bold("\(printable(named.joined(separator: " "))) …"))
        call.console.print(ModelPredict.table(report.predictions))
        return .done
    }
}

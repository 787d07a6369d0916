internal import API
internal import Terminal

/// `shoal model feedback`: tells the node which answer was right.
enum ModelFeedback {
    private static let answer = Argument("ANSWER", .text.named("ANSWER"), "the answer's id, as search and predict show")
    private static let agent = Option<String?>(
        "agent", .text.named("NAME"), "refuse an answer of another agent's model")

    static let command = Command(
        "feedback", summary: "tell which answer was right",
        discussion: """
            An answer counts once. If the question had a context, the choice becomes an edge from there, which \
            training walks along and searches find by what was asked. It never leaves this site but as weights.
            """,
        arguments: [answer], options: [agent],
        examples: [
            .init("shoal model feedback 0d6f3c1e9a7b4f2280c5d1e2f3a4b5c6", "this was what I looked for"),
            .init("shoal model feedback 0d6f3c1e9a7b4f2280c5d1e2f3a4b5c6 --agent clinic", "of this agent's model"),
        ]
    ) { call in
        let request = FeedbackRequest(inference: call[answer], agent: call[agent])
        let reply = try await RunningNode(call).post("/api/models/feedback", request)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(FeedbackReport.self)
        let learns =
            report.learns ? "the next training learns from it" : "without a context there is nothing to train on"
        call.console.print("Noted: \(report.selected). \(learns.prefix(1).uppercased() + learns.dropFirst()).")
        return .done
    }
}

internal import API
internal import Terminal

/// `shoal model publish`: brings the database's own functions up to date.
enum ModelPublish {
    static let command = Command(
        "publish", summary: "write the weights that SQL answers with",
        discussion: """
            `shoal.predict_next` and `shoal.search` answer inside PostgreSQL, with weights that the node writes by itself \
            some minutes after they changed. This writes them now.
            """,
        options: [ModelCommand.agent],
        examples: [.init("shoal model publish --agent clinic", "before asking by psql what was learned just now")]
    ) { call in
        let request = PublishRequest(agent: call[ModelCommand.agent])
        let reply = try await RunningNode(call).post("/api/models/publish", request)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(PublishReport.self)
        call.console.print(
            report.changed
                ? "\(counted(report.tokens, "row")) written: SQL answers with the \(report.weights) weights of now."
                : "SQL answers with the \(report.weights) weights of now already.")
        return .done
    }
}

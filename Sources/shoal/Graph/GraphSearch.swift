internal import API
internal import Terminal

/// `shoal graph search`: graph nodes by words and by what their names look like.
enum GraphSearch {
    private static let text = Argument("TEXT", .text.named("TEXT"), "words of a text, or a part of a name")
    private static let limit = Option("limit", .integer(1...1_000), default: 20, "how many graph nodes at most")

    static let command = Command(
        "search", summary: "find graph nodes by words, or by a part of their name",
        discussion: """
            Texts that have the words come first, by how well they fit; then names that begin with the text, have it \
            inside, or look like it. No model takes part: see `shoal model search` for that.
            """,
        arguments: [text], options: [limit],
        examples: [
            .init("shoal graph search hypertension", "texts and names"),
            .init("shoal graph search Hipertension --limit 3", "a name that is nearly right"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let reply = try await RunningNode(call).get(
            "/api/graph/search", [("text", call[text]), ("limit", "\(call[limit])")])
        let report = try reply.report(GraphSearchReport.self)
        if call[Shared.json] {
            call.printJSON(reply)
        } else if !report.results.isEmpty {
            var table = Table(.number("SCORE"), .text("NAME", minimum: 16), .text("KIND"), .text("TEXT", minimum: 16))
            for result in report.results {
                table.add(
                    Format.fixed(result.score, 2), result.node.name, result.node.kind, result.node.excerpt ?? "")
            }
            call.console.print(table)
        } else {
            call.console.print("Nothing is called so, and no text has these words.")
        }
        return report.results.isEmpty ? .no : .done
    }
}

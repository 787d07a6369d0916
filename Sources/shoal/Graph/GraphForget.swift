internal import API
internal import Terminal

/// `shoal graph forget`: erases a graph node from this site.
enum GraphForget {
    static let command = Command(
        "forget", summary: "erase a graph node and everything at this site that names it",
        discussion: """
            Its edges, held-out triples, perspectives, associations, logged questions, aliases and what trainers kept \
            of it go; its children stay. Trainings end first; start them again afterwards.

            What no site can erase alone: if the graph node was announced for a model, its id (a keyed hash, not its \
            name) stands in signed ops that every member holds, and what was learned stays in the merged sums. A \
            member, who has the key, can test whether a name that it guesses is that id.
            """,
        arguments: [GraphShow.node],
        examples: [
            .init("shoal graph forget \"John Smith\"", "whatever this site knows of him"),
            .init("shoal graph forget 4f1c…", "by id, where several graph nodes have one name"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let reply = try await RunningNode(call).post(
            "/api/graph/forget", ForgetRequest(node: call[GraphShow.node]), timeout: nil)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let done = try reply.report(ForgetReport.self)
        let erased = [
            counted(done.edges, "edge"), counted(done.heldOut, "held-out triple"),
            counted(done.perspectives, "perspective"), counted(done.associations, "association"),
            counted(done.inferences, "logged answer"), counted(done.aliases, "alias", "aliases"),
            counted(done.trainerStates, "trainer's state"),
        ].filter { !$0.hasPrefix("0 ") }
        call.console.print(
            erased.isEmpty ? "Erased the graph node." : "Erased the graph node, with \(erased.joined(separator: ", "))."
        )
        if done.orphans > 0 {
            call.console.print("\(counted(done.orphans, "child stays", "children stay")), without a parent.")
        }
        if done.mentions > 0 {
            call.advise(
                """
                \(counted(done.mentions, "other text still has", "other texts still have")) the name inside. To find \
                them: shoal graph search TEXT
                """)
        }
        if done.announcedIn + done.replicatedRows > 0 {
            call.advise(
                """
                Not erased, since it is signed and replicated: the id \(done.id) in this site's announcements for \
                \(counted(done.announcedIn, "model")), and its row in the merged sums of \
                \(counted(done.replicatedRows, "model")). Neither has the name; `shoal graph forget --help` says more.
                """)
        }
        return .done
    }
}

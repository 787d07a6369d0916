internal import API
internal import FoundationEssentials
internal import Terminal
internal import Wire

/// `shoal consensus`: what the members are asked, and what a quorum of them has decided.
enum ConsensusCommand {
    static let command = Command(
        "consensus", summary: "what the members vote on, and what is certified", options: SiteSelection.options,
        flags: [Shared.json],
        examples: [
            .init("shoal consensus list", "questions, votes and outcomes"),
            .init("shoal consensus show ID --verify", "checks a certificate from the genesis on"),
            .init("shoal consensus policy", "the numbers and rules that all follow"),
        ], subcommands: [list, show, PolicyCommand.command], standard: "list")

    private static let list = Command(
        "list", summary: "questions, votes and outcomes",
        examples: [.init("shoal consensus list --json", "all that this node knows, for a program")]
    ) { call in
        let reply = try await RunningNode(call).get("/api/consensus")
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            tell(call, try reply.report())
        }
        return .done
    }

    private static let id = Argument<String>("ID", .text, "the first digits of a question's id")
    private static let verify = Flag("verify", "check the certificate and those of all checkpoints before it")

    private static let show = Command(
        "show", summary: "one question and its certificate",
        arguments: [id], flags: [verify],
        examples: [.init("shoal consensus show 5f0c91aa --verify", "exit code 1 if the certificate proves nothing")]
    ) { call in
        let query: [(name: String, value: String?)] = call[verify] ? [("verify", "true")] : []
        let reply = try await RunningNode(call).get("/api/consensus/\(call[id])", query)
        let report: QuestionReport = try reply.report()
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print("\(report.kind) \(report.id)")
            call.console.print("  \(report.text): \(report.state)")
            if let owner = report.owner { call.console.print("  asked by      \(owner)") }
            if let expires = report.expires {
                let date = Date(timeIntervalSince1970: Double(expires)).formatted(.iso8601)
                let word = report.state == "expired" ? "expired      " : "expires      "
                call.console.print("  \(word) \(date), by the network's certified clock")
            }
            call.console.print("  measurements  \(report.measurements) of \(report.electors)")
            call.console.print("  votes         \(report.votes) of \(report.electors), quorum \(report.quorum)")
            for signer in report.signers { call.console.print("  certified by  \(signer)") }
            if let verified = report.verified { call.console.print("  certificate   \(verified)") }
        }
        return report.verified.map { $0 == "valid" } ?? true ? .done : .no
    }

    private static func tell(_ call: Invocation, _ report: ConsensusReport) {
        call.console.print(
            "Checkpoint \(report.height), \(report.electors.count) voting members"
                + (report.convicted.isEmpty ? "." : ", \(report.convicted.count) proven to have voted twice."))
        guard !report.questions.isEmpty else { return }
        var table = Table(
            .text("QUESTION"), .text("KIND"), .text("STATE"), .number("VOTES"), .number("QUORUM"), .text("WHAT"))
        for question in report.questions {
            table.add(
                short(question.id), question.kind, question.state, "\(question.votes)", "\(question.quorum)",
                question.text, emphasis: question.state == "open" ? .normal : .faint)
        }
        call.console.print(table)
    }
}

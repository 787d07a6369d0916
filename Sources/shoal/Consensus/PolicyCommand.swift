internal import API
internal import Terminal

/// `shoal consensus policy`: the numbers and rules of a network, and a yes to others.
enum PolicyCommand {
    typealias Limits = PolicyRequest.Limits

    private static let fold = Option<Int?>(
        "fold-version", .integer(Limits.foldVersion), "the rules by which ops are folded; never fewer than now")
    private static let checkpoint = Option<Int?>(
        "checkpoint-seconds", .integer(Limits.seconds), "how long after a checkpoint the next one is due")
    private static let question = Option<Int?>(
        "question-seconds", .integer(Limits.seconds), "how long a question about a pattern may be answered")
    private static let bound = Option<Int?>(
        "pattern-bound", .integer(Limits.patternBound), "the lower bound that accepts a pattern, in millionths")
    private static let scale = Option<Int?>(
        "gain-scale", .integer(Limits.gainScale), "the gain that earns the full reward, in millionths of a nat")

    static let command = Command(
        "policy", summary: "the network's numbers and rules; with options, this site's yes to others",
        discussion: """
            When more than two thirds of the voting members have said yes to the same numbers, the next checkpoint brings \
            them into force. What is not named stays as it is.

            A later fold version is what an upgrade ends with: install the new shoal at every site, one after the other, \
            then say yes everywhere. A node that does not know the rules that a quorum has agreed on stops and says so.
            """,
        options: [fold, checkpoint, question, bound, scale],
        examples: [
            .init("shoal consensus policy", "what is in force"),
            .init("shoal consensus policy --checkpoint-seconds 30", "yes to a checkpoint every half minute"),
            .init("shoal consensus policy --fold-version 3", "the last step of an upgrade"),
        ]
    ) { call in
        let request = PolicyRequest(
            foldVersion: call[fold], checkpointSeconds: call[checkpoint], questionSeconds: call[question],
            patternBound: call[bound], gainScale: call[scale])
        let node = try RunningNode(call)
        let asks = request != PolicyRequest()
        let reply = asks ? try await node.post("/api/policy", request) : try await node.get("/api/policy")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report: PolicyReport = try reply.report()
        if asks {
            call.console.print("This site votes for these numbers. See what the others say: shoal consensus list")
            call.console.print("Until a checkpoint brings them, in force are:")
        }
        var values = KeyValues()
        values.add(
            "fold version",
            "\(report.foldVersion)"
                + (report.knownFoldVersion > report.foldVersion
                    ? ", and this shoal knows \(report.knownFoldVersion)" : ""))
        values.add("checkpoint", "due after \(report.checkpointSeconds) s")
        values.add("question", "open for \(report.questionSeconds) s")
        values.add("pattern bound", "\(report.patternBound) millionths")
        values.add("gain scale", "\(report.gainScale) millionths of a nat")
        values.add("since", report.height == 0 ? "the genesis" : "checkpoint \(report.height) or before")
        call.console.print(values)
        return .done
    }
}

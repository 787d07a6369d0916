internal import API
internal import Terminal

/// `shoal ops retract`: take back own training.
enum OpsRetract {
    private static let from = Option<Int?>(
        "from", .integer(1...Int.max), "the first place, as `shoal ops list` shows it")
    private static let through = Option<Int?>("through", .integer(1...Int.max), "the last place")
    private static let log = Option<String?>(
        "log", .text.named("LOG"), "which log, where this site has trained in several")

    static let command = Command(
        "retract", summary: "take back what this site trained in a range of its ops",
        discussion: """
            The deltas of the range are subtracted exactly, on every node: the sums are as if they had never been. Nobody is \
            asked. What others learned from them stays, as does what was paid for them; the ops keep their places.
            """,
        options: [from, through, log],
        examples: [
            .init("shoal ops retract --from 40 --through 52", "what was trained on a wrong import")
        ]
    ) { call in
        guard let first = call[from], let last = call[through] else {
            throw call.failure(
                "", "no range is given", remedy: "Give both ends: \(call.name) --from 40 --through 52", exit: .usage)
        }
        let reply = try await RunningNode(call).post(
            "/api/ops/retract", RetractRequest(from: first, through: last, log: call[log]))
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            let report = try reply.report(RetractReport.self)
            call.console.print("\(counted(report.deltas, "delta")) taken back by op \(short(report.op)).")
        }
        return .done
    }
}

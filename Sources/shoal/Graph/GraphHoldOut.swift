internal import API
internal import Terminal

/// `shoal graph holdout`: keeps links aside, so that learning and searching can be measured with them.
enum GraphHoldOut {
    private static let relation = Option<String?>(
        "relation", .text.named("NAME"), "edges of this relation (default: all that came with words)")
    private static let valid = Option(
        "valid", .number(0...0.5), default: 0.1, "share to calibrate and to stop training with")
    private static let test = Option("test", .number(0...0.5), default: 0.1, "share to measure with")
    private static let seed = Option("seed", .integer(0 ... .max), default: 1, "the same seed keeps the same aside")
    private static let restore = Flag("restore", "first put back what was kept aside before")

    static let command = Command(
        "holdout", summary: "keep links aside to measure with",
        discussion: """
            Nothing of a link that was kept aside stays in the graph: walks, searches and training do not see it. \
            If one link of a page to a target goes, all of them go. The texts of pages stay as they are. Importing \
            a file again brings its links back.
            """,
        options: [relation, valid, test, seed], flags: [restore],
        examples: [
            .init("shoal graph holdout", "a tenth to calibrate with, a tenth to measure with"),
            .init("shoal graph holdout --restore --valid 0 --test 0", "put everything back"),
        ]
    ) { call in
        let request = HoldOutRequest(
            relation: call[relation], valid: call[valid], test: call[test], seed: call[seed], restore: call[restore])
        let reply = try await RunningNode(call).post("/api/graph/holdout", request, timeout: nil)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(HoldOutReport.self)
        var values = KeyValues()
        if call[restore] { values.add("put back", counted(report.restored, "edge")) }
        values.add("valid", counted(report.valid, "edge"))
        values.add("test", counted(report.test, "edge"))
        values.add("left", counted(report.left, "edge"))
        call.console.print(values)
        return .done
    }
}

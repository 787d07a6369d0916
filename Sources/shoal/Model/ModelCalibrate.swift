internal import API
internal import Terminal

/// `shoal model calibrate`: fits how much each feature of a search counts.
enum ModelCalibrate {
    private static let limit = Option("limit", .integer(1...100_000), default: 500, "examples at most")
    private static let seed = Option("seed", .integer(0 ... .max), default: 1, "which examples, where there are more")

    static let command = Command(
        "calibrate", summary: "fit the ranking of searches to this site",
        discussion: """
            The examples are links whose target is known, and selections: held-out links of the validation split \
            where there are any (`shoal graph holdout`), otherwise the graph's own, each left out in turn. The \
            weights stay at this site.
            """,
        options: [ModelCommand.agent, limit, seed],
        examples: [
            .init("shoal model calibrate --agent docs", "after training, or after many selections"),
            .init("shoal model calibrate --agent docs --limit 2000 --json", "more examples, for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let request = CalibrateRequest(agent: call[ModelCommand.agent], limit: call[limit], seed: call[seed])
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(call[ModelCommand.agent])
            row.status("searching for what is known")
            do {
                let reply = try await node.post("/api/models/calibrate", request, timeout: nil)
                row.finish("calibrated")
                return reply
            } catch {
                row.fail("not calibrated")
                throw error
            }
        }
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(CalibrationReport.self)
        guard let before = report.lossBefore, let after = report.lossAfter else {
            call.console.print("There is nothing to learn from: no links with texts and no selections.")
            return .no
        }
        var values = KeyValues()
        values.add("examples", "\(report.examples) of \(counted(report.questions, "question")), \(report.source)")
        values.add("-ln p(answer)", "\(Format.fixed(before, 3)) before, \(Format.fixed(after, 3)) after")
        for (name, weight) in report.weights.sorted(by: { (abs($1.value), $0.key) < (abs($0.value), $1.key) }) {
            values.add(name, Format.fixed(weight, 2))
        }
        call.console.print(values)
        return .done
    }
}

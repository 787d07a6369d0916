internal import API
internal import Terminal

/// `shoal model evaluate --search`: held-out links, searched for by their texts.
extension ModelEvaluate {
    static func evaluateSearch(_ call: Invocation, split: String) async throws -> ExitCode {
        let node = try RunningNode(call)
        let request = Call(
            .post, "/api/models/search/evaluate",
            query: [
                ("agent", call[ModelCommand.agent]), ("weights", Weights(call, usually: .federated).rawValue),
                ("split", split),
            ],
            timeout: nil)
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(call[ModelCommand.agent])
            row.status("searching for the \(split) links")
            do {
                let reply = try await node.send(request)
                row.finish("searched")
                return reply
            } catch {
                row.fail("not evaluated")
                throw error
            }
        }
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(SearchEvaluationReport.self)
        guard report.queries > 0 else {
            call.console.print("No links with texts are held out.")
            call.suggest("To keep some aside, before the training:", "graph holdout")
            return .no
        }
        var table = Table(.text("FORMULA", minimum: 14), .number("MRR"), .number("HITS@1"), .number("HITS@10"))
        for row in report.rows {
            table.add(
                row.formula, Format.fixed(row.mrr ?? 0, 3), Format.percent(row.hits1 ?? 0),
                Format.percent(row.hits10 ?? 0), emphasis: row.formula == "combined" ? .strong : .normal)
        }
        call.console.print(table)
        call.console.print(
            "\(counted(report.queries, "query", "queries")); \(report.wordless) of stop words alone, "
                + "\(report.unfound) with no right candidate")
        return .done
    }
}

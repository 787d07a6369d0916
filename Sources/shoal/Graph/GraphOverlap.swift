internal import API
internal import Terminal

/// `shoal graph overlap`: what this site has in common with the others.
enum GraphOverlap {
    private static let agent = Option<String?>(
        "agent", .text.named("NAME"), "only the models of this agent (default: all)")

    static let command = Command(
        "overlap", summary: "count the ids that this site shares with others, and names that nearly match",
        discussion: """
            Sites learn from each other through graph nodes and relations that both have: the same id, which means \
            the same name, to the byte. Others are known by what they announced for a model (a training announces; \
            `shoal model train --rounds 0` does nothing else); names never leave a site.

            Names at home that nearly match are candidates for `shoal graph import --aliases` or `--normalize`.
            """,
        options: [agent],
        examples: [
            .init("shoal graph overlap", "with every site, model by model"),
            .init("shoal graph overlap --agent clinic --json", "one model, for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let reply = try await RunningNode(call).send(
            Call(.get, "/api/graph/overlap", query: [("agent", call[agent])], timeout: .seconds(120)))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(OverlapReport.self)
        if report.models.isEmpty {
            call.console.print("No model is known here yet, so no site has announced what it has.")
        }
        for model in report.models { tell(call, model, report) }
        tell(call, report.nearMatches)
        return .done
    }

    private static func tell(_ call: Invocation, _ model: OverlapReport.Model, _ report: OverlapReport) {
        call.console.print(call.console.style.bold("\(printable(model.agent)) (\(short(model.model)))"))
        guard !model.sites.isEmpty else {
            call.console.print("  no other site has announced anything")
            return
        }
        call.console.print(
            "  others have \(Format.count(model.sharedNodes)) of your \(counted(report.nodes, "graph node")) and "
                + "\(Format.count(model.sharedRelations)) of your \(counted(report.relations, "relation"))")
        if !model.announcedHere {
            call.console.print("  this site has announced nothing: train, or announce with --rounds 0")
        }
        var table = Table(
            .text("SITE"), .number("ANNOUNCED"), .number("SHARED NODES"), .number("SHARED RELATIONS"))
        for site in model.sites {
            table.add(
                site.name.isEmpty ? short(site.peer) : site.name, Format.count(site.announced),
                Format.count(site.sharedNodes), Format.count(site.sharedRelations),
                emphasis: site.sharedNodes == 0 ? .bad : .normal)
        }
        call.console.print(table)
    }

    private static func tell(_ call: Invocation, _ near: OverlapReport.NearMatches) {
        if near.collisions > 0 {
            call.console.print()
            call.console.print(
                "\(counted(near.collisions, "set of names differs", "sets of names differ")) in case, spaces or "
                    + "composition alone; `graph import --normalize` makes each one id:")
            for names in near.collisionExamples.prefix(10) {
                call.console.print("  \(names.map { "'\(printable($0))'" }.joined(separator: "  "))")
            }
        }
        if near.similar > 0 {
            call.console.print()
            call.console.print(
                "\(counted(near.similar, "name looks", "names look")) like another, of \(Format.count(near.examined)) "
                    + "that no other site has; if they mean the same, write them into an alias file:")
            for pair in near.similarExamples.prefix(10) {
                call.console.print("  '\(printable(pair.name))'  '\(printable(pair.other))'")
            }
        }
        if !near.complete { call.console.print("Looking for similar names took too long and was given up.") }
    }
}

internal import API
internal import Terminal

/// `shoal koi charges`: what answers of others' models cost this site.
enum KoiCharges {
    private static let pay = Flag("pay", "pay all of it now, one op a model")

    static let command = Command(
        "charges", summary: "what answers of others' models cost this site, and paying it",
        discussion: """
            Models whose owner asks a price (`shoal koi price`), and how many questions each has answered here since \
            the last payment, or since its price was first seen. Only this site counts them: paying is honest by \
            itself. `shoal run --inference-budget KOI` pays in batches without being asked. A model that cannot be \
            paid keeps no other from being paid; the exit code then is that of its error.
            """,
        flags: [pay],
        examples: [
            .init("shoal koi charges", "what is owed"),
            .init("shoal koi charges --pay", "pay it"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let reply =
            call[pay] ? try await node.send(Call(.post, "/api/koi/charges")) : try await node.get("/api/koi/charges")
        let reports = try reply.report([KoiChargeReport].self)
        if call[Shared.json] { call.printJSON(reply) } else { show(reports, call) }
        // What was paid is told first: it is in the log, whatever became of the rest.
        if let unpaid = reports.first(where: { $0.problem != nil }), let problem = unpaid.problem {
            var failure = failure(.refused(problem), of: call.command)
            failure.object = printable(unpaid.modelName)
            throw failure
        }
        return .done
    }

    private static func show(_ reports: [KoiChargeReport], _ call: Invocation) {
        guard !reports.isEmpty else { return call.console.print("Nobody else asks a price for a model here.") }
        var table = Table(
            .text("MODEL"), .text("OWNER"), .number("ANSWERS"), .number("KOI EACH"), .number("KOI"),
            .text("PAID WITH"))
        for report in reports {
            table.add(
                printable(report.modelName), KoiCommand.site(report.owner, report.name), "\(report.answers)",
                report.unitCost.koi, report.amount.koi,
                report.op.map(short) ?? (report.problem == nil ? "" : "not paid"))
        }
        call.console.print(table)
    }
}

internal import API
internal import Terminal

/// `shoal ops verify`: everything that was signed, checked again.
enum OpsVerify {
    static let command = Command(
        "verify", summary: "check every op again (exit code 1 if one is not right)",
        discussion: "Signatures, hash chains and the hashes of bodies, of all ops in the node's database.",
        examples: [
            .init("shoal ops verify", "are they all right?"), .init("shoal ops verify --json", "for a program"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row("ops")
            row.status("checking signatures, chains and bodies")
            do {
                let reply = try await node.send(Call(.get, "/api/ops/verify", timeout: nil))
                row.finish("checked")
                return reply
            } catch {
                row.fail("not checked")
                throw error
            }
        }
        let report = try reply.report(VerifyReport.self)
        if call[Shared.json] { call.printJSON(reply) } else { tell(call.console, report) }
        return report.faults.isEmpty ? .done : .no
    }

    private static func tell(_ console: Console, _ report: VerifyReport) {
        let extent = "\(counted(report.ops, "op")) and \(counted(report.bodies, "body", "bodies"))"
        guard !report.faults.isEmpty else {
            console.print("\(console.style.green("✓")) \(extent): every signature, chain and hash is right.")
            return
        }
        console.print("\(console.style.red("✗")) \(extent): \(counted(report.faults.count, "fault")).")
        for fault in report.faults { console.print("  \(printable(fault))") }
        console.print()
        console.print("The database was changed from outside, or its disk is failing: restore it from a backup.")
    }
}

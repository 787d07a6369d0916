internal import API
internal import Glibc
internal import Site
internal import Terminal

/// `shoal leave`: a site leaves its network in good order.
enum LeaveCommand {
    private static let yes = Flag("yes", "do it without asking")
    private static let patience = Option(
        "wait", .duration, default: .seconds(150), "how long to wait until the others can do without this site")

    static let command = Command(
        "leave", summary: "leave the network, for good",
        discussion: """
            The site tells the others with an op of its own; nobody is asked. What it trained stays in the model, since \
            others have built on it: take it back before, with `shoal ops retract`, if it is not to stay. If the site \
            votes, its node goes on until the others have agreed on a checkpoint without it, a few seconds; then it \
            ends by itself, and does not start again. The other sites must run meanwhile.

            On this machine everything stays: the graph, the models as they are now, the key, the files. What its \
            wallets hold stays recorded, and can never be spent: send it to somebody before.

            Leaving cannot be undone. To take part again, the site joins anew, by a ticket. To change a key: \
            `shoal keys rotate`.
            """,
        options: SiteSelection.options + [patience], flags: [yes, Shared.json],
        examples: [
            .init("shoal leave", "asks for the network's name, to be sure"),
            .init("shoal leave --site north --yes", "one of several sites of this machine, without asking"),
            .init("shoal leave --yes --json", "for a program"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let directory = try DataDirectory(existing: SiteSelection(call).path)
        if let note = try LeftNote(in: directory) {
            throw call.failure(
                note.name, "this site has left it already", remedy: "What it had is still in \(directory.path)")
        }
        let node = try RunningNode(call)
        let before = try await node.get("/api/leave").report(LeaveReport.self)
        if before.state == "member" { try confirm(call, node.site, before) }
        var report = try await node.post("/api/leave", LeaveRequest(network: before.network)).report(LeaveReport.self)
        let signed = report
        report = try await call.showing(node.site, "the others agree on a checkpoint without it") { _ in
            try await letGo(signed, node, directory, until: ContinuousClock().now + call[patience])
        }
        if call[Shared.json] { try call.printJSON(report) } else { tell(call, node.site, report, directory) }
        return report.state == "left" ? .done : .unreachable
    }

    /// Waits until the others can do without the site and its node has ended, or until there is no more time.
    private static func letGo(
        _ signed: LeaveReport, _ node: RunningNode, _ directory: DataDirectory, until end: ContinuousClock.Instant
    ) async throws -> LeaveReport {
        let clock = ContinuousClock()
        var report = signed
        while report.state != "left", clock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            do {
                report = try await node.get("/api/leave").report(LeaveReport.self)
            } catch let failure as Failure where failure.exit == .unreachable {
                // It has ended; the note says whether because it was done.
                guard try LeftNote(in: directory) != nil else { throw failure }
                report.state = "left"
                report.votes = false
            }
        }
        // Its node ends by itself; until it has, `shoal run` would say that another one runs.
        while report.state == "left", clock.now < end, try RunningNode.isAlive(in: directory) {
            try await Task.sleep(for: .milliseconds(100))
        }
        return report
    }

    private static func confirm(_ call: Invocation, _ site: String, _ report: LeaveReport) throws {
        guard !call[yes] else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw call.failure(
                site, "to leave \(report.network) cannot be undone", remedy: "Say --yes if it is meant", exit: .usage)
        }
        call.console.complain("\(site) leaves \(report.network), and does not come back under this key.")
        if report.koi.nkoi > 0 {
            call.console.complain("Its wallets hold \(report.koi.koi) Koi, which nobody can spend after that.")
        }
        call.console.complain("Type the network's name to go on:")
        guard readLine()?.split(separator: " ").map(String.init) == [report.network] else {
            throw call.failure(site, "that is not its name; nothing was done")
        }
    }

    private static func tell(_ call: Invocation, _ site: String, _ report: LeaveReport, _ directory: DataDirectory) {
        guard report.state == "left" else {
            let why =
                report.connected == 0
                ? "no other site can be reached"
                : report.votes ? "the voting sites have not agreed on a checkpoint without it" : "nobody has answered"
            call.console.say(
                "\(site) has said that it leaves \(report.network), but \(why) yet. Let its node run: it ends by itself "
                    + "when that is done. If it never is, stop it: what it said is in its log.")
            return
        }
        call.console.print("\(site) has left \(report.network): the others know, and its node has ended.")
        call.console.print(
            "Its graph, models, key and settings are still in \(directory.path); remove them or keep them.")
        if report.koi.nkoi > 0 { call.console.print("\(report.koi.koi) Koi stay in its wallets, for ever.") }
    }
}

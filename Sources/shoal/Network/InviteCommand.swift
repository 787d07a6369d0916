internal import API
internal import FoundationEssentials
internal import Terminal

/// `shoal invite`: a ticket for a new site.
enum InviteCommand {
    private static let name = Argument<String?>(optional: "NAME", .text.named("NAME"), "what the new site is called")
    private static let expires = Option("expires", .duration, default: .seconds(86_400), "how long the ticket is good")
    private static let addresses = Option<[String]>(
        repeated: "address", .hostAndPort, "where the new site reaches this one (default: where its node listens)")
    private static let list = Flag("list", "show the tickets that were handed out")
    private static let withdraw = Flag("withdraw", "withdraw the tickets for NAME that nobody has used")

    static let command = Command(
        "invite", summary: "print a ticket with which a new site joins",
        discussion: """
            The ticket is one line, admits one site, once, and expires. It is a secret: whoever has it can join. Send it \
            over a channel that you trust; at the new site `shoal join TICKET` does the rest. This node must run, and \
            be reachable from there, until that has happened.

            The new site syncs and trains at once. It votes, and receives the grant, when a quorum of the voting \
            members has said yes: this site does so by itself, the others with `shoal peers admit`.
            """,
        arguments: [name], options: [expires, addresses] + SiteSelection.options,
        flags: [list, withdraw, Shared.json],
        examples: [
            .init("shoal invite west", "a ticket for the site west, good for a day"),
            .init("shoal invite west --expires 1h --address north.example:7447", "for an hour, and where it dials"),
            .init("shoal invite --list", "who was invited, and who came"),
            .init("shoal invite west --withdraw", "the ticket is worth nothing any more"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        if call[list] { return try await showAll(call, node) }
        guard let name = call[name] else {
            throw call.failure(
                "NAME", "it is missing", remedy: "Say what the new site is called: shoal invite west", exit: .usage)
        }
        if call[withdraw] {
            let reply = try await node.send(Call(.delete, "/api/invitations", query: [("name", name)]))
            if call[Shared.json] {
                call.printJSON(reply)
            } else {
                let removed = try reply.report(RemovedReport.self).removed
                call.console.print("\(counted(removed, "ticket")) for \(name) will not admit anybody.")
            }
            return .done
        }
        let request = InvitationRequest(
            name: name, expiresSeconds: Int(call[expires].components.seconds),
            addresses: call[addresses].isEmpty ? nil : call[addresses])
        let reply = try await node.post("/api/invitations", request)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(TicketReport.self)
        // The ticket alone on the output, so that it can be piped; what to do with it is for people.
        call.console.print(report.ticket)
        call.console.complain(
            """
            Admits \(report.name) to \(report.network), once, until \(date(report.expires)). There, run:
              shoal join TICKET
            """)
        if report.addresses.allSatisfy({ $0.hasPrefix("127.") || $0.hasPrefix("localhost:") || $0.hasPrefix("[::1]") })
        {
            call.console.complain(
                "Only sites on this machine reach \(report.addresses.joined(separator: ", ")): "
                    + "see --address, or `shoal run --advertise`.")
        }
        return .done
    }

    private static func showAll(_ call: Invocation, _ node: RunningNode) async throws -> ExitCode {
        let reply = try await node.get("/api/invitations")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let all = try reply.report([InvitationReport].self)
        guard !all.isEmpty else {
            call.console.print("Nobody was invited yet: shoal invite NAME")
            return .done
        }
        var table = Table(.text("SITE"), .text("TICKET"), .text("UNTIL"), .text("USED BY"), .text("WHEN"))
        for one in all {
            table.add(
                one.name, one.state, date(one.expires), one.peer.map { short($0) } ?? "",
                one.redeemed.map { date($0) } ?? "", emphasis: one.state == "open" ? .normal : .faint)
        }
        call.console.print(table)
        return .done
    }

    static func date(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

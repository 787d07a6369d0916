internal import API
internal import Identity
internal import Terminal
internal import Wire

/// `shoal koi`: what contributions earned, and what it buys.
enum KoiCommand {
    static let command = Command(
        "koi", summary: "balances, payments, bounties, claims and auctions",
        discussion: """
            Koi is paid for what a site's training demonstrably improved and for patterns that others verified. Every \
            amount is decimal Koi. What is paid can be spent when a quorum of the other sites has certified it.
            """,
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal koi", "who has how much"),
            .init("shoal koi send --to west 2.5", "pay another site"),
            .init("shoal koi history", "why"),
            .init("shoal koi claim --model clinic", "be paid for what this site trained"),
        ],
        subcommands: [
            KoiBalance.command, KoiSend.command, KoiHistory.command, KoiBounty.command, KoiClaim.command,
            KoiAuction.command, KoiAttest.command, KoiPrice.command, KoiCharges.command, KoiValuation.command,
        ], standard: "balance")

    static let agent = Option<String?>("agent", .text.named("NAME"), "whose wallet, at this site (default: site)")

    /// Prints what was signed.
    static func tell(_ call: Invocation, _ reply: Reply, _ words: (KoiSignedReport) -> String) throws {
        guard !call[Shared.json] else { return call.printJSON(reply) }
        call.console.print(words(try reply.report(KoiSignedReport.self)))
    }

    static func site(_ owner: String, _ name: String) -> String { name.isEmpty ? short(owner) : printable(name) }

    /// Prints a list of offers, claims or prices.
    static func list(_ call: Invocation, _ path: EscapedPath, none: String, amount: String) async throws {
        let reply = try await RunningNode(call).get(path)
        guard !call[Shared.json] else { return call.printJSON(reply) }
        let listings = try reply.report([KoiListingReport].self)
        guard !listings.isEmpty else { return call.console.print(none) }
        var table = Table(
            .text("ID", minimum: 12), .text("SITE"), .text("AGENT"), .number(amount), .text("STATUS"), .text("ABOUT"),
            .text("DETAILS"))
        for listing in listings {
            table.add(
                short(listing.op), site(listing.owner, listing.name), printable(listing.agent),
                listing.amount?.koi ?? "", listing.status, listing.about.map(short) ?? "", printable(listing.details))
        }
        call.console.print(table)
    }
}

/// `shoal koi balance`: wallets and sums.
enum KoiBalance {
    static let command = Command(
        "balance", summary: "who has how much",
        examples: [
            .init("shoal koi balance", "this site's wallets first"),
            .init("shoal koi balance --json", "the same, for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/koi")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(KoiReport.self)
        guard !report.wallets.isEmpty else {
            call.console.print("There is no Koi: this network was founded before there were votes.")
            return .done
        }
        var table = Table(.text("SITE"), .text("AGENT"), .number("KOI"), .number("PENDING"))
        for wallet in report.wallets {
            table.add(
                KoiCommand.site(wallet.owner, wallet.name) + (wallet.own ? " (this one)" : ""), printable(wallet.agent),
                wallet.balance.koi, wallet.pending.nkoi == 0 ? "" : wallet.pending.koi)
        }
        call.console.print(table)
        var values = KeyValues()
        values.add("minted", report.minted.koi)
        values.add("in escrow", report.escrow.koi)
        values.add("not certified yet", report.inFlight.koi)
        values.add("burned", report.burned.koi)
        values.add("adds up", report.conserved ? "yes" : "NO: please report this")
        call.console.print()
        call.console.print(values)
        return report.conserved ? .done : .no
    }
}

/// `shoal koi send`: a payment.
enum KoiSend {
    private static let amount = Argument("AMOUNT", .text.named("KOI"), "decimal Koi, such as 2.5")
    private static let to = Option(required: "to", .text.named("SITE"), "the site's name or peer id")
    private static let from = Option<String?>("from", .text.named("NAME"), "the agent who pays (default: site)")
    private static let agent = Option<String?>("agent", .text.named("NAME"), "the agent who is paid (default: site)")
    private static let memo = Option<String?>("memo", .text.named("TEXT"), "up to 256 bytes that everybody can read")

    static let command = Command(
        "send", summary: "pay an agent of this or another site", arguments: [amount], options: [to, from, agent, memo],
        examples: [
            .init("shoal koi send --to west 2.5", "from this site to another"),
            .init("shoal koi send --from ward --to west --agent lab 0.05 --memo thanks", "between agents"),
        ]
    ) { call in
        let request = KoiSendRequest(
            from: call[from], to: call[to], agent: call[agent], amount: call[amount], memo: call[memo])
        let reply = try await RunningNode(call).post("/api/koi/send", request)
        try KoiCommand.tell(call, reply) {
            "Paid \(call[amount]) Koi to \(printable(call[to])) with op \(short($0.op)). "
                + "It can be spent when a quorum has certified it."
        }
        return .done
    }
}

/// `shoal koi history`: movements, newest first.
enum KoiHistory {
    private static let limit = Option("limit", .integer(1...1_000), default: 20, "how many, newest first")
    private static let verify = Flag(
        "verify", "fold all ops from the genesis on, check every certificate and entry (exit code 1 if one is wrong)")

    static let command = Command(
        "history", summary: "what moved, and why", options: [KoiCommand.agent, limit],
        flags: [Paging.all, verify],
        examples: [
            .init("shoal koi history", "of the whole network, newest first"),
            .init("shoal koi history --agent ward", "in and out of one wallet of this site"),
            .init("shoal koi history --verify", "is all of it right?"),
        ]
    ) { call in
        guard !call[verify] else { return try await check(call) }
        let movements = try await Paging.list(
            call, "/api/koi/history", [("agent", call[KoiCommand.agent])], limit: call[limit]
        ) {
            try $0.report([KoiMovementReport].self)
        } place: {
            $0.place
        }
        guard !call[Shared.json] else {
            try call.printJSON(movements)
            return .done
        }
        var table = Table(
            .text("OP", minimum: 12), .text("WHY"), .number("KOI"), .text("FROM"), .text("TO"), .text("STATE"))
        for movement in movements {
            table.add(
                movement.op.map(short) ?? "", movement.reason, movement.amount.koi, wallet(movement.from) ?? "(new)",
                wallet(movement.to) ?? "", movement.state, emphasis: movement.state == "burned" ? .bad : .normal)
        }
        call.console.print(table)
        return .done
    }

    private static func check(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row("koi")
            row.status("folding all ops, checking all certificates")
            do {
                let reply = try await node.send(Call(.get, "/api/koi/verify", timeout: nil))
                row.finish("checked")
                return reply
            } catch {
                row.fail("not checked")
                throw error
            }
        }
        let report = try reply.report(KoiVerifyReport.self)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return report.faults.isEmpty ? .done : .no
        }
        let extent =
            "\(counted(report.ops, "op")), \(counted(report.certificates, "certificate")), "
            + "\(counted(report.movements, "movement")), \(counted(report.wallets, "wallet"))"
        guard !report.faults.isEmpty else {
            call.console.print("\(call.console.style.green("✓")) \(extent): all follows from the genesis.")
            return .done
        }
        call.console.print("\(call.console.style.red("✗")) \(extent): \(counted(report.faults.count, "fault")).")
        for fault in report.faults { call.console.print("  \(printable(fault))") }
        call.console.print()
        call.console.print(
            "If tables alone are wrong: `shoal doctor --rebuild`. Else restore the database from a backup.")
        return .no
    }

    private static func wallet(_ text: String?) -> String? {
        guard let text, let slash = text.firstIndex(of: "/") else { return nil }
        return "\(short(String(text[..<slash])))/\(printable(String(text[text.index(after: slash)...])))"
    }
}

internal import API
internal import Terminal

/// `shoal koi valuation`: how several sites' claims divide what they improve together.
enum KoiValuation {
    static let command = Command(
        "valuation", summary: "how the latest claims of all sites divide what they improve together",
        discussion: """
            Takes the latest claim of each site out of the merged model, alone and in every combination, and asks the \
            facts that this site keeps aside. A site's share is what its claim adds, whoever comes before it (Shapley \
            values). It says what the claims are worth now and here; what is paid is what a quorum measured when they \
            were made.
            """,
        options: [KoiClaim.model],
        examples: [
            .init("shoal koi valuation --model clinic", "in thousandths of a nat of held-out loss"),
            .init("shoal koi valuation --model clinic --json", "for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(.get, "/api/koi/valuation", query: [("agent", call[KoiClaim.model])], timeout: nil))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(KoiValuationReport.self)
        var table = Table(.text("SITE"), .text("CLAIM"), .number("DELTAS"), .number("SHARE"), .number("±"))
        for claim in report.claims {
            table.add(
                KoiCommand.site(claim.owner, claim.name), short(claim.op), Format.count(claim.deltas),
                Format.fixed(claim.share * 1_000, 1),
                claim.standardError == 0 ? "" : Format.fixed(claim.standardError * 1_000, 1))
        }
        table.add("all", "", "", Format.fixed(report.together * 1_000, 1), "", emphasis: .strong)
        call.console.print(table)
        call.console.print(
            "Thousandths of a nat of the loss on \(counted(report.questions, "held-out question")) of this site; above zero helps."
        )
        return .done
    }
}

internal import API
internal import Terminal

/// Until a quorum has decided what was asked.
private let decisionPatience = Duration.seconds(60)

/// What sites verify of each other: the worth of training, and rules.
extension Demo {
    /// Three rounds a claim: less drowns in noise, and what is measured late is not measured well.
    static let claimRounds = 3
    /// Rules that each site proposes.
    private static let proposals = 8

    struct Knowledge: Sendable {
        /// In the order of the sites.
        var earnings: [DemoReport.Earnings]
        var patterns: [PatternReport]
    }

    func verify(_ sites: [DemoSite]) async throws -> Knowledge {
        view.heading("Verified: what training was worth and which rules hold, by each site on its own facts.")
        return try await LiveRegion.show(on: view.console) { region in
            let claims = region.row("claims")
            let decided = try await claimed(sites, claims)
            let row = region.row("rules")
            row.status("every site looks for rules in its own graph")
            let mined = try await forEach(sites, atMost: Cluster.cores) { try await $0.mine() }
            row.status("every site proposes its best rules to the others")
            for site in sites { _ = try await site.propose(Self.proposals) }
            let patterns = try await judged(sites, row, found: mined.reduce(0) { $0 + $1.rules })
            try await settled(sites, region.row("Koi"))
            return Knowledge(earnings: try await earnings(sites, decided, patterns), patterns: patterns)
        }
    }

    /// Waits until every claim is decided, everywhere alike.
    private func claimed(_ sites: [DemoSite], _ row: LiveRow) async throws -> [KoiListingReport] {
        var claims: [KoiListingReport] = []
        _ = try await Patience.poll(for: decisionPatience, every: .milliseconds(100)) {
            claims = try await sites[0].claims()
            row.progress(claims.count { $0.gain != nil }, of: max(claims.count, 1), .count("claims"))
            return claims.allSatisfy { $0.gain != nil }
        }
        let helped = claims.count { $0.gain ?? 0 > 0 }
        row.finish(
            "the others measured \(DemoView.counted(claims.count, "claim")) of \(Self.claimRounds) rounds: "
                + "\(helped) helped them")
        return claims
    }

    private func judged(_ sites: [DemoSite], _ row: LiveRow, found: Int) async throws -> [PatternReport] {
        var patterns: [PatternReport] = []
        _ = try await Patience.poll(for: decisionPatience, every: .milliseconds(100)) {
            patterns = try await sites[0].patterns()
            row.progress(patterns.count { $0.state != "open" }, of: max(patterns.count, 1), .count("rules"))
            return patterns.allSatisfy { $0.state != "open" }
        }
        let counts = ["accepted", "rejected", "undecided"].map { state in
            "\(patterns.count { $0.state == state }) \(state)"
        }
        row.finish(
            "\(DemoView.counted(found, "rule")) found, \(patterns.count) proposed: \(counts.joined(separator: ", "))")
        return patterns
    }

    /// Waits until all that was paid is certified, and all have the same ops.
    private func settled(_ sites: [DemoSite], _ row: LiveRow) async throws {
        row.status("a quorum certifies what was paid")
        var digest = ""
        let isSettled = try await Patience.poll(for: decisionPatience, every: .milliseconds(200)) {
            var (digests, ops, isPending): (Set<String>, Set<Int>, Bool) = ([], [], false)
            for site in sites {
                let status = try await site.status()
                let koi = try await site.koi()
                digests.insert(status.stateDigest)
                ops.insert(status.ops)
                isPending = isPending || koi.wallets.contains { $0.pending.nkoi != 0 } || koi.inFlight.nkoi != 0
            }
            defer { digest = "\(digests)\(ops)" }
            // The same twice: nothing is on its way.
            return digests.count == 1 && ops.count == 1 && !isPending && digest == "\(digests)\(ops)"
        }
        let koi = try await sites[0].koi()
        guard isSettled, koi.conserved else {
            return row.fail(koi.conserved ? "the sites do not come to rest" : "Koi does not add up")
        }
        row.finish(
            "\(koi.minted.koi) minted = balances + \(koi.escrow.koi) in escrow + \(koi.burned.koi) burned, everywhere")
    }

    private func earnings(
        _ sites: [DemoSite], _ claims: [KoiListingReport], _ patterns: [PatternReport]
    ) async throws -> [DemoReport.Earnings] {
        let koi = try await sites[0].koi()
        var earnings: [DemoReport.Earnings] = []
        for site in sites {
            let peer = site.node.peer
            let own = claims.filter { $0.owner == peer }
            let paid = own.compactMap(\.paid).reduce(0) { $0 + $1.nkoi }
            let history = try await site.history()
            func earned(_ reasons: Set<String>) -> Int {
                history.filter { reasons.contains($0.reason) && $0.to == "\(peer)/site" && $0.from == nil }
                    .reduce(0) { $0 + Int($1.amount.nkoi) }
            }
            let accepted = patterns.filter { $0.state == "accepted" }
            earnings.append(
                DemoReport.Earnings(
                    site: site.name, claims: own.count, claimsPaid: own.count { $0.paid?.nkoi ?? 0 > 0 },
                    gain: own.compactMap(\.gain).filter { $0 > 0 }.reduce(0, +), claimsNkoi: Int(paid),
                    patternsProposed: patterns.count { $0.proposer == peer },
                    patternsAccepted: accepted.count { $0.proposer == peer },
                    patternsMeasured: accepted.count {
                        $0.measurements.contains { $0.member == peer && $0.body != nil }
                    }, patternsNkoi: earned(["accepted", "measured"]),
                    balanceNkoi: Int(koi.wallets.first { $0.owner == peer && $0.agent == "site" }?.balance.nkoi ?? 0)))
        }
        return earnings
    }
}

internal import API
internal import Consensus
internal import Identity
internal import Ledger
internal import Peer
internal import Replication
internal import Wire

/// Prices, claims, bounties, attestations and auctions.
extension KoiService {
    func listings(of kind: OpKind) async throws -> [KoiListingReport] {
        let names = try await names()
        let (listings, outcomes, measured) = try await host.ask { node in
            let listings = node.state.ledger.listings(of: kind)
            let measured = listings.compactMap { listing in
                kind == .bountyClaim ? node.state.measuredGain(ofClaim: listing.id).map { (listing.id, $0) } : nil
            }
            return (
                listings.map { ($0, node.state.ledger.rows(of: $0.id)) }, node.state.consensus.outcomes,
                Dictionary(uniqueKeysWithValues: measured)
            )
        }
        var gains: [OpID: Int64] = [:]
        for case .trained(let claim, let gain) in outcomes.map(\.meaning) { gains[claim] = gain }
        for (claim, measured) in measured { gains[claim] = measured.gain }
        return listings.map { listing, rows in
            let (agent, amount, about, expires, text) = Self.facts(listing)
            let gain = gains[listing.id]
            let minted = rows.lazy.filter { $0.from == nil }.reduce(0) { $0 + $1.amount }
            let settled = measured[listing.id]
            let isRefused = listing.status == .open && settled.map { $0.gain < $0.target } ?? false
            let details =
                text
                + (settled.map { "; measured \(Double($0.gain) / 1e6) nats, asked \(Double($0.target) / 1e6)" } ?? "")
            return KoiListingReport(
                op: listing.id.hex, owner: listing.owner.hex, name: names[listing.owner.hex] ?? "", agent: agent,
                status: isRefused ? "refused" : listing.status.rawValue, amount: amount.map(Self.amount),
                about: about?.hex, expires: expires.map { Int(clamping: $0) }, details: details,
                gain: gain.map { Double($0) / 1e6 }, paid: gain.map { _ in Self.amount(minted) })
        }
    }

    private static func facts(
        _ listing: LedgerUpdate.Listing
    ) -> (agent: String, amount: NanoKoi?, about: OpID?, expires: UInt64?, details: String) {
        switch listing.body {
        case .price(let body): (body.agent, body.unitCost, body.model, nil, "for an inference")
        case .claim(let body): (body.agent, nil, body.span.model, nil, text(body.span))
        case .bountyClaim(let body): (body.agent, nil, body.bounty, nil, text(body.span))
        case .bountyPost(let body):
            (
                body.agent, body.reward, nil, body.expires,
                "gain of \(Double(body.target.gain) / 1e6) nats on \(body.target.tokens.count) "
                    + "\(body.target.what)\(body.description.isEmpty ? "" : ": \(body.description)")"
            )
        case .attestation(let body):
            (body.agent, body.askingPrice, body.subject, body.expires, "\(body.claimType), proof: \(body.proofType)")
        case .auction(let body):
            (
                body.agent, listing.price ?? body.start, body.attestation, nil,
                "from \(Koi.text(body.start)) by \(Koi.text(body.step)) every \(body.interval) s to "
                    + "\(Koi.text(body.floor)), \(body.minBidders) bidders"
            )
        case .bid(let body): (body.agent, body.most, body.auction, nil, "at most")
        case .transfer(let body): (body.from, body.total, nil, nil, "")
        case .bountySettle(let body): ("", nil, body.bounty, nil, "")
        case .stake(let agent): (agent, nil, nil, nil, "")
        }
    }

    private static func text(_ span: OpSpan) -> String { "ops \(span.from) to \(span.through) of log \(span.log)" }

    func price(_ request: KoiPriceRequest) async throws -> KoiSignedReport {
        let cost = try Self.amount(request.cost, "cost", least: 0)
        var model: ModelID?
        if let text = request.model { model = try await op(text, "model") }
        return try await sign(
            .price(Price(agent: request.agent, model: model, unitCost: cost)), agent: request.agent)
    }

    func post(_ request: KoiBountyRequest, tokens: [TokenID], now: UInt64) async throws -> KoiSignedReport {
        let reward = try Self.amount(request.reward, "reward")
        guard request.gain > 0, request.gain < 1_000, (1...(1 << 32)).contains(request.expiresSeconds) else {
            throw Problem.badRequest("a bounty asks for a gain above 0 and ends in the future", field: "gain")
        }
        let target = BountyPost.Target(
            what: request.roots == nil ? .relations : .roots, tokens: Array(Set(tokens)).sorted(),
            gain: max(1, Int64(request.gain * 1e6)))
        guard (1...LedgerBody.Limits.tokens).contains(target.tokens.count) else {
            throw Problem.unusable("a bounty names 1 to \(LedgerBody.Limits.tokens) of them", field: "relations")
        }
        let words = request.description ?? ""
        guard words.utf8.count <= LedgerBody.Limits.descriptionBytes,
            !words.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw Problem.unusable("the description is too long or has control characters", field: "description") }
        let agent = request.agent ?? AccountID.site
        let post = BountyPost(
            agent: agent, reward: reward, target: target, expires: now + UInt64(request.expiresSeconds),
            description: words)
        return try await sign(.bountyPost(post), cost: reward, agent: agent)
    }

    /// Claims a range of this site's training log; without one, what stands behind the last claim.
    func claim(_ request: KoiClaimRequest, model: ModelID) async throws -> KoiSignedReport {
        let agent = request.agent ?? AccountID.site
        var bounty: OpID?
        if let text = request.bounty { bounty = try await op(text, "bounty") }
        let isBounty = bounty != nil
        let span: OpSpan? = try await host.ask { node in
            guard let key = node.ownLogKey, let head = node.replica.frontier[key] else { return nil }
            let claimed = node.state.ledger.listings(of: .claim).compactMap { listing -> UInt64? in
                guard listing.owner == node.identity.peerID, case .claim(let claim) = listing.body,
                    claim.span.log == key.log
                else { return nil }
                return claim.span.through
            }
            let from = request.from.map { UInt64(clamping: $0) } ?? (isBounty ? 1 : (claimed.max() ?? 0) + 1)
            let through = request.through.map { UInt64(clamping: $0) } ?? head.seq
            guard from >= 1, from <= through, let id = node.replica.id(key, through) else { return nil }
            return OpSpan(model: model, log: key.log, from: from, through: through, head: id)
        }
        guard let span else {
            throw Problem.conflict(
                "this site's log has no such ops to claim", remedy: "train first, or give --from and --through",
                code: "unknown-range")
        }
        let body: LedgerBody =
            bounty.map { .bountyClaim(BountyClaim(agent: agent, bounty: $0, span: span)) }
            ?? .claim(TrainingClaim(agent: agent, span: span))
        let signed = try await sign(body, agent: agent)
        if let bounty, let claim = OpID(hex: signed.op) {
            _ = try await sign(.bountySettle(BountySettle(bounty: bounty, claim: claim)), agent: agent)
        }
        return signed
    }

    func attest(_ request: KoiAttestRequest) async throws -> KoiSignedReport {
        let agent = request.agent ?? AccountID.site
        guard let proof = Hex.decode(request.proof ?? ""), proof.count <= LedgerBody.Limits.proofBytes else {
            throw Problem.badRequest("the proof is no hexadecimal text of up to 1,024 bytes", field: "proof")
        }
        guard AccountID.isAgent(request.claimType), AccountID.isAgent(request.proofType ?? "none") else {
            throw Problem.unusable("a type has 1 to 64 bytes", field: "claim_type")
        }
        return try await sign(
            .attestation(
                Attestation(
                    agent: agent, subject: try await op(request.subject, "subject"), claimType: request.claimType,
                    reproductionCost: try Self.amount(request.reproductionCost ?? "0", "reproduction_cost", least: 0),
                    proofType: request.proofType ?? "none", proof: proof,
                    askingPrice: try Self.amount(request.askingPrice ?? "0", "asking_price", least: 0),
                    isExclusive: request.exclusive ?? false)), agent: agent)
    }

    func open(_ request: KoiAuctionRequest) async throws -> KoiSignedReport {
        let agent = request.agent ?? AccountID.site
        let (start, floor) = (
            try Self.amount(request.start, "start"), try Self.amount(request.floor, "floor", least: 0)
        )
        let (bidders, hours) = (request.minBidders ?? 1, request.openAfterHours ?? 24)
        guard floor <= start, (1...(1 << 32)).contains(request.intervalSeconds),
            (1...Int(LedgerBody.Limits.bidders)).contains(bidders), (0...Int(LedgerBody.Limits.hours)).contains(hours)
        else {
            throw Problem.unusable(
                "the floor is above the start, or a number is out of its range",
                remedy:
                    "interval from 1 s, 1 to \(LedgerBody.Limits.bidders) bidders, up to \(LedgerBody.Limits.hours) hours"
            )
        }
        return try await sign(
            .auction(
                Auction(
                    agent: agent, attestation: try await op(request.attestation, "attestation"), start: start,
                    floor: floor, step: try Self.amount(request.step, "step"),
                    interval: UInt64(request.intervalSeconds), minBidders: UInt64(bidders),
                    openAfterHours: UInt64(hours))), agent: agent)
    }

    func bid(_ request: KoiBidRequest) async throws -> KoiSignedReport {
        let agent = request.agent ?? AccountID.site
        let most = try Self.amount(request.most, "most")
        return try await sign(
            .bid(Bid(agent: agent, auction: try await op(request.auction, "auction"), most: most)), cost: most,
            agent: agent)
    }
}

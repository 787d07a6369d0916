internal import Federation
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Koi that sites would move: payments, bounties and what follows from them, sales; some of it too much.
extension LoadGenerator {
    /// How long a bounty or an auction goes on at most.
    static let longestEscrowSeconds: UInt64 = 23

    /// Nil if there is nothing of the kind that was drawn.
    mutating func nextKoi(for node: Node, at seconds: UInt64) -> LedgerBody? {
        let ledger = node.state.ledger
        let me = node.identity.peerID
        let agent = random.chance(0.8) ? AccountID.site : "lab"
        let balance = ledger.wallet(AccountID(owner: me, agent: agent)).balance
        switch random.below(14) {
        case 0..<5: return transfer(by: node, agent, balance)
        case 5, 6:
            return .bountyPost(
                BountyPost(
                    agent: agent, reward: part(of: balance, upTo: 3),
                    target: .init(what: .relations, tokens: [TokenID(rawValue: 7)], gain: Int64(1 + random.below(900))),
                    expires: seconds + 3 + UInt64(random.below(Int(Self.longestEscrowSeconds) - 3)), description: ""))
        case 7:
            let open = ledger.listings(of: .bountyPost).filter { $0.owner != me && $0.status == .open }
            guard let bounty = pick(open), let span = span(of: node) else { return nil }
            return .bountyClaim(BountyClaim(agent: agent, bounty: bounty.id, span: span))
        case 8, 9:
            let own = ledger.listings(of: .bountyClaim).filter { $0.owner == me && $0.status == .open }
            guard let claim = pick(own), case .bountyClaim(let words) = claim.body else { return nil }
            return .bountySettle(BountySettle(bounty: words.bounty, claim: claim.id))
        case 10: return span(of: node).map { .claim(TrainingClaim(agent: agent, span: $0)) }
        case 11: return offer(by: node, agent)
        case 12:
            let open = ledger.listings(of: .auction).filter { $0.owner != me && $0.status == .open }
            guard let auction = pick(open) else { return nil }
            return .bid(Bid(agent: agent, auction: auction.id, most: part(of: balance, upTo: 2)))
        default:
            return .price(Price(agent: agent, model: pick(node.state.models.ids), unitCost: Int64(random.below(1_000))))
        }
    }

    private mutating func transfer(by node: Node, _ agent: String, _ balance: NanoKoi) -> LedgerBody? {
        let members = node.state.members.members.map(\.peer).sorted()
        let amounts: [NanoKoi] =
            switch random.below(20) {
            case 0: [.max, .max]
            case 1: [max(1, balance) + NanoKoi(random.below(1_000))]
            case 2: [balance > 0 ? balance : 1]
            default: (0..<1 + random.below(3)).map { _ in part(of: balance, upTo: 5) }
            }
        let payments = amounts.map { amount in
            Transfer.Payment(
                to: AccountID(owner: members[random.below(members.count)], agent: random.chance(0.7) ? "site" : "lab"),
                amount: amount)
        }
        return .transfer(Transfer(from: agent, payments: payments))
    }

    private mutating func offer(by node: Node, _ agent: String) -> LedgerBody? {
        let own = node.state.ledger.listings(of: .attestation).filter { $0.owner == node.identity.peerID }
        let sold = node.state.ledger.listings(of: .auction).compactMap { listing -> OpID? in
            guard case .auction(let auction) = listing.body else { return nil }
            return auction.attestation
        }
        guard let attested = pick(own.filter { !sold.contains($0.id) }) else {
            return pick(node.state.models.ids).map {
                .attestation(Attestation(agent: agent, subject: $0, claimType: "weights"))
            }
        }
        let start = Koi.nanoKoi * NanoKoi(1 + random.below(20))
        return .auction(
            Auction(
                agent: agent, attestation: attested.id, start: start, floor: start / 4, step: start / 3,
                interval: UInt64(2 + random.below(6)), minBidders: UInt64(1 + random.below(2))))
    }

    /// Some ops of the node's own log.
    private mutating func span(of node: Node) -> OpSpan? {
        guard let key = node.ownLogKey, let model = pick(node.state.models.ids),
            let head = node.replica.frontier[key], head.seq > 2
        else { return nil }
        let from = head.seq - UInt64(random.below(min(4, Int(head.seq) - 1)))
        return OpSpan(model: model, log: key.log, from: from, through: head.seq, head: head.id)
    }

    private mutating func part(of balance: NanoKoi, upTo parts: Int) -> NanoKoi {
        max(1, balance / NanoKoi(1 + parts) * NanoKoi(1 + random.below(parts)))
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[random.below(elements.count)]
    }
}

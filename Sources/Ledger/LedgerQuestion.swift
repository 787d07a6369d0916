public import Identity
public import Wire

/// What electors are asked about an escrow: the whole of the answer, so that whoever finds it true affirms it, and a
/// quorum can affirm one answer about each bounty and each auction.
///
/// ```
/// [0]                     the bounty has expired, the auction is closed without a sale
/// [1, claim]              the bounty is paid for this claim
/// [2, price, [bid …]]     these bids pay the price; 1 to 24, ascending
/// ```
public enum LedgerQuestion: Hashable, Sendable {
    case over
    case paid(claim: OpID)
    case sold(price: NanoKoi, bids: [OpID])

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        let items = try decoder.array(max: 3)
        let start = decoder.position
        switch (try decoder.uint(), items) {
        case (0, 1): self = .over
        case (1, 2): self = .paid(claim: try decoder.id())
        case (2, 3):
            let price = Int64(try decoder.uint(max: UInt64(Int64.max)))
            var bids: [OpID] = []
            for _ in 0..<(try decoder.array(max: Int(LedgerBody.Limits.bidders))) {
                let bid: OpID = try decoder.id()
                guard bids.last.map({ $0 < bid }) ?? true else {
                    throw .outOfRange(at: start, what: "bids not ascending")
                }
                bids.append(bid)
            }
            guard price > 0, !bids.isEmpty else { throw .outOfRange(at: start, what: "a sale of nothing") }
            self = .sold(price: price, bids: bids)
        default: throw .unexpected(at: start, wanted: "[0], [1, claim] or [2, price, bids]")
        }
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        switch self {
        case .over:
            encoder.array(1)
            encoder.uint(0)
        case .paid(let claim):
            encoder.array(2)
            encoder.uint(1)
            encoder.bytes(claim.bytes)
        case .sold(let price, let bids):
            encoder.array(3)
            encoder.uint(2)
            encoder.uint(UInt64(price))
            encoder.array(bids.count)
            for bid in bids.sorted() { encoder.bytes(bid.bytes) }
        }
        return encoder.bytes
    }
}

extension Ledger {
    /// The outcome that a certified answer about an escrow is; nil if it does not fit what it is about.
    public func outcome(of question: LedgerQuestion, about id: OpID) -> Outcome? {
        switch (items[id]?.entry.body, question) {
        case (.bountyPost?, .over): .bountyExpired(bounty: id)
        case (.bountyPost?, .paid(let claim)): .bountyPaid(bounty: id, claim: claim)
        case (.auction?, .over): .auctionClosed(auction: id)
        case (.auction?, .sold(let price, let bids)): .auctionSold(auction: id, price: price, bids: bids)
        case (_, .over), (_, .paid), (_, .sold): nil
        }
    }

    /// Whether an honest elector affirms an answer, by what it knows now.
    ///
    /// - Parameter isReached: whether a quorum measured that a claim reaches its bounty's target.
    public func affirms(_ question: LedgerQuestion, about id: OpID, isReached: (OpID) -> Bool) -> Bool {
        guard let item = items[id], counts(item, .now), isFinal(item, .now), decided(.op(id), .now) == nil else {
            return false
        }
        return dueAnswer(about: item, isReached: isReached) == question
    }

    /// What there is to ask the electors about escrows now: expired bounties, reached targets, auctions that are over;
    /// by id.
    public func dueQuestions(isReached: (OpID) -> Bool) -> [(about: OpID, question: LedgerQuestion)] {
        items.values.compactMap { item in
            guard isOffer(item), counts(item, .now), isFinal(item, .now), decided(.op(item.entry.id), .now) == nil,
                let answer = dueAnswer(about: item, isReached: isReached)
            else { return nil }
            return (item.entry.id, answer)
        }
        .sorted { $0.about < $1.about }
    }

    private func isOffer(_ item: Item) -> Bool {
        switch item.entry.body {
        case .bountyPost, .auction: true
        case .transfer, .claim, .bountyClaim, .bountySettle, .price, .stake, .attestation, .bid: false
        }
    }

    private func dueAnswer(about item: Item, isReached: (OpID) -> Bool) -> LedgerQuestion? {
        switch item.entry.body {
        case .bountyPost(let post):
            let reached = (bountyClaims[item.entry.id] ?? []).filter(isReached).min()
            return reached.map { .paid(claim: $0) } ?? (post.expires <= time(.now) ? .over : nil)
        case .auction(let auction): return dueAnswer(auction, item)
        case .transfer, .claim, .bountyClaim, .bountySettle, .price, .stake, .attestation, .bid: return nil
        }
    }

    /// Sold at the price of the moment as soon as enough bids reach it; over without a sale an interval after the price
    /// has come to its floor. Bids count when they are final, the highest first.
    private func dueAnswer(_ auction: Auction, _ item: Item) -> LedgerQuestion? {
        let now = time(.now)
        let price = max(1, auction.price(opened: item.opened, at: now))
        let willing = (bids[item.entry.id] ?? []).compactMap { id -> (most: NanoKoi, id: OpID)? in
            guard let bid = items[id], case .bid(let words) = bid.entry.body, words.most >= price, counts(bid, .now),
                isFinal(bid, .now)
            else { return nil }
            return (words.most, id)
        }
        .sorted { $0.most != $1.most ? $0.most > $1.most : $0.id < $1.id }
        if willing.count >= Int(auction.minBidders) {
            return .sold(price: price, bids: willing.prefix(Int(LedgerBody.Limits.bidders)).map(\.id).sorted())
        }
        let steps = UInt64((auction.start - auction.floor + auction.step - 1) / auction.step) + 1
        let (length, overflows) = steps.multipliedReportingOverflow(by: auction.interval)
        guard !overflows, now > item.opened, now - item.opened >= length else { return nil }
        return .over
    }
}

public import Identity
internal import Replication
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

    /// What an honest elector finds that becomes of an escrow, by what it knows now; nil: nothing yet, or it is decided.
    ///
    /// - Parameter isReached: whether a quorum measured that a claim reaches its bounty's target.
    public func dueAnswer(about id: OpID, isReached: (OpID) -> Bool) -> LedgerQuestion? {
        guard let item = items[id], counts(item, .now), isSafe(item), decided(.op(id), .now) == nil else { return nil }
        return dueAnswer(about: item, isReached: isReached)
    }

    /// What there is to ask the electors about escrows now: expired bounties, reached targets, auctions that are over;
    /// by id. Costs a look at each open one.
    ///
    /// - Parameter peer: only those that it has a part in; nil for all.
    public func dueQuestions(
        concerning peer: PeerID? = nil, isReached: (OpID) -> Bool
    ) -> [(about: OpID, question: LedgerQuestion)] {
        undecided.compactMap { (id) -> (about: OpID, question: LedgerQuestion)? in
            guard let item = items[id], isOffer(item), peer.map({ isParty($0, to: item) }) ?? true,
                counts(item, .now), isSafe(item), let answer = dueAnswer(about: item, isReached: isReached)
            else { return nil }
            return (id, answer)
        }
        .sorted { $0.about < $1.about }
    }

    /// Whether what it holds in escrow can be paid: a fork cannot take it back. An auction holds nothing itself.
    private func isSafe(_ item: Item) -> Bool {
        if case .auction = item.entry.body { true } else { isFinal(item, .now) }
    }

    private func isParty(_ peer: PeerID, to item: Item) -> Bool {
        func isAny(_ ids: [OpID]?) -> Bool { ids?.contains { items[$0]?.entry.key.author == peer } ?? false }
        return item.entry.key.author == peer || isAny(bountyClaims[item.entry.id]) || isAny(bids[item.entry.id])
    }

    /// What electors can measure.
    public enum Measurable: Sendable, Equatable {
        case training
        /// The gain that the bounty asks for.
        case settlement(gain: Int64)
    }

    /// The claims of a member that nobody has decided, by id.
    public func measurable(by peer: PeerID) -> [(about: OpID, question: Measurable)] {
        undecided.compactMap { (id) -> (about: OpID, question: Measurable)? in
            guard let item = items[id], item.entry.key.author == peer, counts(item, .now) else { return nil }
            switch item.entry.body {
            case .claim: return (id, .training)
            case .bountySettle(let body):
                guard body.claim != nil, let bounty = items[body.bounty],
                    case .bountyPost(let post) = bounty.entry.body,
                    decided(.op(body.bounty), .now) == nil
                else { return nil }
                return (id, .settlement(gain: post.target.gain))
            case .transfer, .bountyPost, .bountyClaim, .price, .stake, .attestation, .auction, .bid: return nil
            }
        }
        .sorted { $0.about < $1.about }
    }

    /// The claim that a measured settlement is about, if the gain is what its bounty asks for. What whoever asked put
    /// into the question does not count.
    public func claim(reachedBy settlement: OpID, gain: Int64) -> OpID? {
        guard case .bountySettle(let body)? = items[settlement]?.entry.body, let claim = body.claim,
            case .bountyPost(let post)? = items[body.bounty]?.entry.body, gain >= post.target.gain
        else { return nil }
        return claim
    }

    /// The claim that a settlement is about.
    public func claim(of settlement: OpID) -> OpID? {
        guard case .bountySettle(let body)? = items[settlement]?.entry.body else { return nil }
        return body.claim
    }

    /// The gain that the bounty of a settlement asks for; nil if that is not here.
    public func target(of settlement: OpID) -> Int64? {
        guard case .bountySettle(let body)? = items[settlement]?.entry.body,
            case .bountyPost(let post)? = items[body.bounty]?.entry.body
        else { return nil }
        return post.target.gain
    }

    /// Whether there is a bounty or an auction that nobody has decided.
    public var hasOpenOffers: Bool { undecided.contains { items[$0].map(isOffer) ?? false } }

    /// The next certified second at which an open bounty ends, or an auction's price falls or its time is up; nil if
    /// nothing waits for the clock. Costs a look at each open one.
    public var nextDeadline: UInt64? {
        let now = time(.now)
        return undecided.compactMap { id -> UInt64? in
            guard let item = items[id], counts(item, .now) else { return nil }
            switch item.entry.body {
            case .bountyPost(let post): return post.expires
            case .auction(let auction):
                guard let opening = opening(of: item) else { return now + 1 }
                let (end, isNever) = opening.addingReportingOverflow(length(of: auction))
                guard bids[id]?.isEmpty == false else { return isNever ? nil : end }
                // Only a bid makes the steps of the price interesting, and only until the last of them.
                let step = (now - opening) / auction.interval + 1
                let (next, overflows) = step.multipliedReportingOverflow(by: auction.interval)
                guard !overflows else { return nil }
                return isNever ? opening + next : min(opening + next, end)
            case .transfer, .claim, .bountyClaim, .bountySettle, .price, .stake, .attestation, .bid: return nil
            }
        }.filter { $0 > now }.min()
    }

    /// When an auction began: the first certified time behind the one in its own past, which may be old, since a quiet
    /// network makes no checkpoints; nil as long as there is none.
    private func opening(of item: Item) -> UInt64? {
        times.compactMap { number -> UInt64? in
            guard case .time(let seconds) = decisions[number].outcome, seconds > item.opened, isKnown(number, .now)
            else { return nil }
            return seconds
        }.min()
    }

    /// Seconds from the opening until the price has stood at the floor for an interval; 2^64 - 1 for more.
    private func length(of auction: Auction) -> UInt64 {
        let fall = UInt64(auction.start - auction.floor)
        let (whole, rest) = fall.quotientAndRemainder(dividingBy: UInt64(auction.step))
        let (length, overflows) = (whole + (rest > 0 ? 1 : 0) + 1).multipliedReportingOverflow(by: auction.interval)
        return overflows ? .max : length
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
        guard let opening = opening(of: item) else { return nil }
        let price = max(1, auction.price(opened: opening, at: now))
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
        let length = length(of: auction)
        guard length < .max, now - opening >= length else { return nil }
        return .over
    }
}

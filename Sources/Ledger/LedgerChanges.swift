public import Identity
internal import Membership
public import Replication
public import Wire

/// What to read anew after a change.
struct LedgerChanges: Sendable {
    var items: Set<OpID> = []
    var accounts: Set<AccountID> = []
    var grants: Set<PeerID> = []
    var decisions: Set<Int> = []
}

/// What a store keeps of the ledger: everything here follows from ops and certificates, and replaces what the store
/// had under the same key.
public struct LedgerUpdate: Sendable, Equatable {
    public struct Wallet: Sendable, Equatable {
        public let account: AccountID
        public let balance: NanoKoi
        public let pending: NanoKoi

        public init(account: AccountID, balance: NanoKoi, pending: NanoKoi) {
            self.account = account
            self.balance = balance
            self.pending = pending
        }
    }
    /// All rows that an op, or the admission of a member, is the reason of.
    public struct Entry: Sendable, Equatable {
        /// Nil for a grant.
        public let op: OpID?
        /// Whose op it is, or whose grant.
        public let peer: PeerID
        public let rows: [LedgerRow]
    }
    public struct Listing: Sendable, Equatable {
        public let id: OpID
        public let owner: PeerID
        public let body: LedgerBody
        public let status: LedgerStatus
        /// Of an auction: when it opened, and at what it was sold.
        public let opened: UInt64
        public let price: NanoKoi?
    }

    /// One without Koi is one that the store need not keep.
    public var wallets: [Wallet] = []
    public var entries: [Entry] = []
    public var listings: [Listing] = []

    public init() {}

    public var isEmpty: Bool { wallets.isEmpty && entries.isEmpty && listings.isEmpty }
}

/// What has become of an offer, a claim or a payment.
public enum LedgerStatus: String, Sendable, CaseIterable {
    /// It stands where nothing counts: beyond a fork, or beyond the end of an account log.
    case ineffective
    case provisional
    case final
    case open
    case paid
    case expired
    case accepted
    case rejected
    case sold
    case closed
    /// A bid that won, one that did not.
    case won
    case returned
}

extension Ledger {
    /// Reads what changed since the last call, in a fixed order.
    public mutating func takeUpdate() -> LedgerUpdate {
        defer { changes = LedgerChanges() }
        var update = LedgerUpdate()
        update.wallets = changes.accounts.sorted().map(wallet)
        update.entries = changes.grants.sorted().map { .init(op: nil, peer: $0, rows: grants[$0].map { [$0] } ?? []) }
        for id in changes.items.sorted() {
            let item = items[id]!
            update.entries.append(.init(op: id, peer: item.entry.key.author, rows: item.rows))
            update.listings.append(listing(item))
        }
        return update
    }

    /// Everything, as if all had changed now.
    public func everything() -> LedgerUpdate {
        var copy = self
        copy.changes = LedgerChanges()
        copy.changes.accounts.formUnion(totals.wallets.keys)
        copy.changes.grants.formUnion(grants.keys)
        copy.changes.items.formUnion(items.keys)
        return copy.takeUpdate()
    }

    // MARK: Questions

    /// An empty one for an account that nobody has paid.
    public func wallet(_ account: AccountID) -> LedgerUpdate.Wallet {
        let wallet = totals.wallets[account] ?? .init()
        return .init(
            account: account, balance: NanoKoi(clamping: wallet.balance), pending: NanoKoi(clamping: wallet.pending))
    }

    /// Ascending by owner and agent.
    public var accounts: [AccountID] { totals.wallets.keys.sorted() }

    /// What an op says and what has become of it; nil if it is none of the ledger's, or void.
    public func listing(_ id: OpID) -> LedgerUpdate.Listing? { items[id].map(listing) }

    /// Ids of all ops with effect, in no order.
    public var everyID: [OpID] { Array(items.keys) }

    /// All ops of a kind, by id.
    public func listings(of kind: OpKind) -> [LedgerUpdate.Listing] {
        items.values.filter { $0.entry.body.kind == kind }.map(listing).sorted { $0.id < $1.id }
    }

    public func rows(of id: OpID) -> [LedgerRow] { items[id]?.rows ?? [] }

    /// The ops that a claim, for training or for a bounty, is about.
    public func span(of claim: OpID) -> OpSpan? {
        switch items[claim]?.entry.body {
        case .claim(let body)?: body.span
        case .bountyClaim(let body)?: body.span
        default: nil
        }
    }

    /// The bounty claim that a settlement is about, and what its bounty asks to improve.
    public func settlement(_ id: OpID) -> (claim: OpID, target: BountyPost.Target)? {
        guard case .bountySettle(let body)? = items[id]?.entry.body, let claim = body.claim,
            case .bountyPost(let post)? = items[body.bounty]?.entry.body
        else { return nil }
        return (claim, post.target)
    }

    /// Through which op of a log its author has claimed training; 0: nothing.
    public func lastClaimed(by author: PeerID, in log: LogID) -> UInt64 {
        (claims[author] ?? []).reduce(0) { last, id in
            guard case .claim(let claim)? = items[id]?.entry.body, claim.span.log == log else { return last }
            return max(last, claim.span.through)
        }
    }

    public func bids(for auction: OpID) -> [LedgerUpdate.Listing] {
        (bids[auction] ?? []).sorted().map { listing(items[$0]!) }
    }

    public func claims(of bounty: OpID) -> [LedgerUpdate.Listing] {
        (bountyClaims[bounty] ?? []).sorted().map { listing(items[$0]!) }
    }

    /// The log out of which a member pays.
    public func accountLog(of owner: PeerID) -> LogID { accountLog(of: owner, .now) }

    /// The generation of that log; 0 for the first.
    public func accountLogGeneration(of owner: PeerID) -> UInt64 {
        (generations[owner] ?? []).last { decided(.accountLog(owner, $0), .now) != nil } ?? 0
    }

    /// Up to where a log's payments are final.
    public func finalSeq(of key: LogKey) -> UInt64 {
        (linesOf[key.author] ?? []).filter { lines[$0]!.key == key }.map { lines[$0]!.final }.max() ?? 0
    }

    /// The latest op of the ledger that counts in a member's account log and is not final; nil if all are.
    public func provisionalHead(of owner: PeerID) -> (seq: UInt64, id: OpID)? {
        let key = LogKey(author: owner, log: accountLog(of: owner))
        for line in linesOf[owner] ?? [] where lines[line]!.key == key {
            let last = lines[line]!.items.last { counts(items[$0.id]!, .now) }
            if let last, last.seq > lines[line]!.final { return (last.seq, last.id) }
        }
        return nil
    }

    /// The certified clock, in seconds since 1970; 0 before the first checkpoint.
    public var certifiedTime: UInt64 { time(.now) }

    /// The latest price that a member asks for inferences with a model, with the op that says so.
    public func price(of model: ModelID, agent: String, owner: PeerID) -> (op: OpID, unitCost: NanoKoi)? {
        var latest: (position: UInt64, isNamed: Bool, op: OpID, cost: NanoKoi)?
        for line in linesOf[owner] ?? [] {
            for (seq, id) in lines[line]!.items {
                guard let item = items[id], case .price(let body) = item.entry.body, counts(item, .now),
                    body.model == nil || body.model == model, body.agent.utf8.elementsEqual(agent.utf8)
                else { continue }
                let isNamed = body.model != nil
                // One for this very model comes before one for all; the later before the earlier.
                if let known = latest, (known.isNamed && !isNamed) || (known.isNamed == isNamed && known.position > seq)
                {
                    continue
                }
                latest = (seq, isNamed, id, body.unitCost)
            }
        }
        return latest.map { ($0.op, $0.cost) }
    }

    /// A payment for inferences.
    public struct Charge: Sendable, Equatable {
        public let op: OpID
        public let price: OpID
        public let count: UInt64
    }

    /// What a member has paid for inferences, in the order of its logs. Costs a look at each of its ops here.
    public func charges(by owner: PeerID) -> [Charge] {
        (linesOf[owner] ?? []).flatMap { line in
            lines[line]!.items.compactMap { _, id in
                guard let item = items[id], case .transfer(let transfer) = item.entry.body,
                    case .inferences(let price, let count) = transfer.why, counts(item, .now)
                else { return nil }
                return Charge(op: id, price: price, count: count)
            }
        }
    }

    private func listing(_ item: Item) -> LedgerUpdate.Listing {
        let id = item.entry.id
        var price: NanoKoi?
        if case .auctionSold(_, let amount, _)? = decided(.op(id), .now) { price = amount }
        return .init(
            id: id, owner: item.entry.key.author, body: item.entry.body, status: status(of: item),
            opened: item.opened, price: price)
    }

    private func status(of item: Item) -> LedgerStatus {
        let decision: Outcome?
        if case .bid(let bid) = item.entry.body {
            decision = decided(.op(bid.auction), .now)
        } else if case .bountyClaim(let claim) = item.entry.body {
            decision = decided(.op(claim.bounty), .now)
        } else {
            decision = decided(.op(item.entry.id), .now)
        }
        switch decision {
        case .bountyPaid(_, let claim)?:
            if case .bountyClaim = item.entry.body { return claim == item.entry.id ? .paid : .rejected }
            return .paid
        case .trained?: return .paid
        case .bountyExpired?, .patternExpired?: return .expired
        case .patternAccepted?: return .accepted
        case .patternRejected?: return .rejected
        case .auctionSold?:
            guard case .bid = item.entry.body else { return .sold }
            return item.rows.contains { $0.reason == .sale } ? .won : .returned
        case .auctionClosed?: if case .bid = item.entry.body { return .returned } else { return .closed }
        case .accountLog?, .prefix?, .admitted?, .time?, nil: break
        }
        guard counts(item, .now) else { return .ineffective }
        switch item.entry.body {
        case .transfer, .price, .bountySettle, .attestation: return isFinal(item, .now) ? .final : .provisional
        case .claim, .bountyPost, .bountyClaim, .stake, .auction, .bid: return .open
        }
    }
}

public import Identity
public import Membership
public import Replication
public import Wire

/// Who has how much Koi, and why: a fold over ops and certified outcomes whose result depends on their *set* alone.
///
/// Two questions are answered apart (docs/decisions, "Koi"):
///
/// * *Is an op void?* By its causal past alone: a debit may spend what was final in its past, less the debits before it
///   in the account log. Whatever comes to light later never changes that.
/// * *What does it count for now?* Each valid op contributes rows that conserve (``LedgerRow``), chosen by what is
///   certified and which logs are proven to fork. When one of those changes, the rows of the ops concerned are taken
///   out of the sums and put in anew. So no order of arrival can matter, and a fork needs no undoing.
///
/// The same function gives the rows for both: once with what the network has decided, once with what the op's past
/// contains (``View``).
public struct Ledger: Sendable {
    public let policy: LedgerPolicy
    let network: NetworkID
    let founders: Set<PeerID>

    /// An op with effect, and what it contributes now.
    struct Item: Sendable {
        let entry: LedgerEntry
        /// An auction's: when it opened, by the certified clock in its past.
        let opened: UInt64
        var rows: [LedgerRow] = []
    }
    /// A line of ops (``Replica``): its log, and where it leaves another line.
    struct Line: Sendable {
        let key: LogKey
        let after: LogPosition?
        /// Valid ops of the ledger, in order.
        var items: [(seq: UInt64, id: OpID)] = []
        /// What is certified of it: seq and the decision, ascending.
        var prefixes: [(seq: UInt64, decision: Int)] = []
        /// Up to where its ops are final now.
        var final: UInt64 = 0
    }
    /// A certified outcome and the ops that carry its certificate.
    struct Decision: Sendable {
        let outcome: Outcome
        /// Of the last op of a certified prefix.
        let position: LogPosition?
        var carriers: [LogPosition] = []
        var isKnown = false
    }

    var items: [OpID: Item] = [:]
    var lines: [Int: Line] = [:]
    var decisions: [Decision] = []
    var bySubject: [Outcome.Subject: [Int]] = [:]
    var times: [Int] = []
    var generations: [PeerID: [UInt64]] = [:]
    /// The smallest seq of each log at which a fork is proven.
    var forks: [LogKey: UInt64] = [:]
    /// Decisions that only stand beyond forks, and whether something with effect builds on them.
    var doubtful: Set<Int> = []
    var referenced: Set<LogPosition> = []

    // Indices of what touches a wallet.
    var debits: [AccountID: [Int: RunningSum]] = [:]
    var incoming: [AccountID: [Int: RunningSum]] = [:]
    var creditors: [AccountID: Set<OpID>] = [:]
    var linesOf: [PeerID: [Int]] = [:]
    var claims: [PeerID: [OpID]] = [:]
    var bids: [OpID: [OpID]] = [:]
    var offers: [OpID: [OpID]] = [:]
    var bountyClaims: [OpID: [OpID]] = [:]
    var openEscrow: [OpID: NanoKoi] = [:] { didSet { knownDigest = nil } }
    /// Claims, settlements, bounties and auctions about which nothing is certified.
    var undecided: Set<OpID> = []

    public internal(set) var totals = LedgerTotals() { didSet { knownDigest = nil } }
    /// Since an account or an escrow changed last: most ops move nothing.
    var knownDigest: Hash32??
    var grants: [PeerID: LedgerRow] = [:]
    var changes = LedgerChanges()

    /// The ledger before the first op.
    public init(genesis: Genesis) {
        var policy = LedgerPolicy.standard
        policy.grant = genesis.policy.grantNanoKoi
        policy.gainScale = genesis.policy.gainScale
        self.init(
            founders: genesis.policy.hasVotes ? genesis.founders : [], network: genesis.networkID, policy: policy)
    }

    public init(founders: [PeerID], network: NetworkID, policy: LedgerPolicy = .standard) {
        self.policy = policy
        self.network = network
        self.founders = Set(founders)
        for founder in founders { refreshGrant(of: founder) }
    }

    // MARK: Where ops stand

    /// Whose log a line is, as soon as an op of it is here.
    package func key(ofLine line: Int) -> LogKey? { lines[line]?.key }

    /// Tells of an op of any kind before anything is said about it. Costs one look-up.
    ///
    /// - Parameter prev: where the op before it in its log stands; nil for the first.
    public mutating func note(_ position: LogPosition, of key: LogKey, after prev: LogPosition?) {
        guard lines[position.log] == nil else { return }
        lines[position.log] = Line(key: key, after: prev)
        linesOf[key.author, default: []].append(position.log)
    }

    // MARK: What happens

    /// Judges an op by its causal past and folds it in.
    ///
    /// - Throws: ``LedgerError``: the op is void, and nothing has changed.
    public mutating func apply(_ entry: LedgerEntry, past: LedgerPast) throws(LedgerError) {
        try judge(entry, past: past)
        insert(entry, opened: time(.past(entry.key, past.includes)))
    }

    /// Folds a certified outcome in, as often as certificates for it come.
    ///
    /// It counts when the ops that it names are in the causal past of the op that carries it, so that they are
    /// wherever the certificate is.
    ///
    /// - Returns: whether it does.
    @discardableResult
    public mutating func apply(_ outcome: Outcome, carriedBy carrier: LogPosition, past: LedgerPast) -> Bool {
        guard let support = support(of: outcome, past: past) else { return false }
        let number =
            if case .prefix(let last) = support { number(of: outcome, at: last) } else { number(of: outcome, at: nil) }
        decisions[number].carriers.append(carrier)
        if isRetracted(carrier) { doubtful.insert(number) }
        refreshKnown(number)
        return true
    }

    /// Whether a certificate for this outcome would count if an op with this past carried it.
    public func wouldCount(_ outcome: Outcome, past: LedgerPast) -> Bool { support(of: outcome, past: past) != nil }

    /// A log is proven to fork: nothing from `seq` on counts, on any branch, but what a certified prefix covers.
    public mutating func fork(_ key: LogKey, from seq: UInt64) {
        guard seq < forks[key] ?? .max else { return }
        forks[key] = seq
        for number in decisions.indices where decisions[number].carriers.contains(where: isRetracted) {
            doubtful.insert(number)
            refreshKnown(number)
        }
        refreshAll(of: key.author)
    }

    /// Certificates beyond forks prove what they prove, but only where something with effect builds on them: other
    /// nodes need not have them. To be called before anything is read.
    ///
    /// - Parameter isReferenced: whether an op with effect has this position in its causal past.
    public mutating func settle(isReferenced: (LogPosition) -> Bool) {
        for number in doubtful.sorted() {
            for carrier in decisions[number].carriers where isRetracted(carrier) {
                if isReferenced(carrier) { referenced.insert(carrier) } else { referenced.remove(carrier) }
            }
            refreshKnown(number)
        }
    }

    func isRetracted(_ position: LogPosition) -> Bool {
        guard let key = lines[position.log]?.key, let seq = forks[key] else { return false }
        return position.seq >= seq
    }

    // MARK: Decisions

    /// What an outcome rests on.
    private enum Support {
        case ops
        /// Of the last op of a prefix.
        case prefix(LogPosition)
    }

    /// Nil unless everything that an outcome names is in a past.
    private func support(of outcome: Outcome, past: LedgerPast) -> Support? {
        func place(_ prefix: LogPrefix) -> LogPosition? {
            guard let position = past.locate(prefix.id), past.includes(position), position.seq == prefix.seq,
                lines[position.log]?.key == prefix.key
            else { return nil }
            return position
        }
        func has(_ id: OpID, _ isIt: (LedgerBody) -> Bool) -> Bool {
            items[id].map { past.includes($0.entry.position) && isIt($0.entry.body) } ?? false
        }
        let isThere: Bool
        switch outcome {
        case .prefix(let prefix): return place(prefix).map(Support.prefix)
        case .accountLog(_, _, _, let end?): return place(end).map(Support.prefix)
        case .accountLog(_, _, _, nil), .admitted, .time: isThere = true
        case .trained(let claim, _): isThere = has(claim) { if case .claim = $0 { true } else { false } }
        case .bountyExpired(let bounty): isThere = has(bounty) { if case .bountyPost = $0 { true } else { false } }
        case .bountyPaid(let bounty, let claim):
            isThere =
                has(bounty) { if case .bountyPost = $0 { true } else { false } }
                && has(claim) { if case .bountyClaim(let body) = $0 { body.bounty == bounty } else { false } }
        case .patternAccepted(let id, _), .patternRejected(let id), .patternExpired(let id):
            isThere = has(id) { if case .stake = $0 { true } else { false } }
        case .auctionClosed(let auction): isThere = has(auction) { if case .auction = $0 { true } else { false } }
        case .auctionSold(let auction, _, let bids):
            isThere =
                has(auction) { if case .auction = $0 { true } else { false } }
                && bids.allSatisfy { has($0) { if case .bid(let bid) = $0 { bid.auction == auction } else { false } } }
        }
        return isThere ? .ops : nil
    }

    private mutating func number(of outcome: Outcome, at position: LogPosition?) -> Int {
        let subject = outcome.subject
        if let known = bySubject[subject]?.first(where: { decisions[$0].outcome == outcome }) { return known }
        let number = decisions.count
        decisions.append(Decision(outcome: outcome, position: position))
        bySubject[subject, default: []].append(number)
        bySubject[subject]!.sort { decisions[$0].outcome.rank.lexicographicallyPrecedes(decisions[$1].outcome.rank) }
        if let position { cover(position, by: number) }
        switch outcome {
        case .accountLog(let owner, let generation, _, _):
            if generations[owner]?.contains(generation) != true { generations[owner, default: []].append(generation) }
            generations[owner]!.sort()
        case .time: times.append(number)
        case .patternAccepted(let proposal, let members):
            for member in members { creditors[.site(of: member), default: []].insert(proposal) }
        case .prefix, .admitted, .trained, .bountyPaid, .bountyExpired, .patternRejected, .patternExpired,
            .auctionSold, .auctionClosed:
            break
        }
        return number
    }

    /// Notes a certified prefix on its line and on those that this one continues.
    private mutating func cover(_ position: LogPosition, by number: Int) {
        var next: LogPosition? = position
        while let place = next, let key = lines[place.log]?.key, key == lines[position.log]?.key {
            let at = lines[place.log]!.prefixes.firstIndex { $0.seq > place.seq } ?? lines[place.log]!.prefixes.count
            lines[place.log]!.prefixes.insert((place.seq, number), at: at)
            next = lines[place.log]!.after.flatMap { $0.log == place.log ? nil : $0 }
        }
    }

    private mutating func refreshKnown(_ number: Int) {
        let isKnown = decisions[number].carriers.contains { !isRetracted($0) || referenced.contains($0) }
        guard isKnown != decisions[number].isKnown else { return }
        decisions[number].isKnown = isKnown
        changes.decisions.insert(number)
        switch decisions[number].outcome {
        case .accountLog(let owner, _, _, let end):
            if let end { refreshFinal(of: end.key) }
            refreshAll(of: owner)
        case .prefix(let prefix): refreshFinal(of: prefix.key)
        case .admitted(let peer): refreshGrant(of: peer)
        case .trained(let id, _), .bountyPaid(let id, _), .bountyExpired(let id), .patternAccepted(let id, _),
            .patternRejected(let id), .patternExpired(let id), .auctionSold(let id, _, _), .auctionClosed(let id):
            refresh(id)
            if items[id] != nil, isAskable(id), decided(.op(id), .now) == nil {
                undecided.insert(id)
            } else {
                undecided.remove(id)
            }
            for other in (bids[id] ?? []) + (bountyClaims[id] ?? []) { refresh(other) }
        case .time: break
        }
    }
}

/// An op of the ledger and where it stands.
public struct LedgerEntry: Sendable, Equatable {
    public let id: OpID
    public let key: LogKey
    public let position: LogPosition
    public let body: LedgerBody

    public init(id: OpID, key: LogKey, position: LogPosition, body: LedgerBody) {
        self.id = id
        self.key = key
        self.position = position
        self.body = body
    }
}

/// The causal past of an op, as far as the ledger asks about it.
public struct LedgerPast {
    let includes: (LogPosition) -> Bool
    let locate: (OpID) -> LogPosition?
    let isMember: (PeerID) -> Bool

    /// - Parameters:
    ///   - includes: whether it contains a position.
    ///   - locate: where an op stands, whether it is in the past or not.
    ///   - isMember: whether a peer belongs, as far as the past says.
    public init(
        includes: @escaping (LogPosition) -> Bool, locate: @escaping (OpID) -> LogPosition?,
        isMember: @escaping (PeerID) -> Bool
    ) {
        self.includes = includes
        self.locate = locate
        self.isMember = isMember
    }
}

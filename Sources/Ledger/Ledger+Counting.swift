public import Identity
public import Membership
public import Replication
public import Wire

/// Keeping the sums: whatever changes what an op counts for takes its rows out and puts them in anew.
extension Ledger {
    mutating func insert(_ entry: LedgerEntry, opened: UInt64) {
        let (position, owner) = (entry.position, entry.key.author)
        items[entry.id] = Item(entry: entry, opened: opened)
        lines[position.log]!.items.append((position.seq, entry.id))
        if let (agent, amount) = debit(of: entry.body) {
            let account = AccountID(owner: owner, agent: agent)
            debits[account, default: [:]][position.log, default: RunningSum()].append(amount, at: position.seq)
        }
        switch entry.body {
        case .transfer(let body):
            for payment in body.payments {
                incoming[payment.to, default: [:]][position.log, default: RunningSum()]
                    .append(Int128(payment.amount), at: position.seq)
            }
        case .claim(let body):
            claims[owner, default: []].append(entry.id)
            creditors[AccountID(owner: owner, agent: body.agent), default: []].insert(entry.id)
        case .bountyPost(let body): creditors[AccountID(owner: owner, agent: body.agent), default: []].insert(entry.id)
        case .bountyClaim(let body):
            bountyClaims[body.bounty, default: []].append(entry.id)
            creditors[AccountID(owner: owner, agent: body.agent), default: []].insert(body.bounty)
        case .stake(let agent): creditors[AccountID(owner: owner, agent: agent), default: []].insert(entry.id)
        case .auction(let body): offers[body.attestation, default: []].append(entry.id)
        case .bid(let body):
            bids[body.auction, default: []].append(entry.id)
            creditors[AccountID(owner: owner, agent: body.agent), default: []].insert(entry.id)
            if let auction = items[body.auction], case .auction(let sale) = auction.entry.body {
                let seller = AccountID(owner: auction.entry.key.author, agent: sale.agent)
                creditors[seller, default: []].insert(entry.id)
            }
        case .bountySettle, .price, .attestation: break
        }
        if isAskable(entry.id), decided(.op(entry.id), .now) == nil { undecided.insert(entry.id) }
        refresh(entry.id)
    }

    /// Whether electors can be asked about an op.
    func isAskable(_ id: OpID) -> Bool {
        switch items[id]?.entry.body {
        case .claim?, .bountySettle?, .bountyPost?, .auction?: true
        case .transfer?, .bountyClaim?, .price?, .stake?, .attestation?, .bid?, nil: false
        }
    }

    /// Whether a pattern's stake is in escrow, or has come back because it was accepted, as far as a causal past says.
    public func isOpen(_ stake: OpID, to key: LogKey, inPast past: @escaping (LogPosition) -> Bool) -> Bool {
        switch decided(.op(stake), .past(key, past)) {
        case .patternRejected?, .patternExpired?: false
        default: true
        }
    }

    /// What an op takes out of a wallet at once.
    private func debit(of body: LedgerBody) -> (agent: String, amount: Int128)? {
        switch body {
        case .transfer(let body): (body.from, Int128(body.total!))
        case .bountyPost(let body): (body.agent, Int128(body.reward))
        case .stake(let agent): (agent, Int128(policy.stake))
        case .bid(let body): (body.agent, Int128(body.most))
        case .claim, .bountyClaim, .bountySettle, .price, .attestation, .auction: nil
        }
    }

    mutating func refresh(_ id: OpID) {
        guard let item = items[id] else { return }
        changes.items.insert(id)
        let rows = rows(of: item, .now)
        guard rows != item.rows else { return }
        for row in item.rows { add(row, sign: -1) }
        for row in rows { add(row, sign: 1) }
        items[id]!.rows = rows
        openEscrow[id] = rows.first { $0.state == .escrow }?.amount
    }

    private mutating func add(_ row: LedgerRow, sign: Int128) {
        totals.add(row, sign: sign)
        if let from = row.from { changes.accounts.insert(from) }
        if let to = row.to { changes.accounts.insert(to) }
    }

    mutating func refreshGrant(of peer: PeerID) {
        let isGranted = founders.contains(peer) || decided(.admission(peer), .now) != nil
        let row: LedgerRow? = isGranted ? .minted(policy.grant, to: .site(of: peer), .grant) : nil
        guard row != grants[peer] else { return }
        if let old = grants[peer] { add(old, sign: -1) }
        if let row { add(row, sign: 1) }
        grants[peer] = row
        changes.grants.insert(peer)
    }

    /// The certified part of a log has another length: ops between the two change.
    mutating func refreshFinal(of key: LogKey) {
        for line in linesOf[key.author] ?? [] where lines[line]!.key == key {
            let (old, new) = (lines[line]!.final, final(line, .now))
            guard old != new else { continue }
            lines[line]!.final = new
            for id in ops(of: line, after: min(old, new), through: max(old, new)) { refresh(id) }
        }
    }

    mutating func refreshAll(of owner: PeerID) {
        for line in linesOf[owner] ?? [] {
            for (_, id) in lines[line]!.items { refresh(id) }
        }
    }

    private func ops(of line: Int, after low: UInt64, through high: UInt64) -> [OpID] {
        let items = lines[line]!.items
        func first(beyond seq: UInt64) -> Int { items.partitioningIndex { $0.seq > seq } }
        return items[first(beyond: low)..<first(beyond: high)].map(\.id)
    }

    // MARK: Digest

    /// Nil as long as nobody has more or less than the genesis gave, so that a network that moves no Koi has the
    /// state digests it always had.
    ///
    /// Costs one hash over 80 bytes a wallet and 40 an open escrow if anything moved since the last call.
    public mutating func digest() -> Hash32? {
        if let knownDigest { return knownDigest }
        let digest = makeDigest()
        knownDigest = .some(digest)
        return digest
    }

    private func makeDigest() -> Hash32? {
        guard !isAsFounded else { return nil }
        var hasher = Hasher32(domain: "shoal/ledger/1")
        for amount in [totals.minted, totals.burned, totals.inFlight, totals.escrow] {
            hasher.update(amount.bigEndianBytes)
        }
        hasher.update(UInt64(totals.wallets.count).bigEndianBytes)
        var wallets = totals.wallets.sorted { $0.key < $1.key }
        #if DEBUG
            if LedgerBugs.digestsUnsorted { wallets = totals.wallets.map { $0 } }
        #endif
        for (account, wallet) in wallets {
            hasher.update(account.owner.bytes)
            hasher.update([UInt8(account.agent.utf8.count)] + Bytes(account.agent.utf8))
            hasher.update(wallet.balance.bigEndianBytes)
            hasher.update(wallet.pending.bigEndianBytes)
        }
        for (id, amount) in openEscrow.sorted(by: { $0.key < $1.key }) {
            hasher.update(id.bytes)
            hasher.update(amount.bigEndianBytes)
        }
        return hasher.finish()
    }

    private var isAsFounded: Bool {
        guard totals.burned == 0, totals.escrow == 0, totals.inFlight == 0,
            totals.minted == Int128(policy.grant) * Int128(founders.count)
        else { return false }
        return founders.allSatisfy { totals.wallets[.site(of: $0)]?.balance == Int128(policy.grant) }
    }
}

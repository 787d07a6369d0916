internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// What each op counts for.
extension Ledger {
    /// From where the ledger is looked at.
    enum View {
        /// What the network has decided, as far as it is known here.
        case now
        /// The causal past of an op that is judged, and the log where that stands.
        case past(LogKey, (LogPosition) -> Bool)

        func includes(_ position: LogPosition) -> Bool {
            switch self {
            case .now: true
            case .past(_, let includes): includes(position)
            }
        }
    }

    func isKnown(_ number: Int, _ view: View) -> Bool {
        switch view {
        case .now: decisions[number].isKnown
        case .past(_, let includes): decisions[number].carriers.contains(where: includes)
        }
    }

    func decided(_ subject: Outcome.Subject, _ view: View) -> Outcome? {
        (bySubject[subject]?.first { isKnown($0, view) }).map { decisions[$0].outcome }
    }

    /// The certified clock.
    func time(_ view: View) -> UInt64 {
        var latest: UInt64 = 0
        for number in times {
            guard case .time(let seconds) = decisions[number].outcome, seconds > latest else { continue }
            if isKnown(number, view) { latest = seconds }
        }
        return latest
    }

    /// The log out of which a member pays: the first follows from its id, later ones are certified.
    func accountLog(of owner: PeerID, _ view: View) -> LogID {
        for generation in (generations[owner] ?? []).reversed() {
            if case .accountLog(_, _, let log, _)? = decided(.accountLog(owner, generation), view) { return log }
        }
        return AccountLog.first(of: owner, in: network)
    }

    /// The last op of a line that is final.
    func final(_ line: Int, _ view: View) -> UInt64 {
        lines[line]?.prefixes.last { isKnown($0.decision, view) }?.seq ?? 0
    }

    /// The last place of a line that counts.
    func bound(_ line: Int, _ view: View) -> UInt64 {
        guard let key = lines[line]?.key else { return 0 }
        switch view {
        case .now:
            guard accountLog(of: key.author, view) == key.log else { return lines[line]!.final }
            return max(lines[line]!.final, forks[key].map { $0 - 1 } ?? .max)
        case .past(let judged, _): return key == judged ? .max : final(line, view)
        }
    }

    func counts(_ item: Item, _ view: View) -> Bool {
        view.includes(item.entry.position) && item.entry.position.seq <= bound(item.entry.position.log, view)
    }

    func isFinal(_ item: Item, _ view: View) -> Bool {
        let line = item.entry.position.log
        switch view {
        case .now: return item.entry.position.seq <= lines[line]?.final ?? 0
        case .past: return item.entry.position.seq <= final(line, view)
        }
    }

    // MARK: Rows

    func rows(of item: Item, _ view: View) -> [LedgerRow] {
        let owner = item.entry.key.author
        switch item.entry.body {
        case .transfer(let body):
            guard counts(item, view) else { return [] }
            let from = AccountID(owner: owner, agent: body.from)
            let state: LedgerRow.State = isFinal(item, view) ? .final : .provisional
            let reason: LedgerRow.Reason = if case .memo = body.why { .transfer } else { .inference }
            return body.payments.map { .init(from: from, to: $0.to, amount: $0.amount, reason: reason, state: state) }
        case .claim(let body):
            guard case .trained(_, let gain)? = decided(.op(item.entry.id), view) else { return [] }
            let amount = policy.reward(forGain: gain)
            return amount == 0 ? [] : [.minted(amount, to: AccountID(owner: owner, agent: body.agent), .training)]
        case .bountyPost(let body): return rows(of: item, body, view)
        case .stake(let agent): return rows(of: item, stakedBy: AccountID(owner: owner, agent: agent), view)
        case .bid(let body): return rows(of: item, body, view)
        case .bountyClaim, .bountySettle, .price, .attestation, .auction: return []
        }
    }

    /// What is left in escrow; burned if its log is proven to fork.
    private func held(
        _ amount: NanoKoi, by item: Item, of account: AccountID, _ reason: LedgerRow.Reason, _ view: View
    ) -> LedgerRow {
        let isLost = if case .now = view { forks[item.entry.key] != nil } else { false }
        return .init(from: account, to: nil, amount: amount, reason: reason, state: isLost ? .burned : .escrow)
    }

    private func rows(of item: Item, _ body: BountyPost, _ view: View) -> [LedgerRow] {
        guard counts(item, view) else { return [] }
        let poster = AccountID(owner: item.entry.key.author, agent: body.agent)
        switch decided(.op(item.entry.id), view) {
        case .bountyExpired?: return [.refund(body.reward, to: poster)]
        case .bountyPaid(_, let claim)? where isFinal(item, view):
            guard let earner = items[claim], case .bountyClaim(let words) = earner.entry.body else { return [] }
            let account = AccountID(owner: earner.entry.key.author, agent: words.agent)
            return [
                .init(from: poster, to: account, amount: body.reward, reason: .bounty, state: .final),
                .minted(min(policy.settlement, body.reward), to: account, .settlement),
            ]
        case .bountyPaid?, nil: return [held(body.reward, by: item, of: poster, .bounty, view)]
        case .accountLog?, .prefix?, .admitted?, .trained?, .patternAccepted?, .patternRejected?, .patternExpired?,
            .auctionSold?, .auctionClosed?, .time?:
            return [held(body.reward, by: item, of: poster, .bounty, view)]
        }
    }

    private func rows(of item: Item, stakedBy proposer: AccountID, _ view: View) -> [LedgerRow] {
        var rows: [LedgerRow] = []
        let isCounted = counts(item, view)
        switch decided(.op(item.entry.id), view) {
        case .patternAccepted(_, let members)?:
            if isCounted { rows.append(.refund(policy.stake, to: proposer)) }
            rows.append(.minted(policy.accepted, to: proposer, .accepted))
            rows += members.map { .minted(policy.measured, to: .site(of: $0), .measured) }
        case .patternExpired?:
            if isCounted { rows.append(.refund(policy.stake, to: proposer)) }
        case .patternRejected?:
            guard isCounted else { return [] }
            rows.append(.init(from: proposer, to: nil, amount: policy.stake, reason: .stake, state: .burned))
        case .accountLog?, .prefix?, .admitted?, .trained?, .bountyPaid?, .bountyExpired?, .auctionSold?,
            .auctionClosed?, .time?, nil:
            if isCounted { rows.append(held(policy.stake, by: item, of: proposer, .stake, view)) }
        }
        return rows
    }

    private func rows(of item: Item, _ body: Bid, _ view: View) -> [LedgerRow] {
        guard counts(item, view) else { return [] }
        let bidder = AccountID(owner: item.entry.key.author, agent: body.agent)
        switch decided(.op(body.auction), view) {
        case .auctionSold(_, let price, let winners)?
        where price > 0 && price <= body.most && winners.contains(item.entry.id):
            // Its money is there for good only when the bid itself is.
            guard isFinal(item, view), let auction = items[body.auction], case .auction(let sale) = auction.entry.body
            else { return [held(body.most, by: item, of: bidder, .bid, view)] }
            let seller = AccountID(owner: auction.entry.key.author, agent: sale.agent)
            let paid = LedgerRow(from: bidder, to: seller, amount: price, reason: .sale, state: .final)
            return price == body.most ? [paid] : [paid, .refund(body.most - price, to: bidder)]
        case .auctionSold?, .auctionClosed?: return [.refund(body.most, to: bidder)]
        case .accountLog?, .prefix?, .admitted?, .trained?, .bountyPaid?, .bountyExpired?, .patternAccepted?,
            .patternRejected?, .patternExpired?, .time?, nil:
            return [held(body.most, by: item, of: bidder, .bid, view)]
        }
    }
}

extension LedgerRow {
    static func minted(_ amount: NanoKoi, to account: AccountID, _ reason: Reason) -> Self {
        Self(from: nil, to: account, amount: amount, reason: reason, state: .final)
    }

    /// Out of escrow, back where it came from.
    static func refund(_ amount: NanoKoi, to account: AccountID) -> Self {
        Self(from: account, to: account, amount: amount, reason: .refund, state: .final)
    }
}

internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// Whether an op of the ledger is void: by the op and its causal past alone.
extension Ledger {
    func judge(_ entry: LedgerEntry, past: LedgerPast) throws(LedgerError) {
        let view = View.past(entry.key, past.includes)
        // The way of an account log through certificates is the same for all who judge.
        guard accountLog(of: entry.key.author, view) == entry.key.log else { throw .notAccountLog }
        switch entry.body {
        case .transfer(let body): try judge(body, by: entry, view, past)
        case .claim(let body):
            try judge(body.span, of: entry.key.author, past)
            for id in claims[entry.key.author] ?? [] where view.includes(items[id]!.entry.position) {
                guard case .claim(let other) = items[id]!.entry.body, !other.span.overlaps(body.span) else {
                    throw .claimedAlready(by: id)
                }
            }
        case .bountyPost(let body):
            guard body.expires > time(view) else { throw .expired(entry.id) }
            try spend(body.reward, of: body.agent, by: entry, view)
        case .bountyClaim(let body): try judge(body, by: entry, view, past)
        case .bountySettle(let body): try judge(body, by: entry, view)
        case .price(let body):
            if let model = body.model, past.locate(model).map(past.includes) != true { throw .unknownSubject(model) }
        case .stake(let agent): try spend(policy.stake, of: agent, by: entry, view)
        case .attestation(let body):
            guard past.locate(body.subject).map(past.includes) == true else { throw .unknownSubject(body.subject) }
            if let expires = body.expires, expires <= time(view) { throw .expired(entry.id) }
        case .auction(let body): try judge(body, by: entry, view)
        case .bid(let body): try judge(body, by: entry, view)
        }
    }

    private func judge(
        _ body: Transfer, by entry: LedgerEntry, _ view: View, _ past: LedgerPast
    ) throws(LedgerError) {
        guard let total = body.total else { throw .overflow }
        for payment in body.payments where !past.isMember(payment.to.owner) {
            throw .unknownRecipient(payment.to.owner)
        }
        if case .inferences(let price, let count) = body.why {
            guard let item = items[price], view.includes(item.entry.position), case .price(let asked) = item.entry.body
            else { throw .unknownPrice(price) }
            let seller = AccountID(owner: item.entry.key.author, agent: asked.agent)
            guard body.payments.count == 1, body.payments[0].to == seller else {
                throw .wrongCharge("it pays somebody else than \(seller), who asked for the price")
            }
            guard seller.owner != entry.key.author else { throw .wrongCharge("own agents ask for nothing") }
            let (cost, overflows) = asked.unitCost.multipliedReportingOverflow(by: Int64(clamping: count))
            guard !overflows, cost == body.payments[0].amount else {
                throw .wrongCharge(
                    "\(count) inferences at \(Koi.text(asked.unitCost)) Koi do not cost \(Koi.text(body.payments[0].amount))"
                )
            }
        }
        try spend(total, of: body.from, by: entry, view)
    }

    /// A range of ops of the author's own log.
    private func judge(_ span: OpSpan, of author: PeerID, _ past: LedgerPast) throws(LedgerError) {
        guard let head = past.locate(span.head), past.includes(head), head.seq == span.through,
            lines[head.log]?.key == LogKey(author: author, log: span.log)
        else { throw .unknownRange(span.head) }
        guard past.locate(span.model).map(past.includes) == true else { throw .unknownSubject(span.model) }
    }

    private func judge(
        _ body: BountyClaim, by entry: LedgerEntry, _ view: View, _ past: LedgerPast
    ) throws(LedgerError) {
        let (bounty, post) = try openBounty(body.bounty, view)
        guard bounty.entry.key.author != entry.key.author else { throw .ownBounty(body.bounty) }
        guard post.expires > time(view) else { throw .expired(body.bounty) }
        try judge(body.span, of: entry.key.author, past)
        for id in bountyClaims[body.bounty] ?? [] where view.includes(items[id]!.entry.position) {
            guard items[id]!.entry.key.author != entry.key.author else { throw .claimedAlready(by: id) }
        }
    }

    private func openBounty(_ id: OpID, _ view: View) throws(LedgerError) -> (item: Item, post: BountyPost) {
        guard let item = items[id], view.includes(item.entry.position), case .bountyPost(let post) = item.entry.body
        else { throw .unknownBounty(id) }
        guard decided(.op(id), view) == nil else { throw .settled(id) }
        return (item, post)
    }

    private func judge(_ body: BountySettle, by entry: LedgerEntry, _ view: View) throws(LedgerError) {
        let (_, post) = try openBounty(body.bounty, view)
        guard let claim = body.claim else {
            guard post.expires <= time(view) else { throw .notExpired(body.bounty) }
            return
        }
        guard let item = items[claim], view.includes(item.entry.position),
            case .bountyClaim(let words) = item.entry.body, words.bounty == body.bounty
        else { throw .unknownClaim(claim) }
        // Whoever asks is no elector: nobody measures for itself.
        guard item.entry.key.author == entry.key.author else { throw .notOwner(claim) }
    }

    private func judge(_ body: Auction, by entry: LedgerEntry, _ view: View) throws(LedgerError) {
        guard let item = items[body.attestation], view.includes(item.entry.position),
            case .attestation(let sold) = item.entry.body
        else { throw .unknownAttestation(body.attestation) }
        guard item.entry.key.author == entry.key.author else { throw .notOwner(body.attestation) }
        if let expires = sold.expires, expires <= time(view) { throw .expired(body.attestation) }
        for other in offers[body.attestation] ?? [] where view.includes(items[other]!.entry.position) {
            guard decided(.op(other), view) != nil else { throw .alreadyOffered(other) }
        }
    }

    private func judge(_ body: Bid, by entry: LedgerEntry, _ view: View) throws(LedgerError) {
        guard let auction = items[body.auction], view.includes(auction.entry.position),
            case .auction = auction.entry.body
        else { throw .unknownAuction(body.auction) }
        guard decided(.op(body.auction), view) == nil else { throw .settled(body.auction) }
        guard auction.entry.key.author != entry.key.author else { throw .ownBounty(body.auction) }
        for other in bids[body.auction] ?? [] where view.includes(items[other]!.entry.position) {
            guard case .bid(let words) = items[other]!.entry.body,
                items[other]!.entry.key.author != entry.key.author
                    || !words.agent.utf8.elementsEqual(body.agent.utf8)
            else { throw .alreadyBid(other) }
        }
        try spend(body.most, of: body.agent, by: entry, view)
    }

    // MARK: Funds

    private func spend(
        _ amount: NanoKoi, of agent: String, by entry: LedgerEntry, _ view: View
    ) throws(LedgerError) {
        let account = AccountID(owner: entry.key.author, agent: agent)
        let available = available(account, view)
        guard Int128(amount) <= available else {
            throw .insufficientFunds(account, needs: amount, has: NanoKoi(clamping: available))
        }
    }

    /// What an account may spend: final credits less debits.
    ///
    /// Costs a binary search for each line that pays into it or out of it, and a look at each op that a certificate
    /// may have made pay it.
    func available(_ account: AccountID, _ view: View) -> Int128 {
        var sum: Int128 = 0
        let isGranted = founders.contains(account.owner) || decided(.admission(account.owner), view) != nil
        if isGranted, account == .site(of: account.owner) { sum += Int128(policy.grant) }
        for (line, amounts) in incoming[account] ?? [:] {
            sum += amounts.total(through: final(line, view)) { view.includes(LogPosition(log: line, seq: $0)) }
        }
        for (line, amounts) in debits[account] ?? [:] {
            sum -= amounts.total(through: bound(line, view)) { view.includes(LogPosition(log: line, seq: $0)) }
        }
        for id in creditors[account] ?? [] {
            guard let item = items[id], view.includes(item.entry.position) else { continue }
            for row in rows(of: item, view) where row.state == .final && row.to == account {
                sum += Int128(row.amount)
            }
        }
        return sum
    }
}

extension Transfer {
    /// Nil beyond 2^63 - 1.
    public var total: NanoKoi? {
        var sum: NanoKoi = 0
        for payment in payments {
            let (next, overflows) = sum.addingReportingOverflow(payment.amount)
            if overflows { return nil }
            sum = next
        }
        return sum
    }
}

import Identity
import Ledger
import Replication
import Testing
import Wire

/// Random histories: honest members, members who sign two branches, certificates as an honest quorum would make them.
struct Season {
    var random: Random
    var town: Town
    /// The other branch of those who lie, by member.
    var twins: [Int: Book] = [:]
    // What the quorum has decided, so that it never contradicts itself.
    var certified: [LogKey: Op] = [:]
    var decided: Set<OpID> = []
    var clock: UInt64 = 1
    var ops: [OpID: Op] = [:]

    init(seed: UInt64) {
        random = Random(seed: seed)
        town = Town(3 + random.below(3))
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            let member = random.below(town.books.count)
            switch random.below(20) {
            case 0..<6: hear(member)
            case 6..<14: act(member)
            case 14..<19: certify(member)
            default: if twins.isEmpty || random.chance(0.1) { twins[member] = twins[member] ?? town[member] }
            }
            #expect(town[member].flaw() == nil)
        }
        for (_, twin) in twins.sorted(by: { $0.key < $1.key }) { town[random.below(town.books.count)].hear(twin) }
        for _ in 0..<3 { town.gossip() }
        for _ in 0..<3 {
            var forks: [LogKey: UInt64] = [:]
            for book in town.books { forks.merge(book.replica.forks, uniquingKeysWith: min) }
            for (key, seq) in forks.sorted(by: { $0.key < $1.key }) {
                for index in town.books.indices { town[index].convict(key, from: seq) }
            }
            town.gossip()
        }
    }

    private mutating func hear(_ member: Int) {
        if let liar = twins.keys.sorted().first, random.chance(0.3) {
            town[member].hear(twins[liar]!)
        } else {
            town[member].hear(town[random.below(town.books.count)])
        }
    }

    /// Carries out on a member's book, or on the other branch of a liar's.
    private mutating func write(_ member: Int, _ make: (inout Book, inout Random) -> Op) {
        let op: Op
        if twins[member] != nil, random.chance(0.5) {
            op = make(&twins[member]!, &random)
        } else {
            op = make(&town[member], &random)
        }
        ops[op.id] = op
    }

    private mutating func act(_ member: Int) {
        let choice = random.below(16)
        let peers = town.archive.founders
        write(member) { book, random in
            let most = max(1, book.balance(book.site))
            let amount = 1 + NanoKoi(random.unit() * Double(most) * (random.chance(0.2) ? 1.3 : 0.4))
            let other = peers[random.below(peers.count)]
            let ledger = book.ledger
            func any(_ kind: OpKind) -> LedgerUpdate.Listing? {
                let all = ledger.listings(of: kind)
                return all.isEmpty ? nil : all[random.below(all.count)]
            }
            let span = OpSpan(
                model: book.replica.id(book.logKey, 1)!, log: book.log, from: 1 + UInt64(random.below(3)),
                through: book.replica.frontier[book.logKey]!.seq, head: book.replica.frontier[book.logKey]!.id)
            switch choice {
            case 0..<4:
                return book.pays(
                    amount, to: random.chance(0.8) ? .site(of: other) : AccountID(owner: other, agent: "b"))
            case 4:
                let target = BountyPost.Target(what: .roots, tokens: [TokenID(rawValue: 1)], gain: 1)
                let post = BountyPost(agent: "site", reward: amount, target: target, expires: 1 << 40, description: "")
                return book.says(.bountyPost(post))
            case 5:
                guard let bounty = any(.bountyPost) else { return book.write(.nothing) }
                return book.says(.bountyClaim(BountyClaim(agent: "c", bounty: bounty.id, span: span)))
            case 6: return book.says(.stake(agent: "site"))
            case 7: return book.says(.claim(TrainingClaim(agent: "site", span: span)))
            case 8..<11:
                guard let attested = any(.attestation), attested.owner == book.peer else {
                    return book.says(
                        .attestation(
                            Attestation(agent: "lab", subject: book.replica.id(book.logKey, 1)!, claimType: "m")))
                }
                let auction = Auction(
                    agent: "lab", attestation: attested.id, start: koi(9), floor: 1, step: koi(1), interval: 60)
                return book.says(.auction(auction))
            case 14:
                let model = book.replica.id(book.logKey, 1)!
                return book.says(.price(Price(agent: "b", model: model, unitCost: 1 + amount / 50)))
            case 15:
                guard let price = any(.price), case .price(let asked) = price.body else { return book.write(.nothing) }
                let count = 1 + random.below(20)
                // Some of them pay another sum than it costs, or themselves.
                let sum = asked.unitCost * NanoKoi(count) + (random.chance(0.1) ? 1 : 0)
                return book.says(
                    .transfer(
                        Transfer(
                            from: "site", payments: [.init(to: AccountID(owner: price.owner, agent: "b"), amount: sum)],
                            why: .inferences(price: price.id, count: UInt64(count)))))
            default:
                guard let auction = any(.auction) else { return book.write(.nothing) }
                return book.says(.bid(Bid(agent: "site", auction: auction.id, most: amount)))
            }
        }
    }

    /// What an honest quorum would certify of what this member has seen.
    private mutating func certify(_ member: Int) {
        let book = town[member]
        guard let outcome = random.chance(0.5) ? finality(book) : decision(book) else { return }
        write(member) { book, _ in book.certifies(outcome) }
    }

    private mutating func finality(_ book: Book) -> Outcome? {
        let heads = book.replica.frontier.sorted.filter { $0.head.seq > 1 }
        guard !heads.isEmpty else { return nil }
        let (key, head) = heads[random.below(heads.count)]
        if let known = certified[key] {
            // It certifies what continues what it certified, and nothing of a log that it knows to fork.
            guard let at = book.replica.position(of: known.id), known.header.seq <= head.seq,
                book.replica.id(key, known.header.seq) == known.id
            else { return nil }
            _ = at
        }
        guard let op = book.held.first(where: { $0.id == head.id }) else { return nil }
        certified[key] = op
        return Book.prefix(op)
    }

    private mutating func decision(_ book: Book) -> Outcome? {
        clock += 1
        guard !random.chance(0.1) else { return .time(clock) }
        let open = [OpKind.claim, .bountyPost, .patternPropose, .auction].flatMap { book.ledger.listings(of: $0) }
            .filter { !decided.contains($0.id) && $0.status == .open }
        guard !open.isEmpty else { return nil }
        let one = open[random.below(open.count)]
        let outcome: Outcome? =
            switch one.body {
            case .claim: .trained(claim: one.id, gain: Int64(random.below(80_000)) - 10_000)
            case .bountyPost:
                book.ledger.claims(of: one.id).first.map { .bountyPaid(bounty: one.id, claim: $0.id) }
                    ?? .bountyExpired(bounty: one.id)
            case .stake:
                [
                    .patternAccepted(proposal: one.id, measuredBy: town.archive.founders.filter { $0 != one.owner }),
                    .patternRejected(proposal: one.id), .patternExpired(proposal: one.id),
                ][random.below(3)]
            case .auction:
                random.chance(0.3)
                    ? .auctionClosed(auction: one.id)
                    : .auctionSold(auction: one.id, price: koi(1), bids: book.ledger.bids(for: one.id).map(\.id))
            case .transfer, .bountyClaim, .bountySettle, .price, .attestation, .bid: nil
            }
        if outcome != nil { decided.insert(one.id) }
        return outcome
    }
}

@Suite struct PropertyTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `whatever the order, the same ops and certificates give the same ledger, which conserves`(seed: UInt64) throws
    {
        var season = Season(seed: seed)
        try season.run(steps: 120)
        let digest = season.town[0].digest()
        for index in season.town.books.indices {
            #expect(season.town[index].flaw() == nil)
            try #require(season.town[index].replica.frontier == season.town[0].replica.frontier)
            #expect(season.town[index].digest() == digest)
            for (id, verdict) in season.town[index].verdicts {
                if let other = season.town[0].verdicts[id] { #expect(other == verdict) }
            }
        }
        for round in 0..<3 {
            var book = season.town[0].refolded(&season.random, forksFirst: round > 0)
            #expect(book.flaw() == nil)
            #expect(book.digest() == digest, "refolded, round \(round)")
            #expect(book.ledger.totals == season.town[0].ledger.totals)
            let rows = book.ledger.everything()
            #expect(rows.wallets == season.town[0].ledger.everything().wallets)
            for (id, verdict) in book.verdicts { #expect(season.town[0].verdicts[id] == verdict) }
        }
    }

    @Test func `the histories above are no idle ones`() throws {
        var seen: Set<LedgerRow.Reason> = []
        var states: Set<LedgerRow.State> = []
        var (voids, forks): (Set<String>, Int) = ([], 0)
        for seed in 1...40 as ClosedRange<UInt64> {
            var season = Season(seed: seed)
            try season.run(steps: 120)
            for entry in season.town[0].ledger.everything().entries {
                seen.formUnion(entry.rows.map(\.reason))
                states.formUnion(entry.rows.map(\.state))
            }
            voids.formUnion(season.town[0].verdicts.values)
            forks += season.town[0].replica.forks.count
        }
        #expect(seen == Set(LedgerRow.Reason.allCases))
        #expect(states == Set(LedgerRow.State.allCases))
        #expect(
            voids.isSuperset(of: [
                "", "insufficient-funds", "claimed-already", "settled", "already-bid", "wrong-charge",
            ]))
        #expect(forks > 10)
    }
}

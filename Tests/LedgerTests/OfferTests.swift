import Identity
import Ledger
import Replication
import Testing
import Wire

/// Bounties, claims, patterns and auctions: escrow, and what certificates do with it.
@Suite struct OfferTests {
    private static let target = BountyPost.Target(what: .relations, tokens: [TokenID(rawValue: 1)], gain: 10)

    private static func bounty(_ reward: NanoKoi, expires: UInt64 = 1_000) -> LedgerBody {
        .bountyPost(BountyPost(agent: "site", reward: reward, target: target, expires: expires, description: "x"))
    }

    /// A member with a model and three training ops.
    private func trained(_ town: inout Town, _ member: Int) -> OpSpan {
        let model = town[member].write(.nothing)
        for _ in 0..<2 { town[member].write(.nothing) }
        let head = town[member].write(.nothing)
        return OpSpan(
            model: model.id, log: town[member].log, from: model.header.seq + 1, through: head.header.seq, head: head.id)
    }

    private func expectSound(_ town: inout Town, _ comment: Comment? = nil) {
        town.gossip()
        let digest = town[0].digest()
        for index in town.books.indices {
            #expect(town[index].flaw() == nil, comment)
            #expect(town[index].digest() == digest, comment)
        }
    }

    @Test func `a bounty is paid once, out of escrow that is final`() {
        var town = Town(4)
        let post = town[0].says(Self.bounty(koi(40)))
        town.gossip()
        let (span, other) = (trained(&town, 1), trained(&town, 2))
        let claim = town[1].says(.bountyClaim(BountyClaim(agent: "lab", bounty: post.id, span: span)))
        let rival = town[2].says(.bountyClaim(BountyClaim(agent: "lab", bounty: post.id, span: other)))
        town.gossip()
        #expect(town[3].verdict(claim) == "")
        #expect(town[3].ledger.totals.escrow == Int128(koi(40)))
        town[3].certifies(.bountyPaid(bounty: post.id, claim: claim.id))
        expectSound(&town)
        let lab = AccountID(owner: town[1].peer, agent: "lab")
        #expect(town[0].balance(lab) == 0, "the post is not final yet")
        town[2].certifies(Book.prefix(post))
        expectSound(&town)
        #expect(town[0].balance(lab) == koi(60), "the reward, and the scheduled one for a settlement")
        #expect(town[0].ledger.totals.escrow == 0)
        // Twice is not.
        town[2].certifies(.bountyPaid(bounty: post.id, claim: claim.id))
        expectSound(&town)
        #expect(town[0].balance(lab) == koi(60))
        let late = town[2].says(.bountySettle(BountySettle(bounty: post.id, claim: rival.id)))
        #expect(town[2].verdict(late) == "settled")
    }

    @Test func `claims that cannot be`() {
        var town = Town(3)
        let post = town[0].says(Self.bounty(koi(40)))
        town.gossip()
        let (own, span) = (trained(&town, 0), trained(&town, 1))
        func code(_ member: Int, _ body: LedgerBody) -> String? {
            let op = town[member].says(body)
            return town[member].verdict(op)
        }
        #expect(code(0, .bountyClaim(BountyClaim(agent: "a", bounty: post.id, span: own))) == "own-bounty")
        #expect(code(1, .bountyClaim(BountyClaim(agent: "a", bounty: span.head, span: span))) == "unknown-bounty")
        #expect(code(2, .bountyClaim(BountyClaim(agent: "a", bounty: post.id, span: span))) == "unknown-range")
        #expect(code(1, .bountyClaim(BountyClaim(agent: "a", bounty: post.id, span: span))) == "")
        #expect(code(1, .bountyClaim(BountyClaim(agent: "b", bounty: post.id, span: span))) == "claimed-already")
        #expect(code(1, .claim(TrainingClaim(agent: "a", span: span))) == "")
        let part = OpSpan(model: span.model, log: span.log, from: span.through, through: span.through, head: span.head)
        #expect(code(1, .claim(TrainingClaim(agent: "b", span: part))) == "claimed-already", "an op is claimable once")
        let wrong = OpSpan(model: span.model, log: span.log, from: 1, through: span.through - 1, head: span.head)
        #expect(code(1, .claim(TrainingClaim(agent: "b", span: wrong))) == "unknown-range")
    }

    @Test func `a settlement of what was never escrowed moves nothing`() {
        var town = Town(3)
        let poor = town[0].says(Self.bounty(koi(101)))
        #expect(town[0].verdict(poor) == "insufficient-funds")
        town.gossip()
        let span = trained(&town, 1)
        let claim = town[1].says(.bountyClaim(BountyClaim(agent: "lab", bounty: poor.id, span: span)))
        #expect(town[1].verdict(claim) == "unknown-bounty")
        town.gossip()
        town[2].certifies(.bountyPaid(bounty: poor.id, claim: claim.id))
        expectSound(&town)
        #expect(town[0].digest() == nil)
    }

    @Test func `an expired bounty returns by certificate alone`() {
        var town = Town(3)
        let post = town[0].says(Self.bounty(koi(40), expires: 500))
        town.gossip()
        let early = town[1].says(.bountySettle(BountySettle(bounty: post.id, claim: nil)))
        #expect(town[1].verdict(early) == "not-expired")
        town[2].certifies(.time(501))
        town.gossip()
        let late = town[1].says(.bountySettle(BountySettle(bounty: post.id, claim: nil)))
        #expect(town[1].verdict(late) == "")
        #expect(town[0].judged(Self.bounty(1, expires: 501)) == "expired")
        #expect(town[0].balance(town[0].site) == koi(60), "time alone returns nothing: somebody may have won")
        town[2].certifies(.bountyExpired(bounty: post.id))
        expectSound(&town)
        #expect(town[0].balance(town[0].site) == koi(100))
        let spent = town[0].pays(koi(100), to: town[1].site)
        #expect(town[0].verdict(spent) == "")
    }

    @Test func `training is paid by its measured gain, once`() {
        var town = Town(3)
        let span = trained(&town, 1)
        let claim = town[1].says(.claim(TrainingClaim(agent: "lab", span: span)))
        town.gossip()
        town[0].certifies(.trained(claim: claim.id, gain: 10_000))
        town[2].certifies(.trained(claim: claim.id, gain: 10_000))
        expectSound(&town)
        let lab = AccountID(owner: town[1].peer, agent: "lab")
        #expect(town[0].balance(lab) == koi(5))
        let spent = town[1].pays(koi(5), to: town[0].site, from: "lab")
        #expect(town[1].verdict(spent) == "")
        expectSound(&town)
    }

    @Test func `a forged mint is a certificate for a claim that nobody made`() {
        var town = Town(3)
        let nothing = town[1].write(.nothing)
        town.gossip()
        town[1].certifies(.trained(claim: nothing.id, gain: .max))
        expectSound(&town)
        #expect(town[0].digest() == nil)
    }

    @Test func `patterns: the stake comes back, or is burned, or earns`() {
        var town = Town(4)
        let (good, bad, mute) = (
            town[0].says(.stake(agent: "site")), town[0].says(.stake(agent: "site")),
            town[0].says(.stake(agent: "site"))
        )
        town.gossip()
        #expect(town[1].balance(town[0].site) == koi(85))
        town[3].certifies(.patternAccepted(proposal: good.id, measuredBy: [town[1].peer, town[2].peer]))
        town[3].certifies(.patternRejected(proposal: bad.id))
        town[3].certifies(.patternExpired(proposal: mute.id))
        expectSound(&town)
        #expect(town[1].balance(town[0].site) == koi(105))
        #expect(town[1].balance(town[1].site) == koi(102))
        #expect(town[1].balance(town[3].site) == koi(100))
        #expect(town[1].ledger.totals.burned == Int128(koi(5)))
    }

    @Test func `a Dutch auction: who won pays one price, everybody else gets the escrow back`() {
        var town = Town(4)
        let model = town[0].write(.nothing)
        let attested = town[0].says(.attestation(Attestation(agent: "lab", subject: model.id, claimType: "model")))
        let auction = town[0].says(
            .auction(
                Auction(
                    agent: "lab", attestation: attested.id, start: koi(80), floor: koi(10), step: koi(10),
                    interval: 3_600, minBidders: 2)))
        #expect(town[0].verdict(auction) == "")
        let again = town[0].says(
            .auction(Auction(agent: "lab", attestation: attested.id, start: 2, floor: 1, step: 1, interval: 1)))
        #expect(town[0].verdict(again) == "already-offered")
        town.gossip()
        let bids = (1...3).map {
            town[$0].says(.bid(Bid(agent: "site", auction: auction.id, most: koi([0, 50, 60, 20][$0]))))
        }
        #expect(town[1].judged(.bid(Bid(agent: "site", auction: auction.id, most: 1))) == "already-bid")
        town.gossip()
        #expect(town[0].ledger.totals.escrow == Int128(koi(130)))
        town[3].certifies(.auctionSold(auction: auction.id, price: koi(50), bids: [bids[0].id, bids[1].id]))
        expectSound(&town)
        let lab = AccountID(owner: town[0].peer, agent: "lab")
        #expect(town[1].balance(lab) == 0, "their bids are not final")
        #expect(town[1].balance(town[3].site) == koi(100))
        town[3].certifies(Book.prefix(bids[0]))
        town[3].certifies(Book.prefix(bids[1]))
        expectSound(&town)
        #expect(town[1].balance(lab) == koi(100))
        #expect(town[1].balance(town[1].site) == koi(50))
        #expect(town[1].balance(town[2].site) == koi(50))
        let late = town[3].says(.bid(Bid(agent: "site", auction: auction.id, most: 1)))
        #expect(town[3].verdict(late) == "settled")
    }

    @Test func `the price falls by steps to the floor`() {
        let auction = Auction(agent: "a", attestation: .zero, start: 80, floor: 10, step: 30, interval: 60)
        #expect(
            [0, 59, 60, 130, 10_000, UInt64.max].map { auction.price(opened: 0, at: $0) } == [80, 80, 50, 20, 10, 10])
        #expect(auction.price(opened: 100, at: 50) == 80)
    }

    @Test func `electors answer what follows from the ledger, and nothing else`() {
        var town = Town(4)
        let post = town[0].says(Self.bounty(koi(40), expires: 500))
        town.gossip()
        let span = trained(&town, 1)
        let claim = town[1].says(.bountyClaim(BountyClaim(agent: "lab", bounty: post.id, span: span)))
        town.gossip()
        func due(_ reached: Set<OpID> = []) -> [LedgerQuestion] {
            town[3].ledger.dueQuestions { reached.contains($0) }.map(\.question)
        }
        #expect(due([claim.id]) == [], "the escrow is not final")
        town[2].certifies(Book.prefix(post))
        town.gossip()
        #expect(due() == [])
        #expect(due([claim.id]) == [.paid(claim: claim.id)])
        #expect(town[3].ledger.dueAnswer(about: post.id) { $0 == claim.id } == .paid(claim: claim.id))
        #expect(town[3].ledger.dueAnswer(about: claim.id) { _ in true } == nil, "a claim is no escrow")
        #expect(town[3].ledger.nextDeadline == 500)
        town[2].certifies(.time(500))
        town.gossip()
        #expect(due() == [.over] && town[3].ledger.nextDeadline == nil)
        #expect(due([claim.id]) == [.paid(claim: claim.id)], "what was reached is paid, late as it is")
        #expect(town[3].ledger.outcome(of: .over, about: post.id) == .bountyExpired(bounty: post.id))
        #expect(town[3].ledger.outcome(of: .over, about: claim.id) == nil)
        town[2].certifies(.bountyExpired(bounty: post.id))
        town.gossip()
        #expect(due([claim.id]) == [])
    }

    @Test func `an auction ends by the certified clock`() {
        var town = Town(4)
        let model = town[0].write(.nothing)
        let attested = town[0].says(.attestation(Attestation(agent: "lab", subject: model.id, claimType: "model")))
        town[3].certifies(.time(1_000))
        town.gossip()
        let auction = town[0].says(
            .auction(
                Auction(
                    agent: "lab", attestation: attested.id, start: 80, floor: 20, step: 30, interval: 60, minBidders: 2)
            ))
        town.gossip()
        let bids = (1...3).map {
            town[$0].says(.bid(Bid(agent: "site", auction: auction.id, most: [0, 55, 50, 30][$0])))
        }
        town.gossip()
        for op in [auction] + bids { town[3].certifies(Book.prefix(op)) }
        func due(at time: UInt64) -> [LedgerQuestion] {
            town[3].certifies(.time(time))
            return town[3].ledger.dueQuestions { _ in false }.map(\.question)
        }
        #expect(due(at: 1_000) == [] && town[3].ledger.nextDeadline == 1_001, "it has not begun")
        #expect(due(at: 2_000) == [], "it begins, however old the time in its past is")
        #expect(due(at: 2_059) == [], "nobody bids 80")
        #expect(due(at: 2_060) == [.sold(price: 50, bids: [bids[0].id, bids[1].id].sorted())])
        #expect(due(at: 2_120) == [.sold(price: 20, bids: bids.map(\.id).sorted())])
        town[0].hear(town[3])
        let lonely = town[0].says(
            .attestation(Attestation(agent: "lab", subject: model.id, claimType: "model", isExclusive: true)))
        let other = town[0].says(
            .auction(Auction(agent: "lab", attestation: lonely.id, start: 80, floor: 20, step: 30, interval: 60)))
        town[3].hear(town[0])
        town[3].certifies(Book.prefix(other))
        #expect(!due(at: 2_130).contains(.over))
        #expect(!due(at: 2_309).contains(.over), "the floor holds for an interval")
        #expect(due(at: 2_310).contains(.over))
    }

    /// Those who have a part in it may be gone: then the network would make a checkpoint each interval, for ever.
    @Test func `an auction that is over waits for no clock, though nobody asks what becomes of it`() {
        var town = Town(4)
        let model = town[0].write(.nothing)
        let attested = town[0].says(.attestation(Attestation(agent: "lab", subject: model.id, claimType: "model")))
        let auction = town[0].says(
            .auction(Auction(agent: "lab", attestation: attested.id, start: 80, floor: 20, step: 30, interval: 60)))
        town.gossip()
        _ = town[1].says(.bid(Bid(agent: "site", auction: auction.id, most: 50)))
        town.gossip()
        func next(at time: UInt64) -> UInt64? {
            town[3].certifies(.time(time))
            return town[3].ledger.nextDeadline
        }
        #expect(next(at: 2_000) == 2_060, "the price falls")
        #expect(next(at: 2_061) == 2_120)
        #expect(next(at: 2_120) == 2_180, "the floor holds for an interval")
        #expect(next(at: 2_180) == nil && next(at: 5_000) == nil)
    }

    @Test func `answers about escrows have one encoding each`() throws {
        let id = OpID(Bytes(repeating: 4, count: 32))!
        for question in [LedgerQuestion.over, .paid(claim: id), .sold(price: 7, bids: [id])] {
            let bytes = question.encode()
            #expect(try LedgerQuestion(decoding: bytes) == question)
            #expect(throws: CBORError.self) { try LedgerQuestion(decoding: bytes + [0]) }
        }
        #expect(throws: CBORError.self) {
            try LedgerQuestion(decoding: LedgerQuestion.sold(price: 7, bids: []).encode())
        }
        let many = (0..<24).map { OpID(Bytes(repeating: UInt8($0), count: 32))! }
        #expect(LedgerQuestion.sold(price: .max, bids: many).encode().count <= 1_024)
    }

    @Test func `two certificates that contradict each other are taken alike everywhere`() {
        var town = Town(4)
        let post = town[0].says(Self.bounty(koi(40)))
        town.gossip()
        town[1].certifies(Book.prefix(post))
        town[1].certifies(.bountyExpired(bounty: post.id))
        let span = trained(&town, 2)
        let claim = town[2].says(.bountyClaim(BountyClaim(agent: "lab", bounty: post.id, span: span)))
        town[2].certifies(.bountyPaid(bounty: post.id, claim: claim.id))
        expectSound(&town)
    }

    @Test func `a member that is admitted to vote receives the grant once`() {
        var town = Town(3)
        let guest = KeyPair(seed: Bytes(repeating: 77, count: 32)).peerID
        town[0].certifies(.admitted(guest))
        town[1].certifies(.admitted(guest))
        town[1].certifies(.admitted(town[0].peer))
        expectSound(&town)
        #expect(town[0].balance(.site(of: guest)) == koi(100))
        #expect(town[0].balance(town[0].site) == koi(100), "a founder has it already")
    }
}

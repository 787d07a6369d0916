import Consensus
import Federation
import Gossip
import Identity
import Learning
import Ledger
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// What electors ask and answer about Koi by themselves.
@Suite struct KoiElectionTests {
    private let koi = Koi.nanoKoi

    private func town(_ count: Int) throws -> Town {
        let town = Town(members: count)
        // The sites' clocks say what the table's does.
        town.measure = { [unowned town] _, question in
            question.kind == .checkpoint ? [Int64(town.now.milliseconds / 1_000)] : nil
        }
        for node in 0..<count { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        return town
    }

    private func sign(_ town: Town, _ node: Int, _ body: LedgerBody) throws -> OpID {
        let ticket = town.submit(node, body.kind, body.encode())
        town.run(milliseconds: 3_000)
        guard case .done(let id) = town.results[ticket] else {
            throw Refused(result: "\(String(describing: town.results[ticket]))")
        }
        return id
    }

    struct Refused: Error { let result: String }

    private func balance(_ town: Town, _ node: Int, of member: Int) -> NanoKoi {
        town[node].state.ledger.wallet(.site(of: town.peer(member))).balance
    }

    private func bounty(_ town: Town, reward: NanoKoi, seconds: UInt64, gain: Int64 = 50) -> LedgerBody {
        .bountyPost(
            BountyPost(
                agent: "site", reward: reward,
                target: .init(what: .relations, tokens: [TokenID(rawValue: 1)], gain: gain),
                expires: town.now.milliseconds / 1_000 + seconds, description: "more about ships"))
    }

    /// Ops of a node's own log, and a claim of them for a bounty, with the settlement that asks for it.
    private func claim(_ town: Town, _ node: Int, _ bounty: OpID) throws -> OpID {
        let guest = try MemberAdd(peer: town.peer(0), name: "again").encode()
        _ = town.submit(node, .memberAdd, guest)
        town.run(milliseconds: 1_000)
        let key = try #require(town[node].ownLogKey)
        let head = try #require(town[node].replica.frontier[key])
        let model = try #require(town[node].state.models.ids.first)
        let span = OpSpan(model: model, log: key.log, from: 1, through: head.seq, head: head.id)
        let claim = try sign(town, node, .bountyClaim(BountyClaim(agent: "site", bounty: bounty, span: span)))
        _ = try sign(town, node, .bountySettle(BountySettle(bounty: bounty, claim: claim)))
        return claim
    }

    private func createModel(_ town: Town) {
        _ = town.submit(0, .createModel, TestModel.body)
        town.run(milliseconds: 1_000)
    }

    private func expectSound(_ town: Town, _ nodes: Range<Int>) {
        #expect(Set(nodes.map { town[$0].summary.stateDigest }).count == 1)
        for node in nodes { #expect(town[node].state.ledger.totals.flaw() == nil) }
    }

    @Test func `an expired bounty returns its escrow when certified time has passed its end`() throws {
        let town = try town(4)
        _ = try sign(town, 0, bounty(town, reward: 40 * koi, seconds: 600))
        town.run(milliseconds: 100_000)
        let early = town[0].state.consensus.latest.height
        #expect(balance(town, 1, of: 0) == 60 * koi && early <= 1, "nobody makes checkpoints before it is time")
        town.run(milliseconds: 700_000)
        for node in 0..<4 { #expect(balance(town, node, of: 0) == 100 * koi) }
        #expect(town[0].state.ledger.totals.escrow == 0)
        let height = town[0].state.consensus.latest.height
        town.run(milliseconds: 600_000)
        #expect(town[0].state.consensus.latest.height == height, "nothing waits for time any more")
        expectSound(town, 0..<4)
    }

    @Test func `a settlement that reaches the target pays, one question after the other`() throws {
        let town = try town(4)
        createModel(town)
        town.measure = { [unowned town] _, question in
            question.kind == .checkpoint ? [Int64(town.now.milliseconds / 1_000)] : [60]
        }
        let post = try sign(town, 0, bounty(town, reward: 40 * koi, seconds: 6_000))
        let claim = try claim(town, 1, post)
        town.run(milliseconds: 10_000)
        for node in 0..<4 {
            #expect(balance(town, node, of: 1) == 160 * koi, "100 granted, 40 earned, 20 for a settlement")
            #expect(town[node].state.ledger.listing(claim)?.status == .paid)
            let kinds = town[node].state.consensus.outcomes.map(\.question.kind)
            #expect(kinds.contains(.settlement) && kinds.contains(.ledger))
        }
        expectSound(town, 0..<4)
    }

    @Test func `a settlement below the target is refused with what was measured, and the bounty returns later`() throws
    {
        let town = try town(4)
        createModel(town)
        town.measure = { [unowned town] _, question in
            question.kind == .checkpoint ? [Int64(town.now.milliseconds / 1_000)] : [49]
        }
        let post = try sign(town, 0, bounty(town, reward: 40 * koi, seconds: 300))
        let claim = try claim(town, 1, post)
        town.run(milliseconds: 10_000)
        for node in 0..<4 {
            #expect(balance(town, node, of: 1) == 100 * koi)
            let measured = town[node].state.measuredGain(ofClaim: claim)
            #expect(measured?.gain == 49 && measured?.target == 50)
        }
        town.run(milliseconds: 600_000)
        #expect(balance(town, 2, of: 0) == 100 * koi)
        expectSound(town, 0..<4)
    }

    @Test func `who asks for a lower target than the bounty's is answered by nobody`() throws {
        let town = try town(4)
        createModel(town)
        town.measure = { _, question in question.kind == .checkpoint ? nil : [10] }
        let post = try sign(town, 0, bounty(town, reward: 40 * koi, seconds: 6_000))
        // Silence its own honest question: this node asks before the elector can.
        let claim = try claim(town, 1, post)
        let settlement = try #require(town[1].state.ledger.listings(of: .bountySettle).first?.id)
        let question = Question(
            kind: .settlement, owner: town.peer(1), subject: town.peer(1), about: settlement,
            fields: ValueRule.targetFields(5), electorate: town[1].state.consensus.latestDigest)
        let op = ConsensusOp.question(question).op
        _ = town.submit(1, op.kind, op.body)
        town.run(milliseconds: 20_000)
        let id = question.id(in: town.network)
        #expect(town[2].state.consensus.matters[id]?.measurements.isEmpty == true)
        #expect(town[2].state.ledger.listing(claim)?.status != .paid)
        expectSound(town, 0..<4)
    }

    @Test func `an auction is sold at the price of the moment, and one that nobody bids for closes`() throws {
        let town = try town(4)
        createModel(town)
        let model = try #require(town[0].state.models.ids.first)
        func auction(_ start: NanoKoi, floor: NanoKoi, step: NanoKoi) throws -> OpID {
            let attestation = try sign(
                town, 0, .attestation(Attestation(agent: "site", subject: model, claimType: "weights")))
            return try sign(
                town, 0,
                .auction(
                    Auction(
                        agent: "site", attestation: attestation, start: start, floor: floor, step: step, interval: 120,
                        minBidders: 2)))
        }
        let sold = try auction(30 * koi, floor: 5 * koi, step: 10 * koi)
        let unsold = try auction(30 * koi, floor: 20 * koi, step: 10 * koi)
        _ = try sign(town, 1, .bid(Bid(agent: "site", auction: sold, most: 25 * koi)))
        _ = try sign(town, 2, .bid(Bid(agent: "site", auction: sold, most: 22 * koi)))
        town.run(milliseconds: 1_200_000)
        for node in 0..<4 {
            let listing = try #require(town[node].state.ledger.listing(sold))
            #expect(listing.status == .sold)
            let price = try #require(listing.price)
            #expect([20 * koi, 10 * koi].contains(price))
            #expect(balance(town, node, of: 0) == 100 * koi + 2 * price)
            #expect(town[node].state.ledger.listing(unsold)?.status == .closed)
        }
        #expect(town[0].state.ledger.totals.escrow == 0)
        expectSound(town, 0..<4)
    }

    @Test func `an auction of the largest amounts stops no node`() throws {
        let town = try town(3)
        createModel(town)
        let model = try #require(town[0].state.models.ids.first)
        let attestation = try sign(
            town, 0, .attestation(Attestation(agent: "site", subject: model, claimType: "weights")))
        let auction = try sign(
            town, 0,
            .auction(
                Auction(
                    agent: "site", attestation: attestation, start: .max, floor: 0, step: .max,
                    interval: LedgerBody.Limits.u53)))
        town.run(milliseconds: 200_000)
        #expect(town[1].state.ledger.listing(auction)?.status == .open)
        expectSound(town, 0..<3)
    }

    @Test func `a bounty returns though its electors disagree about the time, and one of them is silent`() throws {
        let town = try town(4)
        _ = try sign(town, 0, bounty(town, reward: 40 * koi, seconds: 200))
        town.stop(3)
        town.run(milliseconds: 900_000)
        for node in 0..<3 { #expect(balance(town, node, of: 0) == 100 * koi) }
        expectSound(town, 0..<3)
    }

    /// Whoever is first with a certificate must not be able to keep it from working.
    @Test func `a certificate carried by an op that builds on nothing is published again`() throws {
        let town = try town(5)
        let liar = town.keys[4]
        town.stop(4)
        let other = AccountID.site(of: town.peer(1))
        let pay = Transfer(from: "site", payments: [.init(to: other, amount: 7 * koi)])
        let puppet = town.puppet(as: 4, to: 1)
        let ticket = town.submit(0, .transfer, LedgerBody.transfer(pay).encode())
        // As soon as the votes are there, before whoever asked publishes what they come to.
        var stolen: Certificate?
        for step in 0..<100_000 where stolen == nil {
            if step % 50 == 49 { town.run(milliseconds: 1) } else { town.settle(limit: 1) }
            let asked = town[1].state.consensus.matters.values.first { $0.question.kind == .finality }
            stolen = asked?.assemble()
        }
        guard case .done = town.results[ticket] else { throw Refused(result: "not paid") }
        town.stop(0)
        let (kind, body) = ConsensusOp.certificate(try #require(stolen)).op
        let open = Op(
            signing: .openLog, body: OpenLog.body, log: LogID(rawValue: 77), seq: 1, prev: .zero, lamport: 1,
            deps: [], network: town.network, with: liar)
        let carrier = Op(
            signing: kind, body: body, log: LogID(rawValue: 77), seq: 2, prev: open.id, lamport: 2, deps: [],
            network: town.network, with: liar)
        puppet.send(.ops([open.envelope, carrier.envelope]))
        town.settle()
        #expect(outcomes(town, 1, .finality).count == 1 && balance(town, 1, of: 1) == 100 * koi)
        town.run(milliseconds: 30_000)
        for node in 1..<4 { #expect(balance(town, node, of: 1) == 107 * koi) }
        expectSound(town, 1..<4)
    }

    private func outcomes(_ town: Town, _ node: Int, _ kind: QuestionKind) -> [CertifiedOutcome] {
        town[node].state.consensus.outcomes.filter { $0.question.kind == kind }
    }
}

/// A model that ops can be about.
enum TestModel {
    static let body: Bytes = {
        let shape = try! ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        return try! ModelSpec(name: "m", agent: "site", shape: shape).body
    }()
}

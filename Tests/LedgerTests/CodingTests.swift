import Identity
import Ledger
import Replication
import Testing
import Wire

@Suite struct CodingTests {
    private static let id = OpID(Bytes(repeating: 7, count: 32))!
    private static let peer = PeerID(Bytes(repeating: 3, count: 32))!
    private static let span = OpSpan(model: id, log: LogID(rawValue: 5), from: 2, through: 9, head: id)
    private static let tokens = [TokenID(rawValue: 1), TokenID(rawValue: 2)]
    static let samples: [LedgerBody] = [
        .transfer(
            Transfer(
                from: "site", payments: [.init(to: AccountID(owner: peer, agent: "ward"), amount: 5)],
                why: .memo("thanks"))),
        .transfer(
            Transfer(
                from: "site", payments: [.init(to: AccountID(owner: peer, agent: "ward"), amount: .max)],
                why: .inferences(price: id, count: 3))),
        .claim(TrainingClaim(agent: "clinic", span: span)),
        .bountyPost(
            BountyPost(
                agent: "site", reward: 1, target: .init(what: .roots, tokens: tokens, gain: 3), expires: 99,
                description: "diagnoses")),
        .bountyClaim(BountyClaim(agent: "lab", bounty: id, span: span)),
        .bountySettle(BountySettle(bounty: id, claim: id)),
        .bountySettle(BountySettle(bounty: id, claim: nil)),
        .price(Price(agent: "lab", model: id, unitCost: 0)),
        .price(Price(agent: "lab", model: nil, unitCost: 7)),
        .attestation(
            Attestation(
                agent: "lab", subject: id, claimType: "model", scope: tokens, perspectiveCount: 4,
                averageWeight: -1_000_000,
                computeCost: 9, reproductionCost: 8, uniqueness: 1_000_000, proofType: "hash", proof: [1, 2],
                askingPrice: 6, isExclusive: true, expires: 5)),
        .auction(Auction(agent: "lab", attestation: id, start: 80, floor: 10, step: 3, interval: 60, minBidders: 2)),
        .bid(Bid(agent: "site", auction: id, most: 44)),
    ]

    @Test(arguments: samples) func `each body reads back, and nothing shorter or longer does`(body: LedgerBody) throws {
        let (kind, bytes) = try #require(body.op)
        #expect(bytes.count <= OpLimits.inlineBodyBytes)
        #expect(try LedgerBody(kind: kind, body: bytes) == body)
        for cut in bytes.indices {
            #expect(throws: LedgerError.self) { try LedgerBody(kind: kind, body: Bytes(bytes[..<cut])) }
        }
        #expect(throws: LedgerError.self) { try LedgerBody(kind: kind, body: bytes + [0]) }
    }

    @Test(arguments: samples) func `whatever decodes encodes to the same bytes`(body: LedgerBody) throws {
        let (kind, bytes) = try #require(body.op)
        for at in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                var altered = bytes
                altered[at] ^= 1 << bit
                guard let read = try? LedgerBody(kind: kind, body: altered) else { continue }
                #expect(read.op?.body == altered)
            }
        }
    }

    @Test func `the largest body travels inside its envelope`() throws {
        let label = String(repeating: "x", count: 64)
        let account = AccountID(owner: Self.peer, agent: label)
        let full = Transfer(
            from: label, payments: Array(repeating: .init(to: account, amount: .max), count: 32),
            why: .memo(String(repeating: "y", count: 256)))
        #expect(LedgerBody.transfer(full).encode().count <= OpLimits.inlineBodyBytes)
    }

    @Test func `other kinds are not the ledger's`() throws {
        for kind in OpKind.allCases where kind.rawValue < 10 || [17, 18, 22, 23].contains(kind.rawValue) {
            #expect(try LedgerBody(kind: kind, body: [0x81, 1]) == nil)
        }
    }

    @Test func `names of agents are compared by bytes`() {
        #expect(AccountID(owner: Self.peer, agent: "\u{e9}") != AccountID(owner: Self.peer, agent: "e\u{301}"))
        #expect(!AccountID.isAgent(""))
        #expect(!AccountID.isAgent("a\u{7}"))
        #expect(!AccountID.isAgent(String(repeating: "a", count: 65)))
    }
}

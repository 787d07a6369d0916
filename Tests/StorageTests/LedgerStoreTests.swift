import Identity
import Ledger
import Membership
import Peer
import Replication
import Testing
import Wire

@testable import Storage

/// A ledger that hears of ops one after the other, each with all others in its past.
private struct Telling {
    let members = (1...3).map { KeyPair(seed: Bytes(repeating: UInt8($0), count: 32)).peerID }
    var ledger: Ledger
    private var places: [OpID: LogPosition] = [:]
    private var seqs: [Int: UInt64] = [:]
    private var count: UInt64 = 0

    init() {
        ledger = Ledger(founders: members, network: .zero)
        for member in members.indices {
            decide(.accountLog(owner: members[member], generation: 1, log: log, end: nil))
        }
    }

    let log = LogID(rawValue: 1)
    private var past: LedgerPast {
        let places = places
        return LedgerPast(includes: { _ in true }, locate: { places[$0] }, isMember: { _ in true })
    }

    private mutating func place(_ member: Int) -> (id: OpID, position: LogPosition, key: LogKey) {
        count += 1
        seqs[member, default: 0] += 1
        let id = OpID(Bytes(repeating: 0, count: 24) + count.bigEndianBytes)!
        let position = LogPosition(log: member, seq: seqs[member]!)
        places[id] = position
        let key = LogKey(author: members[member], log: log)
        ledger.note(position, of: key, after: nil)
        return (id, position, key)
    }

    @discardableResult
    mutating func say(_ member: Int, _ body: LedgerBody) throws -> OpID {
        let (id, position, key) = place(member)
        try ledger.apply(LedgerEntry(id: id, key: key, position: position, body: body), past: past)
        return id
    }

    mutating func decide(_ outcome: Outcome) {
        let (_, position, _) = place(0)
        let counts = ledger.apply(outcome, carriedBy: position, past: past)
        #expect(counts)
    }

    func seq(_ id: OpID) -> UInt64 { places[id]!.seq }

    func prefix(_ member: Int, _ id: OpID) -> Outcome {
        .prefix(LogPrefix(key: LogKey(author: members[member], log: log), seq: places[id]!.seq, id: id))
    }
}

@Suite struct LedgerStoreTests {
    private static let tables = [
        "wallets", "ledger", "pricing", "claims", "bounties", "attestations", "auctions", "bids",
    ]

    private func fresh() throws -> (OpStore, Connection, String) {
        let name = try TestServer.freshSchema().1
        let connection = try TestServer.connect()
        return (try OpStore(try TestServer.connect(), schema: name, network: .zero), connection, Schema.quote(name))
    }

    private func dump(_ connection: Connection, _ schema: String) throws -> [String] {
        try Self.tables.flatMap { table in
            try connection.query("SELECT t::text FROM \(schema).\(table) t ORDER BY 1").map {
                "\(table) \(try $0.text(0))"
            }
        }
    }

    /// Something of everything, written as it happens.
    private func story(_ write: (inout Telling) throws -> Void) throws {
        var telling = Telling()
        let members = telling.members
        let target = BountyPost.Target(what: .relations, tokens: [TokenID(rawValue: 3)], gain: 5)
        try write(&telling)
        let payment = try telling.say(
            0,
            .transfer(
                Transfer(
                    from: "site",
                    payments: [.init(to: AccountID(owner: members[1], agent: "ward"), amount: 5_000_000_000)])))
        try telling.say(1, .price(Price(agent: "ward", model: payment, unitCost: 7)))
        try write(&telling)
        telling.decide(telling.prefix(0, payment))
        try write(&telling)
        let all = try telling.say(
            1, .transfer(Transfer(from: "ward", payments: [.init(to: .site(of: members[2]), amount: 5_000_000_000)])))
        telling.decide(telling.prefix(1, all))
        let post = try telling.say(
            0, .bountyPost(BountyPost(agent: "site", reward: 9, target: target, expires: 1 << 50, description: "é' --"))
        )
        let head = try telling.say(1, .stake(agent: "site"))
        try write(&telling)
        let span = OpSpan(model: payment, log: telling.log, from: 1, through: telling.seq(head), head: head)
        let claim = try telling.say(1, .bountyClaim(BountyClaim(agent: "lab", bounty: post, span: span)))
        let training = try telling.say(1, .claim(TrainingClaim(agent: "lab", span: span)))
        let attested = try telling.say(
            0, .attestation(Attestation(agent: "lab", subject: payment, claimType: "model", averageWeight: -500_000)))
        let auction = try telling.say(
            0, .auction(Auction(agent: "lab", attestation: attested, start: 80, floor: 1, step: 2, interval: 60)))
        let bid = try telling.say(2, .bid(Bid(agent: "site", auction: auction, most: 50)))
        try write(&telling)
        telling.decide(telling.prefix(0, auction))
        telling.decide(telling.prefix(2, bid))
        telling.decide(.bountyPaid(bounty: post, claim: claim))
        telling.decide(.trained(claim: training, gain: 100))
        telling.decide(.patternRejected(proposal: head))
        telling.decide(.auctionSold(auction: auction, price: 40, bids: [bid]))
        telling.decide(.admitted(KeyPair(seed: Bytes(repeating: 9, count: 32)).peerID))
        try write(&telling)
    }

    @Test func `the tables say what the ledger says, and rebuilt from ops they are the same`() throws {
        let (store, connection, schema) = try fresh()
        #expect(try !store.hasLedger())
        var number: UInt64 = 0
        var last: LedgerUpdate?
        try story { telling in
            number += 1
            let update = telling.ledger.takeUpdate()
            try store.persist(StoreBatch(number: number, ops: [], signed: [], ledger: update))
            try store.persist(StoreBatch(number: number, ops: [], signed: [], ledger: update))
            last = telling.ledger.everything()
        }
        #expect(try store.hasLedger())
        let rows = try dump(connection, schema)
        let (other, second, name) = try fresh()
        try other.persist(StoreBatch(number: 1, ops: [], signed: [], ledger: try #require(last)))
        #expect(try dump(second, name) == rows)
        for table in Self.tables { #expect(rows.contains { $0.hasPrefix(table) }, "\(table) is not empty") }

        let sums = try connection.row(
            """
            SELECT (SELECT sum(balance + pending)::bigint FROM \(schema).wallets),
                (SELECT coalesce(sum(amount), 0)::bigint FROM \(schema).ledger WHERE from_owner IS NULL),
                (SELECT coalesce(sum(amount), 0)::bigint FROM \(schema).ledger WHERE state IN ('escrow', 'burned'))
            """)
        #expect(
            try sums.int64(0) + (try sums.int64(2)) == (try sums.int64(1)), "wallets and escrow are what was minted")
        let empty = try connection.row("SELECT count(*) FROM \(schema).wallets WHERE balance = 0 AND pending = 0")
        #expect(try empty.int64(0) == 0, "a wallet without Koi is no row")
    }

    @Test func `the schedule has the seed's rows, and says which the network mints`() throws {
        let (_, connection, schema) = try fresh()
        let rows = try connection.query("SELECT work_type, reward, minted FROM \(schema).reward_schedule ORDER BY 1")
            .map { "\(try $0.text(0)) \(try $0.int64(1) / 1_000_000_000) \(try $0.bool(2))" }
        #expect(
            rows == [
                "bounty_settlement 20 true", "create_version 5 false", "mirror_repo 100 false",
                "model_training 25 true",
                "parse_crate 50 false", "parse_csv 10 false", "parse_file 10 false", "parse_markdown 10 false",
                "pattern_accepted 10 true", "pattern_measurement 2 true", "peer_sync 15 false",
            ])
    }

    @Test func `balances for people are in Koi`() throws {
        let (store, connection, schema) = try fresh()
        try story { telling in
            try store.persist(StoreBatch(number: 1, ops: [], signed: [], ledger: telling.ledger.takeUpdate()))
        }
        let row = try connection.row(
            "SELECT koi::text FROM \(schema).balances WHERE agent = 'lab' ORDER BY koi DESC LIMIT 1")
        #expect(try row.text(0).hasPrefix("0.05"))
    }
}

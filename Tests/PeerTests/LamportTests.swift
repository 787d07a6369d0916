import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

@Suite struct LamportTests {
    /// The largest time that the wire can carry.
    let latest: UInt64 = 1 << 53

    @Test func `a member that claims the end of time does not keep others from signing`() throws {
        let town = Town(members: 3)
        try town.start(0)
        try town.start(1, contacts: [0])
        town.run(milliseconds: 1_000)
        let liar = town.puppet(as: 2, to: 0)
        let open = Op(
            signing: .openLog, body: [0x81, 0x01], log: LogID(rawValue: 9), seq: 1, prev: .zero, lamport: latest,
            deps: [],
            network: town.network, with: town.keys[2])
        liar.send(.ops([open.envelope]))
        town.run(milliseconds: 1_000)
        let ticket = town.submit(1, .memberAdd, try MemberAdd(peer: town.peer(1), name: "").encode())
        town.run(milliseconds: 10_000)
        #expect(town.results[ticket] != nil)
        #expect(town[0].counters.refused["malformed-op"] == nil)
        #expect(town[0].summary == town[1].summary, "what was signed after the lie reached everybody")
        for stored in town.stores[1] { #expect(stored.op.header.lamport < 100 || stored.op.id == open.id) }
        let journal = town.stores[1].filter { $0.op.header.author == town.peer(1) }
            .map { JournalEntry(envelope: $0.op.envelope, body: $0.body) }
        #expect(throws: Never.self) { try town.start(1, journal: journal) }
    }

    @Test(arguments: [0, 2, 3, 1 << 40] as [UInt64])
    func `an op that is not one later than what it builds on is void, and its log goes on`(time: UInt64) throws {
        let town = Town(members: 2)
        try town.start(0)
        let author = town.puppet(as: 1, to: 0)
        let key = town.keys[1]
        let log = LogID(rawValue: 9)
        let open = Op(
            signing: .openLog, body: [0x81, 0x01], log: log, seq: 1, prev: .zero, lamport: time, deps: [],
            network: town.network, with: key)
        let next = Op(
            signing: .memberAdd, body: [], log: log, seq: 2, prev: open.id, lamport: 2, deps: [], network: town.network,
            with: key)
        author.send(.ops([open.envelope, next.envelope]))
        town.run(milliseconds: 100)
        #expect(town.stores[0].map { $0.void?.code } == ["wrong-time", "invalid-body"])
        #expect(town[0].replica.lamport == 2)
    }
}

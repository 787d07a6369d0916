import Gossip
import Identity
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// Nodes with more logs than one message of a frontier holds.
@Suite struct RangeTests {
    /// The third member opens this many logs.
    private func logs(_ count: Int, in town: Town) -> [StoredOp] {
        (0..<count).map { number in
            let op = Op(
                signing: .openLog, body: [0x81, 0x01], log: LogID(rawValue: UInt64(1_000 + number)), seq: 1,
                prev: .zero, lamport: 1, deps: [], network: town.network, with: town.keys[2])
            return StoredOp(op: op, body: nil, void: nil, applyIndex: UInt64(number + 1))
        }
    }

    @Test func `two nodes that differ in a few of 300 logs compare ranges, once`() throws {
        let town = Town(members: 3)
        let ops = logs(300, in: town)
        town.seed(0, with: ops.enumerated().filter { $0.offset % 100 != 7 }.map(\.element))
        town.seed(1, with: ops)
        try town.start(0)
        try town.start(1, contacts: [0])
        town.run(milliseconds: 2_000)
        #expect(town[0].summary.frontierDigest == town[1].summary.frontierDigest)
        #expect(town[0].summary.frontier.heads.count == 300)
        #expect(town[0].ops.counters.comparisons + town[1].ops.counters.comparisons == 1, "one of the two begins")
        #expect(town.notices.allSatisfy { if case .banned = $0.notice { false } else { true } })
    }

    @Test func `a node without any ops gets all of 600 logs`() throws {
        let town = Town(members: 3)
        town.seed(1, with: logs(600, in: town))
        try town.start(0, contacts: [1])
        try town.start(1)
        town.run(milliseconds: 5_000)
        #expect(town[0].summary.frontier.heads.count == 600)
    }

    @Test func `a restarted node learns from ranges that its own log is where it left it`() throws {
        let town = Town(members: 3)
        let ops = logs(300, in: town)
        town.seed(2, with: Array(ops.dropLast()))
        town.seed(1, with: ops)
        let last = ops[298].op
        try town.start(1)
        try town.start(2, contacts: [1], journal: [JournalEntry(envelope: last.envelope, body: nil)])
        town.run(milliseconds: 1_000)
        #expect(town[2].ownLogKey == last.header.logKey, "long before it would have given up waiting")
    }

    @Test func `a peer of an older version gets the frontier whole`() throws {
        let town = Town(members: 3)
        town.seed(0, with: logs(300, in: town))
        try town.start(0)
        let puppet = town.puppet(as: 1, to: 0)
        town.run(milliseconds: 100)
        let pages = puppet.messages.compactMap { message -> Int? in
            if case .frontier(.full(_, _, let entries, _)) = message { entries.count } else { nil }
        }
        #expect(pages == [256, 44])
        #expect(!puppet.messages.contains { if case .reconcile = $0 { true } else { false } })
    }
}

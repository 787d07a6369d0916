import Identity
import Peer
import Replication
import Testing
import Wire

@testable import Simulation

@Suite struct DiskTests {
    let key = KeyPair(seed: Bytes(repeating: 1, count: 32))
    let network = NetworkID(Bytes(repeating: 5, count: 32))!

    /// A log of ops with the bodies given.
    func log(_ bodies: [Bytes]) -> [StoredOp] {
        var ops: [StoredOp] = []
        for (index, body) in bodies.enumerated() {
            let op = Op(
                signing: index == 0 ? .openLog : .updateModelWeights, body: body, log: LogID(rawValue: 3),
                seq: UInt64(index + 1), prev: ops.last?.op.id ?? .zero, lamport: UInt64(index + 1), deps: [],
                network: network, with: key)
            ops.append(
                StoredOp(
                    op: op, body: op.header.inlineBody == nil ? body : nil, void: nil, applyIndex: UInt64(index + 1)))
        }
        return ops
    }

    func batch(_ ops: [StoredOp]) -> StoreBatch { StoreBatch(number: 1, ops: ops, signed: ops) }

    @Test func `an op is stored once, in order, with its body`() throws {
        let ops = log([[0x81, 0x01], [1], Bytes(repeating: 2, count: 5_000)])
        var disk = Disk()
        try disk.commit(batch(ops))
        #expect(throws: Violation.self) { try disk.commit(batch([ops[1]])) }
        #expect(disk.database.body(ops[2].op.header.bodyHash) == ops[2].body)
        #expect(
            disk.database.envelopes(OpRange(key: ops[0].op.header.logKey, from: 2, through: 9))
                == ops[1...].map(\.op.envelope))
        var other = Disk()
        #expect(throws: Violation.self, "a gap in the log") { try other.commit(batch([ops[1]])) }
        let bodiless = StoredOp(op: ops[2].op, body: nil, void: nil, applyIndex: 3)
        var third = Disk()
        #expect(throws: Violation.self) { try third.commit(batch([ops[0], ops[1], bodiless])) }
    }

    @Test func `a restored database is one that was; the journal stays`() throws {
        let ops = log([[0x81, 0x01], [1], [2]])
        var disk = Disk()
        var random = Random(seed: 1)
        #expect(disk.restore(&random) == nil, "there is no backup")
        try disk.commit(batch([ops[0]]))
        for op in ops { disk.append(op) }
        disk.backUp()
        try disk.commit(batch([ops[1], ops[2]]))
        #expect(disk.restore(&random)?.map(\.op.id) == ops[1...].map(\.op.id))
        #expect(disk.ops.map(\.op.id) == [ops[0].op.id])
        #expect(disk.recovered(journalTail: 2).journal.map(\.envelope) == ops[1...].map(\.op.envelope))
        #expect(disk.recovered(journalTail: nil).journal.count == 3)
    }

    @Test func `bodies of deltas below the watermark are not read back`() throws {
        let ops = log([[0x81, 0x01], Bytes(repeating: 1, count: 5_000), Bytes(repeating: 2, count: 5_000)])
        var disk = Disk()
        try disk.commit(batch(ops))
        try disk.merge(StateSnapshot(watermark: 2, models: []))
        #expect(disk.recovered(journalTail: nil).ops.map { $0.body?.count } == [nil, nil, 5_000])
        #expect(throws: Violation.self, "a snapshot does not go back") {
            try disk.merge(StateSnapshot(watermark: 1, models: []))
        }
    }

    @Test func `a snapshot replaces rows, and drops those that are zero again`() throws {
        var disk = Disk()
        try disk.commit(batch(log([[0x81, 0x01], [1]])))
        let model = ModelID(Bytes(repeating: 9, count: 32))!
        func snapshot(_ watermark: UInt64, _ rows: [(UInt128, Bytes?)]) -> StateSnapshot {
            StateSnapshot(
                watermark: watermark,
                models: [
                    .init(id: model, tensors: [], rows: rows.map { .init(token: TokenID(rawValue: $0.0), bytes: $0.1) })
                ])
        }
        try disk.merge(snapshot(1, [(1, [1]), (2, [2])]))
        try disk.merge(snapshot(2, [(1, nil), (3, [3])]))
        #expect(disk.recovered(journalTail: nil).snapshot == snapshot(2, [(2, [2]), (3, [3])]))
    }
}

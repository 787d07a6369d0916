import Federation
import Identity
import Peer
import Replication
import Testing
import Wire

@testable import Storage

@Suite struct ForkStoreTests {
    private func fresh() throws -> OpStore {
        try OpStore(try TestServer.connect(), schema: TestServer.freshSchema().1, network: .zero)
    }

    private let key = KeyPair(seed: Bytes(repeating: 7, count: 32))

    private func op(_ seq: UInt64, after prev: Op?, body: Bytes) -> Op {
        Op(
            signing: seq == 1 ? .openLog : .updateModelWeights, body: body, log: LogID(rawValue: 5), seq: seq,
            prev: prev?.id ?? .zero,
            lamport: seq, deps: [], network: .zero, with: key)
    }

    @Test func `a proof is stored once, comes back, and says which ops have no effect`() throws {
        let store = try fresh()
        let large = Bytes(repeating: 1, count: 5_000)
        let one = op(1, after: nil, body: large)
        let two = op(2, after: one, body: large + [2])
        let twin = op(2, after: one, body: [3])
        let fork = StoredFork(proof: try #require(ForkProof(two, twin)), applyIndex: 3)
        try store.persist(
            StoreBatch(
                number: 1,
                ops: [
                    StoredOp(op: one, body: large, void: nil, applyIndex: 1),
                    StoredOp(op: two, body: large + [2], void: nil, applyIndex: 2),
                ], signed: []))
        let batch = StoreBatch(number: 2, ops: [], forks: [fork], signed: [])
        try store.persist(batch)
        try store.persist(batch)
        try store.persist(
            StoreBatch(
                number: 3,
                ops: [StoredOp(op: twin, body: nil, void: VoidReason(code: "forked", detail: ""), applyIndex: 4)],
                signed: []))
        #expect(try store.forks() == [fork])
        #expect(try store.recover().forks == [fork])
        let page = try store.page(limit: 9, before: nil, kind: nil, author: nil)
        #expect(page.map(\.void?.code) == ["forked", "forked", nil])
        #expect(try store.recover().ops.map(\.void?.code) == [nil, nil, "forked"], "what was judged stays")
        let range = OpRange(key: one.header.logKey, from: 2, through: 2)
        #expect(Set(try store.envelopes([range])) == [two.envelope, twin.envelope])
        var exported: [OpID] = []
        while let last = try store.next(after: exported.isEmpty ? nil : place(exported, [one, two, twin]), limit: 1)
            .first
        {
            exported.append(last.op.id)
        }
        #expect(Set(exported) == [one.id, two.id, twin.id] && exported.count == 3, "page by page, both branches")
    }

    private func place(_ ids: [OpID], _ ops: [Op]) -> (key: LogKey, seq: UInt64, id: OpID) {
        let op = ops.first { $0.id == ids.last }!
        return (op.header.logKey, op.header.seq, op.id)
    }

    @Test func `bodies below the snapshot come back only where a fork above it takes them out again`() throws {
        let store = try fresh()
        let bodies = (1...3).map { Bytes(repeating: UInt8($0), count: 5_000) }
        let one = op(1, after: nil, body: bodies[0])
        let two = op(2, after: one, body: bodies[1])
        let twin = op(2, after: one, body: bodies[2])
        try store.persist(
            StoreBatch(
                number: 1,
                ops: [
                    StoredOp(op: one, body: bodies[0], void: nil, applyIndex: 1),
                    StoredOp(op: two, body: bodies[1], void: nil, applyIndex: 2),
                ], signed: []))
        try store.write(StateSnapshot(watermark: 2, models: []))
        #expect(try store.recover().ops.map(\.body) == [bodies[0], nil], "only deltas are in the snapshot")
        let fork = StoredFork(proof: try #require(ForkProof(two, twin)), applyIndex: 3)
        try store.persist(StoreBatch(number: 2, ops: [], forks: [fork], signed: []))
        #expect(try store.recover().ops.map(\.body) == [bodies[0], bodies[1]])
        try store.write(StateSnapshot(watermark: 3, models: []))
        #expect(try store.recover().ops.map(\.body) == [bodies[0], nil], "only deltas are in the snapshot")
    }
}

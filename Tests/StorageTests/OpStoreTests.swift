import Identity
import Peer
import Replication
import Testing
import Wire

@testable import Storage

/// A log of signed ops, every third with a body of its own, every fifth void.
struct OpLog {
    let network = NetworkID.zero
    let key = KeyPair(seed: Bytes(repeating: 7, count: 32))
    var log = LogID(rawValue: 5)
    private var last: Op?

    init(log: UInt64 = 5) { self.log = LogID(rawValue: log) }

    mutating func next(applyIndex: UInt64, kind: OpKind = .trainStep) -> StoredOp {
        let hasBody = applyIndex.isMultiple(of: 3)
        let body = Bytes("body \(applyIndex)".utf8) + Bytes(repeating: 1, count: hasBody ? 5_000 : 0)
        let seq = (last?.header.seq ?? 0) + 1
        let op = Op(
            signing: seq == 1 ? .openLog : kind, body: body, log: log, seq: seq, prev: last?.id ?? .zero,
            lamport: applyIndex, deps: [],
            network: network, with: key)
        last = op
        let isVoid = applyIndex.isMultiple(of: 5)
        return StoredOp(
            op: op, body: hasBody ? body : nil,
            void: isVoid ? VoidReason(code: "wrong-shape", detail: "a: b") : nil, applyIndex: applyIndex)
    }

    mutating func ops(_ range: ClosedRange<UInt64>) -> [StoredOp] { range.map { next(applyIndex: $0) } }
}

@Suite struct OpStoreTests {
    private func fresh(lease: SchemaLease? = nil, schema: String? = nil) throws -> (OpStore, String) {
        let name = try schema ?? TestServer.freshSchema().1
        return (try OpStore(try TestServer.connect(), schema: name, network: .zero, lease: lease), name)
    }

    private func batch(_ ops: [StoredOp], number: UInt64 = 1) -> StoreBatch {
        StoreBatch(number: number, ops: ops, signed: [])
    }

    @Test func `what was stored comes back in order of application, bodies and verdicts too`() throws {
        let (store, schema) = try fresh()
        var log = OpLog()
        let ops = log.ops(1...20)
        try store.persist(batch(Array(ops[..<12])))
        try store.persist(batch(Array(ops[12...]), number: 2))
        let (other, _) = try fresh(schema: schema)
        let recovered = try other.recover()
        #expect(recovered.ops == ops)
        #expect(recovered.snapshot == nil)
    }

    @Test func `a batch whose commit was not heard of can be written again`() throws {
        let (store, _) = try fresh()
        var log = OpLog()
        let first = batch(log.ops(1...7))
        try store.persist(first)
        try store.persist(first)
        #expect(try store.recover().ops == first.ops)
    }

    @Test func `another op at a taken place is refused, and the batch leaves nothing`() throws {
        let (store, _) = try fresh()
        var log = OpLog()
        let ops = log.ops(1...4)
        try store.persist(batch(ops))
        var rival = OpLog(log: 6)
        let error = storageError { try store.persist(batch(rival.ops(4...6), number: 2)) }
        #expect(error?.reason == .unexpectedData)
        let same = storageError { try store.persist(batch([rival.next(applyIndex: 4)], number: 2)) }
        #expect(same?.reason == .unexpectedData, "not even when every place is taken")
        #expect(try store.recover().ops == ops)
    }

    @Test func `both branches of a fork have a place`() throws {
        let (store, _) = try fresh()
        var (one, other) = (OpLog(), OpLog())
        try store.persist(batch([one.next(applyIndex: 1), other.next(applyIndex: 2)]))
        #expect(try store.recover().ops.map(\.op.header.seq) == [1, 1])
    }

    @Test func `two ops may share one body, and a detail may be hostile`() throws {
        let (store, _) = try fresh()
        let body = Bytes(repeating: 9, count: 5_000)
        var ops: [StoredOp] = []
        for index in 1...2 as ClosedRange<UInt64> {
            let op = Op(
                signing: .openLog, body: body, log: LogID(rawValue: index), seq: 1, prev: .zero, lamport: 1, deps: [],
                network: .zero, with: OpLog().key)
            let void = VoidReason(code: "bad", detail: "x\0y")
            ops.append(StoredOp(op: op, body: body, void: void, applyIndex: index))
        }
        try store.persist(batch(ops))
        #expect(try store.body(ops[0].op.header.bodyHash) == body)
        #expect(try store.body(.zero) == nil)
        #expect(try store.recover().ops.first?.void == VoidReason(code: "bad", detail: "x\u{FFFD}y"))
    }

    @Test func `ranges of a log are read in order, missing ops left out`() throws {
        let (store, _) = try fresh()
        var log = OpLog()
        let ops = log.ops(1...9)
        try store.persist(batch(ops))
        let key = ops[0].op.header.logKey
        let absent = LogKey(author: key.author, log: LogID(rawValue: 99))
        let ranges = [
            OpRange(key: key, from: 3, through: 5), OpRange(key: absent, from: 1, through: 9),
            OpRange(key: key, from: 9, through: 20),
        ]
        #expect(try store.envelopes(ranges) == [2, 3, 4, 8].map { ops[$0].op.envelope })
    }

    @Test func `pages, prefixes and the export order`() throws {
        let (store, _) = try fresh()
        var (one, two) = (OpLog(log: 2), OpLog(log: 1))
        let ops = [one.next(applyIndex: 1), two.next(applyIndex: 2), one.next(applyIndex: 3, kind: .announceRows)]
        try store.persist(batch(ops))
        #expect(try store.page(limit: 2, before: nil, kind: nil, author: nil).map(\.applyIndex) == [3, 2])
        #expect(try store.page(limit: 9, before: 2, kind: nil, author: nil).map(\.applyIndex) == [1])
        #expect(try store.page(limit: 9, before: nil, kind: .announceRows, author: nil).map(\.applyIndex) == [3])
        #expect(try store.page(limit: 9, before: nil, kind: nil, author: "00ff00ff").isEmpty)
        for digits in [1, 7, 64] {
            let prefix = String(ops[2].op.id.hex.prefix(digits))
            let wanted = ops.filter { $0.op.id.hex.hasPrefix(prefix) }.map(\.op.id)
            #expect(try store.find(prefix).map(\.op.id) == wanted)
        }
        let first = try store.next(after: nil, limit: 2)
        #expect(first.map(\.op.id) == [ops[1].op.id, ops[0].op.id], "log by log")
        let place = (key: first[1].op.header.logKey, seq: first[1].op.header.seq, id: first[1].op.id)
        #expect(try store.next(after: place, limit: 2).map(\.op.id) == [ops[2].op.id])
        let bodies = try store.nextBodies(after: nil, limit: 5)
        #expect(bodies.map(\.hash) == [ops[2].op.header.bodyHash])
        #expect(try store.nextBodies(after: bodies[0].hash, limit: 5).isEmpty)
    }

    @Test func `a snapshot merges what changed, drops what became zero, and saves reading bodies`() throws {
        let (store, _) = try fresh()
        var log = OpLog()
        let ops = (1...6).map { log.next(applyIndex: $0, kind: .updateModelWeights) }
        try store.persist(batch(ops))
        let (a, b) = (ModelID(Bytes(repeating: 1, count: 32))!, ModelID(Bytes(repeating: 2, count: 32))!)
        func row(_ token: UInt128, _ bytes: Bytes?) -> StateSnapshot.Row {
            StateSnapshot.Row(token: TokenID(rawValue: token), bytes: bytes)
        }
        func tensor(_ index: Int, _ bytes: Bytes?) -> StateSnapshot.Tensor {
            StateSnapshot.Tensor(index: index, name: "t\(index)", bytes: bytes)
        }
        try store.write(
            StateSnapshot(
                watermark: 2,
                models: [
                    .init(id: a, tensors: [tensor(0, [1, 2]), tensor(1, [3])], rows: [row(4, [5]), row(6, [7])]),
                    .init(id: b, tensors: [tensor(0, nil)], rows: []),
                ]))
        try store.write(
            StateSnapshot(
                watermark: 3,
                models: [.init(id: a, tensors: [tensor(1, nil)], rows: [row(4, nil), row(5, [8]), row(6, [9])])]))
        let recovered = try store.recover()
        let expected = StateSnapshot(
            watermark: 3,
            models: [
                .init(id: a, tensors: [tensor(0, [1, 2]), tensor(1, nil)], rows: [row(5, [8]), row(6, [9])]),
                .init(id: b, tensors: [tensor(0, nil)], rows: []),
            ])
        #expect(recovered.snapshot == expected)
        #expect(recovered.ops.filter { $0.body != nil }.map(\.applyIndex) == [6], "3 is below the watermark")
    }

    @Test func `a snapshot of more rows than one statement takes is whole`() throws {
        let (store, _) = try fresh()
        var log = OpLog()
        try store.persist(batch([log.next(applyIndex: 1, kind: .updateModelWeights)]))
        let model = ModelID(Bytes(repeating: 1, count: 32))!
        let count = OpStore.rowBytesAtOnce / 256 + 1_000
        func rows(_ bytes: (Int) -> Bytes?) -> StateSnapshot {
            StateSnapshot(
                watermark: 1,
                models: [
                    .init(
                        id: model, tensors: [],
                        rows: (0..<count).map { .init(token: TokenID(rawValue: UInt128($0)), bytes: bytes($0)) })
                ])
        }
        let all = rows { Bytes(repeating: UInt8($0 % 256), count: 8) }
        try store.write(all)
        #expect(try store.recover().snapshot == all)
        try store.write(rows { _ in nil })
        #expect(try store.recover().snapshot?.models == [])
    }

    @Test func `a stored op of another network is reported, not trusted`() throws {
        let (store, schema) = try fresh()
        var log = OpLog()
        try store.persist(batch(log.ops(1...1)))
        try store.connection.script("UPDATE \(store.schema).operations SET envelope = '\\x00'")
        #expect(storageError { try store.recover() }?.reason == .unexpectedData)
        #expect(storageError { try OpStore(TestServer.connect(), schema: schema, network: .zero).recover() } != nil)
    }

    @Test func `who has lost the lease cannot write`() throws {
        let (connection, schema) = try TestServer.freshSchema()
        let target = TestServer.shared.target
        let lease = try SchemaLease(target, schema: schema, holder: "north", nonce: [1])
        let (store, _) = try fresh(lease: lease, schema: schema)
        var log = OpLog()
        try store.persist(batch(log.ops(1...2)))
        try connection.script("UPDATE \"\(schema)\".lease SET expires_at = clock_timestamp()")
        let other = try SchemaLease(target, schema: schema, holder: "south", nonce: [2])
        #expect(storageError { try store.persist(batch(log.ops(3...4), number: 2)) }?.reason == .inUse)
        #expect(storageError { try store.write(StateSnapshot(watermark: 2, models: [])) }?.reason == .inUse)
        #expect(try store.recover().ops.count == 2)
        lease.release()
        other.release()
    }

    @Test func `a database belongs to its first network and site`() throws {
        let (store, schema) = try fresh()
        let site = OpLog().key.peerID
        try store.claim(by: site)
        try store.claim(by: site)
        let other = KeyPair(seed: Bytes(repeating: 8, count: 32)).peerID
        let refusal = storageError { try store.claim(by: other) }
        #expect(refusal?.reason == .inUse)
        #expect(refusal?.cause.contains("another site, \(site.hex.prefix(12))") == true)
        let elsewhere = try OpStore(
            try TestServer.connect(), schema: schema, network: NetworkID(Bytes(repeating: 1, count: 32))!)
        #expect(storageError { try elsewhere.claim(by: site) }?.cause.contains("another network") == true)
    }
}

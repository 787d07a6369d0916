import Federation
import Gossip
import Identity
import Peer
import Replication
import Session
import Testing
import Wire

@Suite struct DurabilityTests {
    @Test func `nothing is told to anybody before it is durable`() {
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        bench.slowDisks = [0]
        let before = bench.summary(0)
        #expect(bench.submit(.createModel, Bench.spec.body, at: 0) == nil)
        #expect(bench.waiting[0]?.count == 1 && bench.ids(1) == [] && bench.summary(0) == before)
        bench.finishWrites(of: 0)
        #expect(bench.results[0].count == 1 && bench.ids(1) == bench.ids(0) && bench.ids(1).count == 2)
    }

    @Test func `one batch is on its way at a time, and what comes meanwhile goes into the next`() {
        var bench = Bench(members: 1)
        bench.slowDisks = [0]
        for _ in 0..<5 { bench.submit(.createModel, Bench.spec.body, at: 0) }
        #expect(bench.waiting[0]?.map(\.ops.count) == [2])
        bench.finishWrites(of: 0)
        #expect(bench.stored[0].map(\.applyIndex) == [1, 2, 3, 4, 5, 6])
        #expect(bench.nodes[0]!.counters.batches == 2)
    }

    @Test func `the journal gets what the node signed and nothing else`() {
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        bench.createModel(at: 0)
        bench.createModel(at: 1)
        #expect(bench.journals[0].map(\.envelope) == bench.stored[0].prefix(2).map(\.op.envelope))
        #expect(bench.journals[1].map(\.envelope) == bench.stored[1].suffix(2).map(\.op.envelope))
    }

    @Test func `a disk that cannot be written stops the node, and everybody who waits is told`() {
        var bench = Bench(members: 2)
        let wire = bench.connect(0, 1)
        bench.slowDisks = [0]
        for _ in 0..<2 { bench.submit(.createModel, Bench.spec.body, at: 0) }
        bench.run(.persistFailed("no space left on device"), at: 0)
        #expect(bench.notices[0].contains(.stopped(reason: "no space left on device")))
        #expect(bench.nodes[0]!.stopped == "no space left on device")
        #expect(Set(bench.results[0].keys) == [1, 2], "no ticket stays open")
        for result in bench.results[0].values {
            guard case .refused(let why) = result else { return #expect(Bool(false), "\(result)") }
            #expect(why.contains("no space left on device"))
        }
        #expect(bench.closed == [wire], "peers are told goodbye")
        guard case .refused? = bench.submit(.createModel, Bench.spec.body, at: 0) else { return #expect(Bool(false)) }
        bench.connect(1, 0)
        #expect(bench.nodes[1]!.peers == [], "a stopped node takes nobody in")
    }

    @Test func `too many submissions are refused, not piled up`() {
        var bench = Bench(members: 1)
        bench.slowDisks = [0]
        for _ in 0..<NodeLimits.submissions + 5 { bench.submit(.createModel, Bench.spec.body, at: 0) }
        let refused = bench.results[0].values.count { if case .refused = $0 { true } else { false } }
        #expect(refused == 4, "one is on its way, the rest waits")
    }

    @Test func `a body beyond the limit is refused before it is signed`() {
        var bench = Bench(members: 1)
        let body = Bytes(repeating: 0, count: OpLimits.bodyBytes + 1)
        guard case .refused(let why)? = bench.submit(.updateModelWeights, body, at: 0) else {
            return #expect(Bool(false))
        }
        #expect(why.contains("\(OpLimits.bodyBytes)") && bench.stored[0] == [])
    }

    @Test(arguments: 1...9)
    func `a node started from its store and snapshot is the node that stopped`(snapshotEveryOps: Int) {
        var bench = Bench(members: 1)
        bench.snapshotEveryOps = snapshotEveryOps
        bench.start(0)
        let model = bench.createModel(at: 0)
        bench.submit(.announceRows, Bench.manyRows(model), at: 0)
        for shift in 0..<5 as Range<UInt8> {
            bench.submit(.updateModelWeights, Bench.delta(model, shift: shift), at: 0)
        }
        #expect((bench.snapshots[0] != nil) == (snapshotEveryOps <= 8))
        let before = bench.summary(0)
        bench.stop(0)
        bench.start(0)
        #expect(bench.summary(0) == before)
    }

    @Test func `a store that lacks a body or breaks a chain stops the start`() throws {
        var bench = Bench(members: 1)
        let model = bench.createModel(at: 0)
        bench.submit(.announceRows, Bench.manyRows(model), at: 0)
        let ops = bench.stored[0]
        let configuration = NodeConfiguration(
            genesis: bench.genesis, contacts: [], listenAddresses: [], freshLog: LogID(rawValue: 1))
        func start(_ ops: [StoredOp]) throws(RecoveryError) {
            _ = try Node(
                configuration: configuration, identity: bench.keys[0], recovered: Recovered(ops: ops), seed: 1,
                now: bench.now, wallSeconds: 0)
        }
        let bodiless = StoredOp(op: ops[2].op, body: nil, void: nil, applyIndex: 3)
        #expect(throws: RecoveryError.missingBody(ops[2].op.id)) { try start([ops[0], ops[1], bodiless]) }
        #expect(throws: RecoveryError.brokenChain(ops[2].op.id)) { try start([ops[0], ops[2]]) }
        #expect(throws: Never.self) { try start(ops) }
    }
}

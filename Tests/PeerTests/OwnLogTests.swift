import Federation
import Gossip
import Identity
import Membership
import Peer
import Replication
import Session
import Testing
import Wire

/// Where a node's next op goes, after whatever happened to its disk.
@Suite struct OwnLogTests {
    /// A site that has signed an open-log, a model and two deltas, all on disk, and is now stopped.
    func written(_ members: Int = 2) -> (bench: Bench, model: ModelID) {
        var bench = Bench(members: members)
        let model = bench.createModel(at: 0)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        bench.stop(0)
        return (bench, model)
    }

    func reasons(_ bench: Bench) -> [String] {
        bench.notices[0].compactMap { if case .openedLog(_, let reason) = $0 { reason } else { nil } }
    }

    @Test func `the first op of a site opens its log`() {
        var bench = Bench(members: 1)
        #expect(bench.nodes[0]!.ownLogKey == nil)
        bench.createModel(at: 0)
        #expect(bench.stored[0].map(\.op.header.kind) == [.openLog, .createModel])
        #expect(bench.stored[0].map(\.op.header.seq) == [1, 2])
        #expect(reasons(bench) == ["first start"])
        #expect(bench.nodes[0]!.ownLogKey == bench.stored[0][0].op.header.logKey)
    }

    @Test func `a restarted site goes on in its log, after peers had time to object`() {
        var (bench, model) = written()
        bench.start(0)
        #expect(bench.submit(.updateModelWeights, Bench.delta(model), at: 0) == nil, "it waits")
        bench.pass(milliseconds: NodeLimits.confirmMs)
        #expect(bench.stored[0].last?.op.header.seq == 5)
        #expect(Set(bench.stored[0].map(\.op.header.logKey)).count == 1)
    }

    @Test func `a peer that has seen no more confirms at once`() {
        var (bench, model) = written()
        bench.start(0)
        bench.connect(0, 1)
        guard case .done? = bench.submit(.updateModelWeights, Bench.delta(model), at: 0) else {
            return #expect(Bool(false), "the log is confirmed")
        }
        #expect(bench.stored[1].last?.op.header.seq == 5)
    }

    @Test func `ops that only the journal has are taken in again, with their bodies`() {
        var (bench, model) = written()
        bench.start(0)
        bench.connect(0, 1)
        bench.submit(.announceRows, Bench.manyRows(model), at: 0)
        bench.stop(0)
        let lost = bench.stored[0].suffix(2).map(\.op.id)
        bench.stored[0].removeLast(2)
        bench.start(0)
        bench.run(.wake, at: 0)
        #expect(bench.ids(0).suffix(2) == lost)
        #expect(bench.stored[0].last?.body == Bench.manyRows(model))
        #expect(bench.journals[0].count == 5, "they are not journaled a second time")
        bench.connect(0, 1)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        #expect(bench.stored[0].last?.op.header.seq == 6)
        #expect(reasons(bench).count == 1)
        #expect(bench.summary(0) == bench.summary(1))
    }

    @Test func `a lost journal means a new log`() {
        var (bench, model) = written()
        bench.journals[0] = []
        bench.start(0)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        #expect(reasons(bench).last == "the sign journal is lost")
        #expect(bench.stored[0].suffix(2).map(\.op.header.kind) == [.openLog, .updateModelWeights])
        #expect(Set(bench.stored[0].map(\.op.header.logKey)).count == 2)
        #expect(bench.stored[0].last?.void == nil, "its model is in the new log's past")
    }

    @Test func `a database that does not continue the journal means a new log`() {
        var (bench, model) = written()
        bench.stored[0].removeLast(3)
        bench.journals[0].removeFirst(3)
        bench.start(0)
        bench.createModel(at: 0)
        #expect(reasons(bench).last?.contains("does not continue the sign journal") == true)
        #expect(bench.stored[0].last?.op.header.seq == 2)
        _ = model
    }

    @Test func `peers that hold more of the own log mean a new one`() {
        var (bench, model) = written()
        bench.start(0)
        bench.connect(0, 1)
        bench.stop(0)
        // Database and journal both go back: a copy of everything was restored.
        let ahead = bench.ids(1)
        bench.stored[0].removeLast(2)
        bench.journals[0].removeLast(2)
        bench.start(0)
        bench.connect(0, 1)
        #expect(Set(bench.ids(0)) == Set(ahead), "what it had signed comes back from its peers")
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        #expect(reasons(bench).last?.contains("peers hold more") == true)
        #expect(Set(bench.stored[0].map(\.op.header.logKey)).count == 2)
        let places = bench.stored[1].map { "\($0.op.header.logKey) \($0.op.header.seq)" }
        #expect(Set(places).count == places.count)
    }

    @Test func `a journal whose last body is torn means a new log`() {
        var (bench, model) = written()
        bench.start(0)
        bench.connect(0, 1)
        bench.submit(.announceRows, Bench.manyRows(model), at: 0)
        bench.stop(0)
        bench.stored[0].removeLast()
        bench.journals[0][4] = JournalEntry(envelope: bench.journals[0][4].envelope, body: nil)
        bench.start(0)
        bench.pass(milliseconds: NodeLimits.confirmMs + 100)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 0)
        #expect(bench.stored[0].last?.op.header.seq == 2)
        #expect(reasons(bench).last?.contains("lost ops that this node's last ones build on") == true)
    }

    @Test func `a journal of somebody else stops the start`() {
        let (bench, _) = written()
        let foreign = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let recovered = Recovered(
            ops: bench.stored[0], journal: [JournalEntry(envelope: foreign.envelope, body: nil)])
        let configuration = NodeConfiguration(
            genesis: bench.genesis, contacts: [], listenAddresses: [], freshLog: LogID(rawValue: 1))
        #expect(throws: RecoveryError.foreignJournal("it holds ops of \(bench.peer(1).short)")) {
            try Node(
                configuration: configuration, identity: bench.keys[0], recovered: recovered, seed: 1, now: bench.now,
                wallSeconds: 0)
        }
    }

    @Test func `who is no member yet signs nothing, and is told what to do`() {
        var bench = Bench(members: 1, outsiders: 1)
        guard case .refused(let why)? = bench.submit(.createModel, Bench.spec.body, at: 1) else {
            return #expect(Bool(false))
        }
        #expect(why.contains("shoal peers add \(bench.peer(1).hex)"))
        bench.submit(.memberAdd, try! MemberAdd(peer: bench.peer(1), name: "late").encode(), at: 0)
        bench.connect(1, 0)
        #expect(bench.isConnected(1, to: 0))
        bench.createModel(at: 1)
        #expect(bench.ids(0) == bench.ids(1))
    }

    @Test func `an open-log cannot be asked for`() {
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        bench.createModel(at: 0)
        guard case .refused? = bench.submit(.openLog, Bench.openLog, at: 0) else { return #expect(Bool(false)) }
        bench.createModel(at: 0)
        #expect(bench.isConnected(0, to: 1) && bench.ids(0) == bench.ids(1))
    }
}

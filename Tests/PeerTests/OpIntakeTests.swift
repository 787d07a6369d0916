import Federation
import Gossip
import Identity
import Membership
import Peer
import Replication
import Session
import Testing
import Wire

@Suite struct OpIntakeTests {
    @Test func `an op reaches everybody along a line, and equal ops mean equal state`() {
        var bench = Bench(members: 3)
        bench.connect(0, 1)
        bench.connect(1, 2)
        let model = bench.createModel(at: 0)
        guard case .done(let delta)? = bench.submit(.updateModelWeights, Bench.delta(model), at: 2) else {
            return #expect(Bool(false))
        }
        for site in 0...2 {
            #expect(Set(bench.ids(site)) == Set(bench.ids(0)) && bench.ids(site).contains(delta))
            #expect(bench.summary(site) == bench.summary(0))
        }
        let relayed = bench.stored[2].filter { $0.op.header.author == bench.peer(0) }
        #expect(relayed.count == 2, "the author and C have no link; B relayed")
    }

    @Test func `who connects late gets what it missed, bodies by hash`() {
        var bench = Bench(members: 2)
        let model = bench.createModel(at: 0)
        bench.submit(.announceRows, Bench.manyRows(model), at: 0)
        bench.submit(.announceRows, Bench.manyRows(model, count: 20_000), at: 0)
        #expect(bench.stored[0].last?.void?.code == "invalid-announcement", "the rows were announced before")
        bench.connect(1, 0)
        #expect(bench.ids(1) == bench.ids(0))
        #expect(bench.stored[1].map(\.body) == bench.stored[0].map(\.body))
        #expect(bench.summary(1) == bench.summary(0))
        #expect(bench.nodes[1]!.counters.bodyBytesReceived == bench.nodes[1]!.counters.bodyBytesUseful)
    }

    @Test func `more ops than one answer holds are fetched in several`() {
        var bench = Bench(members: 2)
        let model = bench.createModel(at: 0)
        for _ in 0..<300 { bench.submit(.updateModelWeights, Bench.delta(model), at: 0) }
        bench.connect(0, 1)
        #expect(bench.ids(1) == bench.ids(0) && bench.ids(1).count == 302)
    }

    @Test func `an op by a stranger is refused, and who sent it is not blamed`() {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let stranger = KeyPair(seed: Bytes(repeating: 200, count: 32))
        let op = bench.sign(.openLog, Bench.openLog, by: stranger)
        guest.say(.ops([op.envelope]), &bench)
        #expect(bench.stored[0] == [])
        #expect(bench.notices[0].last == .refused(op.id, code: "not-a-member", from: bench.peer(1)))
        #expect(guest.ended == nil)
    }

    static let alterations: [(name: String, code: String, alter: @Sendable (inout Bytes) -> Void)] = [
        ("signature", "bad-signature", { $0[$0.count - 1] ^= 1 }),
        ("body", "body-mismatch", { $0[$0.count - 68] ^= 1 }),
        ("end", "malformed-op", { $0.removeLast() }),
        ("form", "malformed-op", { $0.replaceSubrange(7...7, with: $0[7] == 0x58 ? [0x59, 0] : [0x5A, 0, 0]) }),
    ]

    @Test(arguments: alterations.indices)
    func `an altered op costs its sender the connection and an hour`(index: Int) {
        let (name, code, alter) = Self.alterations[index]
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        var envelope = bench.sign(.openLog, Bench.openLog, by: bench.keys[1]).envelope
        alter(&envelope)
        guest.say(.ops([envelope]), &bench)
        #expect(bench.nodes[0]!.counters.refused[code] == 1, "\(name): \(bench.nodes[0]!.counters.refused)")
        guard case .byeReceived(.misbehaviour, _)? = guest.ended else { return #expect(Bool(false), "\(name)") }
        #expect(bench.closed == [guest.number])

        let second = Guest(&bench, dials: 0, as: bench.keys[1])
        #expect(second.ended == .byeReceived(.misbehaviour, "you are shut out for a while"))
        bench.now = bench.now + NodeLimits.banMs
        let third = Guest(&bench, dials: 0, as: bench.keys[1])
        #expect(third.ended == nil)
    }

    @Test func `an op of another network costs its sender the connection`() {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let other = NetworkID(Bytes(repeating: 9, count: 32))!
        let op = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], network: other)
        guest.say(.ops([op.envelope]), &bench)
        #expect(bench.nodes[0]!.counters.refused["bad-signature"] == 1)
        #expect(guest.ended != nil && bench.stored[0] == [])
    }

    @Test func `nothing is written to a connection after it was closed`() {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        var altered = bench.sign(.openLog, Bench.openLog, by: bench.keys[1]).envelope
        altered[altered.count - 1] ^= 1
        var bytes = Bytes()
        for case .write(let frame) in (try? guest.link.send(.ops([altered]))) ?? [] { bytes += frame }
        let effects = bench.tell(0, .received(guest.number, bytes + Message.ping(nonce: 1).frame().encode()))
        let end = effects.firstIndex(of: .close(guest.number))!
        #expect(!effects[(end + 1)...].contains { if case .write = $0 { true } else { false } })
        #expect(effects.count { $0 == .close(guest.number) } == 1)
    }

    @Test func `an op whose author is added by an op on the way waits, and nobody is blamed`() {
        var bench = Bench(members: 2, outsiders: 1)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let add = bench.sign(
            .memberAdd, try! MemberAdd(peer: bench.peer(2), name: "late").encode(), by: bench.keys[1], seq: 2,
            prev: open.id, lamport: 2)
        let first = bench.sign(.openLog, Bench.openLog, by: bench.keys[2], log: 8, lamport: 3, deps: [add.id])
        guest.say(.ops([first.envelope]), &bench)
        #expect(bench.stored[0] == [] && bench.nodes[0]!.replica.waitingCount == 1)
        guest.say(.ops([open.envelope]), &bench)
        #expect(bench.ids(0) == [open.id])
        guest.say(.ops([add.envelope]), &bench)
        #expect(bench.ids(0) == [open.id, add.id, first.id])
        #expect(bench.nodes[0]!.counters.refused == [:] && guest.ended == nil)
    }

    @Test func `an op whose model is on the way waits, and nobody is blamed`() {
        var bench = Bench(members: 3)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let create = bench.sign(.createModel, Bench.spec.body, by: bench.keys[1], seq: 2, prev: open.id, lamport: 2)
        let other = bench.sign(.openLog, Bench.openLog, by: bench.keys[2], log: 8, lamport: 1)
        let delta = bench.sign(
            .updateModelWeights, Bench.delta(create.id), by: bench.keys[2], log: 8, seq: 2, prev: other.id, lamport: 3,
            deps: [create.id])
        guest.say(.ops([delta, other, create].map(\.envelope)), &bench)
        #expect(bench.ids(0) == [other.id] && bench.nodes[0]!.replica.waitingCount == 2)
        guest.say(.ops([open.envelope]), &bench)
        #expect(bench.ids(0) == [other.id, open.id, create.id, delta.id])
        #expect(bench.void(delta.id, at: 0) == nil)
        #expect(bench.nodes[0]!.counters.refused == [:] && guest.ended == nil)
    }

    @Test func `a delta for a model outside its causal past is void, whatever the receiver knows`() {
        var bench = Bench(members: 2)
        let model = bench.createModel(at: 0)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let delta = bench.sign(
            .updateModelWeights, Bench.delta(model), by: bench.keys[1], seq: 2, prev: open.id, lamport: 2)
        guest.say(.ops([open.envelope, delta.envelope]), &bench)
        #expect(bench.void(delta.id, at: 0) == "unknown-model")
    }

    @Test func `rounds of training are counted by model and member, whatever else they sign`() {
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        let model = bench.createModel(at: 0)
        let other = bench.createModel(at: 0)
        func delta(_ model: ModelID, round: UInt64) -> Bytes {
            let row = RowBlock(indices: [0], shifts: [8], values: .int8(Array(repeating: 100, count: 16)))
            return Delta(model: model, round: round, steps: 1, tokensSeen: 1, dense: row, rows: .empty).body
        }
        for round in [1, 1, 2, 7] as [UInt64] { bench.submit(.updateModelWeights, delta(model, round: round), at: 0) }
        bench.submit(.updateModelWeights, delta(other, round: 1), at: 0)
        bench.submit(.memberAdd, try! MemberAdd(peer: bench.peer(1), name: "again").encode(), at: 0)
        #expect(bench.nodes[1]!.rounds(of: model) == [bench.peer(0): 3], "two ops of one round are one")
        #expect(bench.nodes[1]!.rounds(of: other) == [bench.peer(0): 1])
        #expect(bench.nodes[0]!.rounds(of: model) == [bench.peer(1): 0])
    }
}

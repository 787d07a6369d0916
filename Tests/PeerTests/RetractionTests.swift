import Consensus
import Federation
import Gossip
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A site takes back what it trained, on every node, exactly.
@Suite struct RetractionTests {
    private func range(_ ops: [Op], _ from: UInt64, _ through: UInt64) -> Revocation.Range {
        .init(log: ops[0].header.log, from: from, through: through, id: ops[Int(through) - 1].id)
    }

    /// The next op of the log behind `ops`, or the second of another one.
    private func retraction(_ bench: Bench, _ ops: [Op], _ range: Revocation.Range, by site: Int = 2) -> Op {
        bench.sign(
            .retraction, Retraction(range).encode(), by: bench.keys[site], seq: UInt64(ops.count + 1),
            prev: ops.last!.id, lamport: ops.last!.header.lamport + 1)
    }

    @Test(arguments: [(2, 4), (3, 3), (2, 2), (1, 3)] as [(UInt64, UInt64)])
    func `sums are as a fold without those ops has them`(_ from: UInt64, _ through: UInt64) {
        var (bench, model) = Bench.withModel()
        let ops = bench.training(model, deltas: 3)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let all = bench.sums
        let taken = retraction(bench, ops, range(ops, from, through))
        relay.say(.ops([taken.envelope]), &bench)
        #expect(bench.void(taken.id, at: 0) == nil)
        // From scratch, and only what stays.
        var table = ModelTable()
        table.apply(create: Bench.spec, id: model)
        for (at, op) in ops.enumerated().dropFirst() where !(from...through).contains(UInt64(at + 1)) {
            try! table.apply(
                try! Delta(body: op.header.inlineBody!), author: op.header.author, log: op.header.log)
        }
        #expect(bench.sums == table.digest() && bench.sums != all)
        for (at, op) in ops.enumerated().dropFirst() where (from...through).contains(UInt64(at + 1)) {
            try! table.apply(
                try! Delta(body: op.header.inlineBody!), author: op.header.author, log: op.header.log)
        }
        #expect(table.digest() == all)
        #expect(bench.stored[0].contains { $0.op.id == ops[3].id }, "the ops keep their places")
    }

    @Test func `nobody takes back what is not theirs, or not written yet`() {
        var (bench, model) = Bench.withModel()
        let ops = bench.training(model, deltas: 3)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let all = bench.sums
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let last = ops.last!
        func by1(_ range: Revocation.Range, deps: [OpID]) -> Op {
            bench.sign(
                .retraction, Retraction(range).encode(), by: bench.keys[1], seq: 2, prev: open.id,
                lamport: deps.isEmpty ? 2 : last.header.lamport + 1, deps: deps)
        }
        let foreign = by1(range(ops, 2, 3), deps: [last.id])
        relay.say(.ops([open.envelope, foreign.envelope]), &bench)
        #expect(bench.void(foreign.id, at: 0) == "unknown-range")
        // The right seq with another op's id; a range of which the author's op knows nothing; a body that is none.
        let wrong = Revocation.Range(log: ops[0].header.log, from: 2, through: 3, id: ops[3].id)
        var log = ops
        for body in [Retraction(wrong).encode(), [0x80], Retraction(range(ops, 2, 3)).encode() + [0]] {
            let op = bench.sign(
                .retraction, body, by: bench.keys[2], seq: UInt64(log.count + 1), prev: log.last!.id,
                lamport: log.last!.header.lamport + 1)
            log.append(op)
            relay.say(.ops([op.envelope]), &bench)
            #expect(["unknown-range", "invalid-body"].contains(bench.void(op.id, at: 0)))
        }
        // Another log of the same author that does not build on the training.
        let other = bench.sign(.openLog, Bench.openLog, by: bench.keys[2], log: 78)
        let early = bench.sign(
            .retraction, Retraction(range(ops, 2, 3)).encode(), by: bench.keys[2], log: 78, seq: 2, prev: other.id,
            lamport: 2)
        relay.say(.ops([other.envelope, early.envelope]), &bench)
        #expect(bench.void(early.id, at: 0) == "unknown-range")
        #expect(bench.sums == all)
    }

    @Test(arguments: [1, 2, 256])
    func `a restart finds the same sums, however old the snapshot is`(snapshotEvery: Int) {
        var (bench, model) = Bench.withModel(snapshotEvery: snapshotEvery)
        let ops = bench.training(model, deltas: 3)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        relay.say(.ops([retraction(bench, ops, range(ops, 2, 3)).envelope]), &bench)
        let (wanted, summary) = (bench.sums, bench.summary(0))
        bench.stop(0)
        bench.start(0)
        #expect(bench.sums == wanted)
        #expect(bench.summary(0) == summary)
    }

    @Test func `a fork that takes the retraction back puts the deltas in again`() {
        var (bench, model) = Bench.withModel()
        let ops = bench.training(model, deltas: 3)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let all = bench.sums
        let taken = retraction(bench, ops, range(ops, 2, 3))
        relay.say(.ops([taken.envelope]), &bench)
        #expect(bench.sums != all)
        let other = bench.sign(
            .deleteModel, [1], by: bench.keys[2], seq: 5, prev: ops[3].id, lamport: ops[3].header.lamport + 1)
        relay.say(.ops([other.envelope]), &bench)
        #expect(bench.sums == all)
    }

    @Test func `what is taken back twice comes out once, and a fork of one retraction leaves the other`() {
        var (bench, model) = Bench.withModel()
        let ops = bench.training(model, deltas: 3)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let first = retraction(bench, ops, range(ops, 2, 3))
        relay.say(.ops([first.envelope]), &bench)
        let once = bench.sums
        let second = retraction(bench, ops + [first], range(ops, 3, 3))
        relay.say(.ops([second.envelope]), &bench)
        #expect(bench.void(second.id, at: 0) == nil && bench.sums == once)
        let fork = bench.sign(
            .deleteModel, [1], by: bench.keys[2], seq: 6, prev: first.id, lamport: first.header.lamport + 1)
        relay.say(.ops([fork.envelope]), &bench)
        #expect(bench.sums == once, "the first still takes both out")
    }
}

import Federation
import Gossip
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A member signs two ops for one place: everybody takes back what that log said from there on.
@Suite struct ForkTests {
    /// A log of site 2's key that opens, and goes on with two different deltas on a model of site 0.
    private struct Liar {
        let model: ModelID
        let open: Op
        let one: Op
        let other: Op

        init(_ bench: Bench) {
            let created = bench.stored[0].last!.op
            model = created.id
            open = bench.sign(.openLog, Bench.openLog, by: bench.keys[2])
            func delta(_ shift: UInt8, _ bench: Bench, _ open: Op) -> Op {
                bench.sign(
                    .updateModelWeights, Bench.delta(created.id, shift: shift), by: bench.keys[2], seq: 2,
                    prev: open.id, lamport: max(open.header.lamport, created.header.lamport) + 1, deps: [created.id])
            }
            one = delta(8, bench, open)
            other = delta(9, bench, open)
        }
    }

    /// Sites 0 and 1 with a model; site 2 is played by hand.
    private func bench() -> Bench {
        var bench = Bench(members: 3)
        bench.stop(2)
        bench.createModel(at: 0)
        bench.connect(0, 1)
        return bench
    }

    @Test func `two sites that hold different branches agree to the bit once they talk`() throws {
        var bench = bench()
        let liar = Liar(bench)
        let before = bench.nodes[0]!.summary.stateDigest
        bench.stop(1)
        bench.start(1)
        var first = Guest(&bench, dials: 0, as: bench.keys[2])
        var second = Guest(&bench, dials: 1, as: bench.keys[2])
        first.say(.ops([liar.open.envelope, liar.one.envelope]), &bench)
        second.say(.ops([liar.open.envelope, liar.other.envelope]), &bench)
        #expect(bench.summary(0) != bench.summary(1))
        #expect(bench.nodes[0]!.summary.stateDigest != before, "the delta has its effect")
        bench.connect(0, 1)
        bench.pass(milliseconds: 1_000)
        #expect(bench.summary(0) == bench.summary(1))
        #expect(bench.nodes[0]!.summary.stateDigest == before, "and lost it without a trace")
        let proof = try #require(ForkProof(liar.one, liar.other))
        for site in 0...1 {
            #expect(bench.nodes[site]!.forkProofs[proof.key] == proof)
            #expect(bench.notices[site].contains(.fork(proof)))
        }
    }

    @Test func `after a restart the proof is known, and its effect not repeated`() throws {
        for snapshotEvery in [1, 256] {
            var bench = Bench(members: 3)
            bench.stop(2)
            bench.stop(0)
            bench.snapshotEveryOps = snapshotEvery
            bench.start(0)
            bench.createModel(at: 0)
            let liar = Liar(bench)
            var guest = Guest(&bench, dials: 0, as: bench.keys[2])
            guest.say(.ops([liar.open.envelope, liar.one.envelope]), &bench)
            guest.say(.ops([liar.other.envelope]), &bench)
            #expect(bench.forks[0].map(\.proof) == [ForkProof(liar.one, liar.other)])
            let summary = bench.summary(0)
            bench.stop(0)
            bench.start(0)
            #expect(bench.summary(0) == summary, "snapshot every \(snapshotEvery) ops")
            bench.pass(milliseconds: 6_000)
            bench.createModel(at: 0)
            #expect(bench.stored[0].last!.applyIndex == UInt64(bench.stored[0].count + bench.forks[0].count))
        }
    }

    @Test func `what an honest site built on a branch is applied by those who never had that branch`() throws {
        var bench = bench()
        let liar = Liar(bench)
        bench.stop(1)
        bench.start(1)
        var first = Guest(&bench, dials: 0, as: bench.keys[2])
        first.say(.ops([liar.open.envelope, liar.one.envelope]), &bench)
        // Site 0 builds on the branch; site 1 learns of the fork before it hears of that.
        bench.createModel(at: 0)
        #expect(bench.stored[0].last!.op.header.deps.contains(liar.one.id))
        var second = Guest(&bench, dials: 1, as: bench.keys[2])
        second.say(.equivocation(liar.one.envelope, liar.other.envelope), &bench)
        #expect(bench.nodes[1]!.forkProofs.count == 1)
        bench.connect(0, 1)
        bench.pass(milliseconds: 8_000)
        #expect(bench.summary(0) == bench.summary(1))
        #expect(bench.void(liar.one.id, at: 1) == "forked", "here only as the past of what builds on it")
        #expect(!bench.ids(1).contains(liar.other.id))
    }

    @Test func `whom a branch admitted does not belong, but what the new one wrote elsewhere stays`() throws {
        var bench = Bench(members: 3, outsiders: 1)
        bench.stop(2)
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[2])
        let add = bench.sign(
            .memberAdd, try MemberAdd(peer: bench.peer(3), name: "guest").encode(), by: bench.keys[2], seq: 2,
            prev: open.id, lamport: 2)
        let other = bench.sign(.transfer, [1], by: bench.keys[2], seq: 2, prev: open.id, lamport: 2)
        let written = bench.sign(.openLog, Bench.openLog, by: bench.keys[3], log: 9, lamport: 3, deps: [add.id])
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        guest.say(.ops([open.envelope, add.envelope, written.envelope]), &bench)
        #expect(bench.nodes[0]!.state.members.contains(bench.peer(3)))
        guest.say(.ops([other.envelope]), &bench)
        #expect(!bench.nodes[0]!.state.members.contains(bench.peer(3)))
        #expect(bench.nodes[0]!.summary.frontier[written.header.logKey]?.seq == 1)
    }

    @Test func `a site whose key was copied goes on in a new log, and says why`() throws {
        var bench = Bench(members: 2)
        let model = bench.createModel(at: 0)
        let key = try #require(bench.nodes[0]!.ownLogKey)
        let opened = bench.stored[0][0].op
        // The copy signs another second op.
        let copied = bench.sign(
            .createModel, Bench.spec.body + [], by: bench.keys[0], log: key.log.rawValue, seq: 2, prev: opened.id,
            lamport: 5)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        guest.say(.equivocation(bench.stored[0][1].op.envelope, copied.envelope), &bench)
        #expect(bench.nodes[0]!.ownLogKey == nil)
        #expect(!bench.nodes[0]!.models.contains(model))
        let again = bench.createModel(at: 0)
        #expect(bench.nodes[0]!.ownLogKey != key && bench.nodes[0]!.ownLogKey != nil)
        #expect(bench.nodes[0]!.models == [again])
        #expect(
            bench.notices[0].contains {
                if case .openedLog(_, let reason) = $0 { reason.contains("copy of this site's key") } else { false }
            })
    }

    @Test func `proofs against strangers are not kept`() throws {
        var bench = Bench(members: 2)
        let stranger = KeyPair(seed: Bytes(repeating: 99, count: 32))
        let one = bench.sign(.openLog, Bench.openLog, by: stranger)
        let other = bench.sign(.openLog, Bench.openLog, by: stranger, lamport: 9)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        guest.say(.equivocation(one.envelope, other.envelope), &bench)
        #expect(bench.forks[0].isEmpty && guest.ended == nil)
    }

    @Test func `a liar that goes on signing beyond its fork is not heard any more`() throws {
        var bench = bench()
        let liar = Liar(bench)
        var guest = Guest(&bench, dials: 0, as: bench.keys[2])
        guest.say(.ops([liar.open.envelope, liar.one.envelope, liar.other.envelope]), &bench)
        let stored = bench.ids(0).count
        var prev = liar.other
        for seq in 3...200 as ClosedRange<UInt64> {
            prev = bench.sign(
                .transfer, [1], by: bench.keys[2], seq: seq, prev: prev.id, lamport: prev.header.lamport + 1)
            guest.say(.ops([prev.envelope]), &bench)
        }
        #expect(bench.ids(0).count == stored)
        #expect(bench.nodes[0]!.replica.waitingCount == 0)
    }
}

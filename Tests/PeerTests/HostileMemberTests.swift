import Federation
import Gossip
import Identity
import Membership
import Peer
import Replication
import Session
import Testing
import Wire

/// A member with a valid key that means harm.
@Suite struct HostileMemberTests {
    @Test func `a proof of a fork that proves nothing costs its sender the connection`() {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let one = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let other = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 78)
        guest.say(.equivocation(one.envelope, other.envelope), &bench)
        guard case .byeReceived(.misbehaviour, _)? = guest.ended else { return #expect(Bool(false)) }
    }

    @Test func `two ops at one place are told to the operator and proven, and who relayed them goes on`() throws {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let one = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let other = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], lamport: 9)
        guest.say(.ops([one.envelope, other.envelope]), &bench)
        #expect(bench.ids(0).isEmpty && bench.forks[0].count == 1)
        #expect(bench.notices[0].contains(.fork(try #require(ForkProof(one, other)))))
        #expect(guest.ended == nil, "who relays a fork did not make it")
    }

    @Test func `what waits of a sender that is found out goes, but not what others sent`() {
        var bench = Bench(members: 3)
        var liar = Guest(&bench, dials: 0, as: bench.keys[1])
        var honest = Guest(&bench, dials: 0, as: bench.keys[2])
        // The liar sends an op that waits for its chain; an honest peer sends one that builds on it.
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let second = bench.sign(.createModel, Bench.spec.body, by: bench.keys[1], seq: 2, prev: open.id, lamport: 2)
        let built = bench.sign(.openLog, Bench.openLog, by: bench.keys[2], log: 8, lamport: 3, deps: [second.id])
        liar.say(.ops([second.envelope]), &bench)
        honest.say(.ops([built.envelope]), &bench)
        #expect(bench.nodes[0]!.replica.waitingCount == 2)
        var altered = open.envelope
        altered[altered.count - 1] ^= 1
        liar.say(.ops([altered]), &bench)
        #expect(liar.ended != nil)
        #expect(bench.nodes[0]!.replica.waitingCount == 1, "what the honest peer sent stays")
        honest.say(.ops([open.envelope, second.envelope]), &bench)
        #expect(bench.ids(0) == [open.id, second.id, built.id])
    }

    @Test func `what a member pushes beyond its rate is not even checked, and is taken when it was asked for`() throws {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let burst = Int(GossipLimits.pushBurst)
        var ops = [bench.sign(.openLog, Bench.openLog, by: bench.keys[1])]
        for seq in 2...UInt64(burst + 50) {
            ops.append(
                bench.sign(
                    .transfer, [0x16], by: bench.keys[1], seq: seq, prev: ops[ops.count - 1].id, lamport: seq))
        }
        var envelopes = ops.map(\.envelope)
        // Nobody looks at this signature.
        envelopes[burst + 49][envelopes[burst + 49].count - 1] ^= 1
        for start in stride(from: 0, to: envelopes.count, by: 500) {
            guest.say(.ops(Array(envelopes[start..<min(start + 500, envelopes.count)])), &bench)
        }
        #expect(bench.ids(0).count == burst)
        #expect(bench.nodes[0]!.counters.refused["too-many-pushes"] == 50)
        #expect(guest.ended == nil)

        let key = ops[0].header.logKey
        let entry = FrontierEntry(author: key.author, log: key.log, seq: UInt64(ops.count), head: ops[ops.count - 1].id)
        guest.say(.frontier(.full(digest: .zero, state: .zero, entries: [entry], more: false)), &bench)
        let pulled = guest.said.contains {
            if case .pull(let ranges) = $0 { ranges.contains { $0.from == UInt64(burst + 1) } } else { false }
        }
        #expect(pulled)
        guest.say(.ops(ops[burst...].map(\.envelope)), &bench)
        #expect(bench.ids(0).count == ops.count)
    }

    @Test func `asking for everything and claiming everything gets what there is`() {
        var bench = Bench(members: 2)
        bench.createModel(at: 0)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let key = bench.stored[0][0].op.header.logKey
        let nobody = PeerID(Bytes(repeating: 255, count: 32))!
        let ranges = [
            PullRange(author: key.author, log: key.log, from: 1, through: .max),
            PullRange(author: nobody, log: key.log, from: 5, through: .max),
        ].sorted { $0.author < $1.author }
        guest.say(.pull(ranges), &bench)
        #expect(guest.said.contains(.ops(bench.stored[0].map(\.op.envelope))))
        let claim = FrontierEntry(author: nobody, log: key.log, seq: .max, head: .zero)
        guest.say(.frontier(.full(digest: .zero, state: .zero, entries: [claim], more: false)), &bench)
        bench.pass(milliseconds: 60_000)
        #expect(bench.nodes[0]!.stopped == nil)
    }

    @Test func `a peer that never has the body is not asked without end`() {
        var bench = Bench(members: 2)
        var guest = Guest(&bench, dials: 0, as: bench.keys[1])
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1])
        let large = bench.sign(
            .createModel, Bytes(repeating: 1, count: 5_000), by: bench.keys[1], seq: 2, prev: open.id, lamport: 2)
        guest.say(.ops([open.envelope, large.envelope]), &bench)
        for _ in 0..<20 where guest.said.contains(where: { $0.kind == .blobWant }) {
            guest.say(.blobNone(large.header.bodyHash), &bench)
        }
        let asked = guest.said.count { $0.kind == .blobWant }
        #expect(asked == 1, "asked \(asked) times in no time")
        for _ in 0..<12 {
            bench.pass(milliseconds: 1_000)
            guest.listen(&bench)
        }
        #expect((2...4).contains(guest.said.count { $0.kind == .blobWant }), "and again after a while")
        let body = Blob(chunk: 0, of: Bytes(repeating: 1, count: 5_000), hash: large.header.bodyHash)
        guest.say(.blob(body), &bench)
        #expect(bench.ids(0) == [open.id, large.id], "a late answer is as good as any")
    }
}

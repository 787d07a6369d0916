import Consensus
import Federation
import Gossip
import Identity
import Ledger
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A site that begins takes certified sums in place of bodies, and has the state that everybody has.
@Suite struct NewcomerTests {
    /// Sites 0 and 2 run, and site 2 has trained; site 0 has the certificate of its first deltas. Site 1 is to come.
    private func town() throws -> (Bench, BlockSums) {
        var bench = Bench(members: 3)
        bench.stop(1)
        bench.connect(2, 0)
        let model = bench.createModel(at: 0)
        bench.submit(.announceRows, Bench.manyRows(model), at: 2)
        for seed in 1...3 { bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: UInt64(seed)), at: 2) }
        let sums = try bench.certifyDeltas()
        // One delta behind the block.
        bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: 9), at: 2)
        return (bench, sums)
    }

    private func begin(_ bench: inout Bench) {
        bench.start(1)
        bench.connect(1, 0)
    }

    @Test func `it fetches sums, no bodies for which they stand, and has the same state`() throws {
        var (bench, sums) = try town()
        begin(&bench)
        #expect(bench.pinned[1] == [sums])
        #expect(bench.summary(1) == bench.summary(0))
        let deltas = bench.stored[1].filter { $0.op.header.kind == .updateModelWeights }
        #expect(
            deltas.map { $0.body != nil } == [false, false, false, true],
            "of the block no body, of the last one its own")
        // The sums, the announcement, the last delta.
        #expect(bench.nodes[1]!.counters.bodiesFetched == 3)
    }

    /// Seed 1005831: it had an op, went away, and its only neighbour had dropped the bodies meanwhile.
    @Test func `so does who holds ops and no delta yet`() throws {
        var (bench, sums) = try town()
        bench.stored[1] = Array(bench.stored[0].prefix { $0.op.header.kind != .updateModelWeights })
        #expect(bench.stored[1].count >= 2)
        bench.dropBodies(sums, at: 0)
        begin(&bench)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
        bench.stop(1)
        begin(&bench)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
    }

    @Test func `it subtracts the sums when a part of the block is taken back`() throws {
        var (bench, sums) = try town()
        begin(&bench)
        let before = bench.summary(0)
        bench.takeBack(sums)
        #expect(bench.summary(0) != before && bench.summary(1) == bench.summary(0))
    }

    @Test func `it begins with sums that are not to be added, when their block is broken already`() throws {
        var (bench, sums) = try town()
        bench.takeBack(sums)
        begin(&bench)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
    }

    @Test func `a fork in the block takes the sums out, too`() throws {
        var (bench, sums) = try town()
        begin(&bench)
        bench.stop(2)
        let seq = sums.block.through
        let prev = try #require(bench.nodes[0]!.replica.id(sums.block.key, seq - 1))
        let other = bench.sign(
            .deleteModel, [1], by: bench.keys[2], log: sums.block.key.log.rawValue, seq: seq, prev: prev, lamport: 99)
        var relay = Guest(&bench, dials: 0, as: bench.keys[2])
        relay.say(.ops([other.envelope]), &bench)
        #expect(bench.nodes[1]!.forkProofs[sums.block.key]?.seq == seq)
        #expect(bench.summary(1) == bench.summary(0))
        let trained = bench.nodes[1]!.state.models
        #expect(
            trained.ids.allSatisfy { trained[$0]!.accumulators.nonzeroTokens.isEmpty }, "nothing is left of the log")
    }

    @Test func `who names a range finds the deltas for which sums stand`() throws {
        var (bench, sums) = try town()
        begin(&bench)
        func found(_ bench: Bench) -> [Int?] {
            [0, 1].map { bench.nodes[$0]!.span(sums.block.key, 1, sums.block.through)?.deltas }
        }
        #expect(found(bench) == [3, 3])
        bench.takeBack(sums)
        #expect(found(bench) == [0, 0], "they are out")
    }

    @Test(arguments: [1, 256]) func `a restart finds the same state`(snapshotEvery: Int) throws {
        var (bench, sums) = try town()
        bench.snapshotEveryOps = snapshotEvery
        begin(&bench)
        let wanted = bench.summary(1)
        bench.stop(1)
        bench.start(1)
        bench.run(.wake, at: 1)
        #expect(bench.summary(1) == wanted && bench.nodes[1]!.state.pinnedSums == [sums])
        bench.connect(1, 0)
        bench.takeBack(sums)
        #expect(bench.summary(1) == bench.summary(0))
    }

    @Test func `a node that drops bodies keeps its state, and undoes the block without them`() throws {
        var (bench, sums) = try town()
        let before = bench.summary(0)
        #expect(bench.nodes[0]!.droppable == [sums] && bench.nodes[2]!.droppable.isEmpty, "nobody drops its own")
        bench.run(.drop(sums), at: 0)
        #expect(bench.pinned[0] == [sums] && bench.summary(0) == before && bench.nodes[0]!.droppable.isEmpty)
        bench.takeBack(sums)
        #expect(bench.summary(0) == bench.summary(2) && bench.summary(0) != before)
        bench.stop(0)
        bench.start(0)
        bench.run(.wake, at: 0)
        #expect(bench.summary(0) == bench.summary(2))
        begin(&bench)
        #expect(bench.summary(1) == bench.summary(0))
    }

    @Test func `nothing is dropped of a block that is not certified, or of which something is taken out`() throws {
        var (bench, sums) = try town()
        let other = BlockSums(block: sums.block, byteCount: 1, parts: [.zero])
        bench.run(.drop(other), at: 0)
        #expect(bench.pinned[0].isEmpty)
        bench.takeBack(sums)
        bench.run(.drop(sums), at: 0)
        #expect(bench.pinned[0].isEmpty && bench.nodes[0]!.droppable.isEmpty)
    }

    @Test func `without the parts it does what it did before there were sums`() throws {
        var (bench, _) = try town()
        bench.parts[0] = [:]
        begin(&bench)
        #expect(bench.nodes[1]!.summary.frontier.opCount == 0, "it looks for the parts")
        bench.pass(milliseconds: 40_000)
        #expect(bench.pinned[1].isEmpty && bench.summary(1) == bench.summary(0))
    }

    @Test func `what it asked on a connection that another one replaces is asked again`() {
        var bench = Bench(members: 3)
        var members = [Guest(&bench, dials: 1, as: bench.keys[0], features: HelloFeatures.sums)]
        members.append(Guest(&bench, dials: 1, as: bench.keys[0], features: HelloFeatures.sums))
        members[0].listen(&bench)
        #expect(members[0].ended == .byeReceived(.duplicate, "another connection is kept"))
        for member in members {
            let asked = member.said.filter { $0.kind == .sumsWant }
            #expect(asked == [.sumsWant(.checkpoints(after: 0))], "not ten seconds later")
        }
    }

    @Test func `a claim that names what has no bodies is not measured`() throws {
        var (bench, sums) = try town()
        let model = try #require(bench.nodes[0]!.models.first)
        let key = sums.block.key
        let head = try #require(bench.nodes[2]!.replica.frontier[key])
        let span = OpSpan(model: model, log: key.log, from: 1, through: head.seq, head: head.id)
        bench.pass(milliseconds: 8_000)
        bench.submit(.claim, LedgerBody.claim(TrainingClaim(agent: "site", span: span)).encode(), at: 2)
        bench.pass(milliseconds: 1_000)
        let id = try #require(bench.stored[0].last { $0.op.header.kind == .claim && $0.void == nil }?.op.id)
        #expect(bench.nodes[0]!.range(of: id)?.claimed.ops.count == 4)
        bench.run(.drop(sums), at: 0)
        #expect(bench.nodes[0]!.range(of: id) == nil)
    }
}

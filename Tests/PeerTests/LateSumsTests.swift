import Consensus
import Federation
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A site that holds deltas and is behind when everybody else drops their bodies: sums take the place of them.
@Suite struct LateSumsTests {
    /// Site 1 has the first delta of a block, and its accumulators on the disk if `snapshotEvery` is small; then it is cut
    /// off. Site 0 has dropped the bodies of the whole block, and its author, site 2, is gone.
    private func town(snapshotEvery: Int = 256) throws -> (Bench, BlockSums) {
        var bench = Bench(members: 3)
        bench.snapshotEveryOps = snapshotEvery
        for site in 0..<3 {
            bench.stop(site)
            bench.start(site)
        }
        bench.connect(2, 0)
        let wire = bench.connect(1, 0)
        let model = bench.createModel(at: 0)
        bench.submit(.announceRows, Bench.manyRows(model), at: 2)
        bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: 1), at: 2)
        #expect(bench.summary(1) == bench.summary(0))
        bench.cut(wire, by: 0)
        for seed in 2...3 { bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: UInt64(seed)), at: 2) }
        let sums = try bench.certifyDeltas()
        // One delta behind the block.
        bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: 9), at: 2)
        bench.run(.drop(sums), at: 0)
        #expect(bench.pinned[0] == [sums])
        // It has the bodies in memory, for whoever asks at once.
        bench.stop(0)
        bench.start(0)
        bench.connect(2, 0)
        return (bench, sums)
    }

    @Test(arguments: [1, 256])
    func `what it had added by itself goes out, the sums go in, and a restart finds the same`(snapshotEvery: Int) throws
    {
        var (bench, sums) = try town(snapshotEvery: snapshotEvery)
        bench.stop(2)
        bench.connect(1, 0)
        #expect(bench.summary(1) != bench.summary(0) && bench.pinned[1].isEmpty)
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
        #expect(bench.notices[1].contains(.replacedBodies(blocks: 1, bytes: sums.byteCount)))
        bench.stop(1)
        bench.start(1)
        bench.run(.wake, at: 1)
        #expect(bench.summary(1) == bench.summary(0))
    }

    @Test(arguments: [1, 256]) func `a restart before the sums are added does not count a delta twice`(
        snapshotEvery: Int
    ) throws {
        var (bench, sums) = try town(snapshotEvery: snapshotEvery)
        bench.stop(2)
        bench.connect(1, 0)
        // Sums are pinned, and no op after that becomes durable.
        bench.slowDisks = [1]
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) != bench.summary(0))
        bench.stop(1)
        bench.slowDisks = []
        bench.waiting = [:]
        bench.start(1)
        #expect(!bench.nodes[1]!.state.isWhole, "the sums are not in it yet")
        bench.connect(1, 0)
        #expect(bench.summary(1) == bench.summary(0))
    }

    @Test func `what is half done when the sums are here ends first`() throws {
        var (bench, sums) = try town()
        bench.stop(2)
        let model = try #require(bench.nodes[1]!.models.first)
        bench.submit(.announceRows, Bench.manyRows(model), at: 1)
        guard case .done(let own)? = bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: 20), at: 1) else {
            preconditionFailure("it trains")
        }
        let key = try #require(bench.nodes[1]!.ownLogKey)
        let seq = try #require(bench.nodes[1]!.replica.position(of: own)?.seq)
        // Its own delta has to be read to be taken out, and meanwhile the sums come.
        bench.stop(1)
        bench.start(1)
        bench.pass(milliseconds: 20_000)
        bench.slowLoads = [1]
        bench.submit(.retraction, Retraction(.init(log: key.log, from: seq, through: seq, id: own)).encode(), at: 1)
        bench.connect(1, 0)
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[1].isEmpty && !bench.parts[1].isEmpty)
        bench.finishLoads(of: 1)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
    }

    @Test func `it goes on when the author comes first`() throws {
        var (bench, sums) = try town()
        bench.connect(1, 0)
        bench.connect(1, 2)
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[1].isEmpty && bench.summary(1) == bench.summary(0), "the bodies themselves")
        bench.takeBack(sums)
        #expect(bench.summary(1) == bench.summary(0))
    }

    @Test func `what is taken back later goes out with its block`() throws {
        var (bench, sums) = try town()
        let model = try #require(bench.nodes[0]!.models.first)
        bench.takeBack(sums)
        bench.stop(2)
        bench.connect(1, 0)
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
        bench.start(2)
        bench.connect(2, 0)
        bench.submit(.updateModelWeights, Bench.largeDelta(model, seed: 10), at: 2)
        #expect(bench.summary(1) == bench.summary(0) && bench.summary(2) == bench.summary(0))
    }

    /// Nobody tells more of a log than what is before its fork, so nobody seems to hold the end of the block.
    @Test(arguments: [0, 1] as [UInt64]) func `a fork in the block does not keep the sums away`(before: UInt64) throws {
        var (bench, sums) = try town()
        bench.stop(2)
        let (key, seq) = (sums.block.key, sums.block.through - before)
        let prev = try #require(bench.nodes[0]!.replica.id(key, seq - 1))
        let other = bench.sign(
            .deleteModel, [1], by: bench.keys[2], log: key.log.rawValue, seq: seq, prev: prev, lamport: 99)
        var relay = Guest(&bench, dials: 0, as: bench.keys[2])
        relay.say(.ops([other.envelope]), &bench)
        #expect(bench.nodes[0]!.forkProofs[key]?.seq == seq)
        bench.connect(1, 0)
        bench.pass(milliseconds: 90_000)
        #expect(bench.nodes[1]!.forkProofs[key]?.seq == seq && bench.summary(1) == bench.summary(0))
        // Before the second delta there is nothing more to have.
        #expect(bench.pinned[1] == (before == 0 ? [sums] : []))
    }

    /// The database of the author itself, put back to before its block.
    @Test func `a site takes sums for a log of its own`() throws {
        var (bench, sums) = try town()
        let first = try #require(bench.stored[2].firstIndex { $0.op.header.kind == .updateModelWeights })
        bench.stop(2)
        bench.stored[2] = Array(bench.stored[2][...first])
        bench.journals[2] = []
        bench.start(2)
        bench.connect(2, 0)
        bench.pass(milliseconds: 80_000)
        #expect(bench.pinned[2] == [sums] && bench.summary(2) == bench.summary(0))
    }

    @Test func `nobody can tell: it asks again, more and more rarely, and goes on when somebody can`() throws {
        var (bench, sums) = try town()
        bench.stop(2)
        let parts = bench.parts[0]
        bench.parts[0] = [:]
        bench.connect(1, 0)
        bench.pass(milliseconds: 90_000)
        #expect(bench.pinned[1].isEmpty && bench.nodes[0]!.counters.refused["repeated-sums-want"] == nil)
        bench.parts[0] = parts
        bench.pass(milliseconds: 180_000)
        #expect(bench.pinned[1] == [sums] && bench.summary(1) == bench.summary(0))
    }

    @Test func `who asks for the same page again at once is not answered`() throws {
        var (bench, _) = try town()
        var guest = Guest(&bench, dials: 0, as: bench.keys[1], features: HelloFeatures.sums)
        func answers() -> Int { guest.said.count { $0.kind == .sums } }
        guest.say(.sumsWant(.checkpoints(after: 0)), &bench)
        guest.say(.sumsWant(.sums(from: .first, after: 0)), &bench)
        #expect(answers() == 2)
        guest.say(.sumsWant(.checkpoints(after: 0)), &bench)
        #expect(answers() == 2 && bench.nodes[0]!.counters.refused["repeated-sums-want"] == 1)
        bench.now = bench.now + SumsFetch.Limits.againMs
        guest.say(.sumsWant(.checkpoints(after: 0)), &bench)
        #expect(answers() == 3)
    }
}

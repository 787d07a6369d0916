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

/// A quorum takes a member's deltas out of the sums, exactly.
@Suite struct RevocationTests {
    /// What site 2 trains: two deltas, the second with a body of its own.
    private func training(_ bench: Bench, _ model: ModelID) -> [Op] {
        let created = bench.stored[0].last { $0.op.id == model }!.op
        let key = bench.keys[2]
        let open = bench.sign(.openLog, Bench.openLog, by: key)
        let first = bench.sign(
            .updateModelWeights, Bench.delta(model, shift: 8), by: key, seq: 2, prev: open.id,
            lamport: created.header.lamport + 1, deps: [model])
        let second = bench.sign(
            .updateModelWeights, Bench.delta(model, shift: 9), by: key, seq: 3, prev: first.id,
            lamport: created.header.lamport + 2)
        return [open, first, second]
    }

    private func revoke(_ bench: inout Bench, range: Revocation.Range? = nil) {
        let isDone = bench.revoke(range: range)
        #expect(isDone, "the certificate has an effect")
    }

    @Test func `sums are as if the revoked member had never trained, whatever came first`() {
        var digests: [[Hash32]] = []
        for certificateFirst in [false, true] {
            var (bench, model) = Bench.withModel()
            let before = bench.sums
            let ops = training(bench, model)
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            if certificateFirst { revoke(&bench) }
            relay.say(.ops(ops.map(\.envelope)), &bench)
            if !certificateFirst {
                #expect(bench.sums != before, "the deltas have their effect")
                revoke(&bench)
            }
            #expect(bench.stored[0].contains { $0.op.id == ops[2].id }, "its ops keep their places")
            #expect(bench.sums == before)
            digests.append([bench.sums, bench.nodes[0]!.state.consensus.digest()!])
        }
        #expect(digests[0] == digests[1])
    }

    @Test func `a range takes out what it names and nothing else`() {
        var (bench, model) = Bench.withModel()
        let ops = training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.prefix(2).map(\.envelope)), &bench)
        let first = bench.sums
        relay.say(.ops([ops[2].envelope]), &bench)
        #expect(bench.sums != first)
        revoke(&bench, range: .init(log: ops[2].header.log, from: 3, through: 3, id: ops[2].id))
        #expect(bench.sums == first)
        #expect(bench.nodes[0]!.state.members.contains(bench.peer(2)), "it stays a member")
    }

    @Test(arguments: [1, 2, 256])
    func `a restart finds the same sums, however old the snapshot is`(snapshotEvery: Int) {
        var (bench, model) = Bench.withModel(snapshotEvery: snapshotEvery)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(training(bench, model).map(\.envelope)), &bench)
        revoke(&bench)
        let (wanted, summary) = (bench.sums, bench.summary(0))
        bench.stop(0)
        bench.start(0)
        #expect(bench.sums == wanted)
        #expect(bench.summary(0) == summary)
    }

    @Test(arguments: [1, 2, 256])
    func `deltas below the snapshot of an earlier life are taken out, too`(snapshotEvery: Int) {
        var (bench, model) = Bench.withModel(snapshotEvery: snapshotEvery)
        let before = bench.sums
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(training(bench, model).map(\.envelope)), &bench)
        #expect(bench.sums != before)
        bench.stop(0)
        bench.start(0)
        relay = Guest(&bench, dials: 0, as: bench.keys[1])
        let body = ConsensusOp.certificate(bench.certificate(bench.revocation())).op
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 78)
        let carrier = bench.sign(body.kind, body.body, by: bench.keys[1], log: 78, seq: 2, prev: open.id, lamport: 2)
        relay.say(.ops([open.envelope, carrier.envelope]), &bench)
        #expect(bench.void(carrier.id, at: 0) == nil && bench.sums == before)
    }

    @Test func `a fork that takes the certificate back puts the deltas in again`() throws {
        var (bench, model) = Bench.withModel()
        let ops = training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let with = bench.sums
        // Site 1 carries the certificate, in a log that forks there.
        let body = ConsensusOp.certificate(bench.certificate(bench.revocation())).op
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 78)
        let carrier = bench.sign(body.kind, body.body, by: bench.keys[1], log: 78, seq: 2, prev: open.id, lamport: 2)
        let other = bench.sign(.deleteModel, [1], by: bench.keys[1], log: 78, seq: 2, prev: open.id, lamport: 2)
        relay.say(.ops([open.envelope, carrier.envelope]), &bench)
        #expect(bench.sums != with)
        relay.say(.ops([other.envelope]), &bench)
        #expect(bench.sums == with)
        // Who holds it publishes it again.
        bench.pass(milliseconds: 15_000)
        #expect(bench.sums != with)
    }

    @Test func `one vote of two revokes nobody`() {
        var (bench, _) = Bench.withModel()
        let whole = bench.certificate(bench.revocation())
        let short = Certificate(
            question: whole.question, value: whole.value, round: 0, signatures: [whole.signatures[0]])
        let op = ConsensusOp.certificate(short).op
        guard case .void(_, let reason)? = bench.submit(op.kind, op.body, at: 0) else {
            Issue.record("a short certificate has an effect")
            return
        }
        #expect(reason.code == "short-certificate")
        #expect(bench.nodes[0]!.state.members.contains(bench.peer(2)))
    }
}

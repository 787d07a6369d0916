import Consensus
import Identity
import Ledger
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// What `shoal koi history --verify` says of a store that somebody, or a bug, has changed.
@Suite struct HistoryAuditTests {
    private func certificate(_ bench: Bench, by voters: [Int]) -> Certificate {
        bench.certificate(bench.revocation(), by: voters)
    }

    /// Site 0 has admitted somebody, heard of a certificate and of one that is short.
    private func bench() throws -> Bench {
        var (bench, _) = Bench.withModel()
        bench.submit(.memberAdd, try MemberAdd(peer: bench.peer(1), name: "again").encode(), at: 0)
        for voters in [[0], [0, 1]] {
            let op = ConsensusOp.certificate(certificate(bench, by: voters)).op
            bench.submit(op.kind, op.body, at: 0)
        }
        return bench
    }

    private func faults(_ ops: [StoredOp], _ bench: Bench) -> [String] {
        HistoryAudit(Recovered(ops: ops), genesis: bench.genesis).faults
    }

    private func altered(_ stored: StoredOp, void: VoidReason?) -> StoredOp {
        StoredOp(op: stored.op, body: stored.body, void: void, applyIndex: stored.applyIndex)
    }

    @Test func `an honest store has no fault, and says how much was checked`() throws {
        let bench = try bench()
        let audit = HistoryAudit(Recovered(ops: bench.stored[0]), genesis: bench.genesis)
        #expect(audit.faults.isEmpty && audit.ops == bench.stored[0].count && audit.certificates == 1)
        #expect(audit.ledger == bench.nodes[0]!.state.ledger.everything())
    }

    @Test func `a verdict that does not follow is found, either way`() throws {
        let bench = try bench()
        for at in bench.stored[0].indices {
            var ops = bench.stored[0]
            // Weights do not count for Koi.
            guard ops[at].op.header.kind != .createModel else { continue }
            ops[at] = altered(
                ops[at], void: ops[at].void == nil ? VoidReason(code: "short-certificate", detail: "") : nil)
            let faults = faults(ops, bench)
            #expect(
                faults.count == 1 && faults[0].contains(ops[at].op.id.short), "\(ops[at].op.header.kind): \(faults)")
        }
    }

    @Test func `an op that its author did not sign is found`() throws {
        let bench = try bench()
        var ops = bench.stored[0]
        let at = try #require(ops.firstIndex { $0.op.header.kind == .memberAdd })
        var envelope = ops[at].op.envelope
        envelope[envelope.count - 1] ^= 1
        ops[at] = StoredOp(
            op: try Op(stored: envelope, network: bench.network), body: nil, void: nil, applyIndex: ops[at].applyIndex)
        #expect(faults(ops, bench).contains { $0.contains("its signature is not its author's") })
    }

    @Test func `a certificate with a vote that its elector did not sign is found`() throws {
        var bench = try bench()
        let honest = certificate(bench, by: [0, 1])
        let forged = Certificate(
            question: honest.question, value: honest.value, round: 0,
            signatures: [
                honest.signatures[0],
                .init(elector: honest.signatures[1].elector, signature: honest.signatures[0].signature),
            ])
        let op = ConsensusOp.certificate(forged).op
        bench.submit(op.kind, op.body, at: 0)
        var ops = bench.stored[0]
        #expect(ops[ops.count - 1].void?.code == "forged-vote")
        ops[ops.count - 1] = altered(ops[ops.count - 1], void: nil)
        #expect(!faults(ops, bench).isEmpty)
    }

    @Test func `a ledger that forgets an op comes to another ledger`() throws {
        var (bench, _) = Bench.withModel()
        let body = LedgerBody.transfer(
            Transfer(from: "site", payments: [.init(to: .site(of: bench.peer(2)), amount: Koi.nanoKoi)]))
        let account = AccountLog.first(of: bench.peer(1), in: bench.network).rawValue
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: account)
        let pay = bench.sign(
            body.kind, body.encode(), by: bench.keys[1], log: account, seq: 2, prev: open.id, lamport: 2)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops([open.envelope, pay.envelope]), &bench)
        #expect(bench.void(pay.id, at: 0) == nil)
        let all = HistoryAudit(Recovered(ops: bench.stored[0]), genesis: bench.genesis)
        let less = HistoryAudit(
            Recovered(ops: bench.stored[0].filter { $0.op.header.kind != .transfer }), genesis: bench.genesis)
        #expect(all.faults.isEmpty)
        #expect(less.ledger != all.ledger)
    }
}

internal import Consensus
public import Identity
public import Ledger
public import Membership
internal import Replication
internal import Wire

/// Koi from the genesis on: judges every stored op anew, checks every certificate, and says what the ledger comes to.
///
/// It believes nothing that was calculated: neither verdicts nor tables. Weights do not count for Koi and are passed
/// over. Costs a signature check an op that says something about members, votes or Koi, and one a vote: in the
/// certificates they come again.
public struct HistoryAudit: Sendable {
    public private(set) var ops = 0
    /// Distinct certified answers.
    public private(set) var certificates = 0
    /// Each a sentence; empty: all is as it should be.
    public private(set) var faults: [String] = []
    /// What the tables should say.
    public private(set) var ledger = LedgerUpdate()

    /// - Parameters:
    ///   - recovered: everything that the store holds; bodies of deltas may be missing.
    ///   - signatures: what was checked in this process; a memory of its own believes nobody.
    public init(
        _ recovered: Recovered, genesis: Genesis,
        signatures: SignatureMemory = SignatureMemory(limit: NodeLimits.signatures)
    ) {
        let network = genesis.networkID
        var replica = Replica()
        var state = StateFold(genesis: genesis, signatures: signatures)
        var audit = CertificateAudit(genesis: genesis, signatures: signatures)
        // What a node took back when it heard of a fork must leave no trace.
        for fork in recovered.forks {
            for op in [fork.proof.first, fork.proof.second]
            where (try? Op(verifying: op.envelope, network: network, remembering: signatures)) != op {
                faults.append("the proof of a fork of \(op.header.author.short) is not signed by it")
            }
            replica.retract(fork.proof.key, from: fork.proof.seq)
            state.forked(fork.proof.key, from: fork.proof.seq)
        }
        for stored in recovered.ops {
            ops += 1
            let op = stored.op
            let isRetracted = replica.isRetracted(op.header.logKey, op.header.seq)
            let verdict = Self.fold(stored, isRetracted, replica, &state, network, signatures)
            if case .invalid(let why) = verdict { faults.append("op \(op.id.short): \(why)") }
            if case .judged(let void) = verdict, !isRetracted, void != stored.void?.code {
                faults.append(
                    "op \(op.id.short) (\(op.header.kind.name)) is stored as \(stored.void?.code ?? "valid"), and is "
                        + (void ?? "valid"))
            }
            replica.apply(op)
            if case .judged(nil) = verdict { check(stored, &audit) }
        }
        state.settle(with: replica)
        certificates = audit.count
        if let flaw = state.ledger.totals.flaw() { faults.append(flaw) }
        ledger = state.ledger.everything()
    }

    private mutating func check(_ stored: StoredOp, _ audit: inout CertificateAudit) {
        let header = stored.op.header
        guard header.kind == .certificate || header.kind == .memberRevoke else { return }
        do throws(ConsensusError) {
            let body = stored.body ?? header.inlineBody ?? []
            if case .certificate(let certificate)? = try ConsensusOp(kind: header.kind, body: body) {
                try audit.add(certificate)
            }
        } catch {
            faults.append("certificate \(stored.op.id.short): \(error)")
        }
    }

    private enum Verdict {
        case passedOver
        /// The code of a void op.
        case judged(void: String?)
        case invalid(String)
    }

    private static func fold(
        _ stored: StoredOp, _ isRetracted: Bool, _ replica: Replica, _ state: inout StateFold, _ network: NetworkID,
        _ signatures: SignatureMemory
    ) -> Verdict {
        let op = stored.op
        let causes = StateFold.Causes(of: op, in: replica)
        let position = replica.positionOfNext(op)
        switch op.header.kind {
        case .createModel, .deleteModel, .announceRows, .updateModelWeights, .trainStep:
            state.pass(position, of: op.header.logKey, after: causes.prev)
            return .passedOver
        case .openLog, .rotateKey, .memberAdd, .memberRevoke, .transfer, .claim, .bountyPost, .bountyClaim,
            .bountySettle, .price, .patternPropose, .vote, .certificate, .attestation, .auction, .bid, .checkpointVote,
            .equivocation, .question, .measurement, .proposal, .retraction, .memberLeave:
            break
        }
        guard (try? Op(verifying: op.envelope, network: network, remembering: signatures)) == op else {
            return .invalid("its signature is not its author's")
        }
        guard let body = stored.body ?? op.header.inlineBody else { return .invalid("its body is missing") }
        let verdict = state.apply(
            op, body: body, at: position, time: replica.time(of: op.header), isRetracted: isRetracted, causes: causes)
        switch verdict {
        case .applies: return .judged(void: nil)
        case .void(let reason): return .judged(void: reason.code)
        case .notMember: return .invalid("its author did not belong")
        }
    }
}

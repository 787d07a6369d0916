internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Replication
internal import Rules
internal import Wire

/// Patterns that members propose to each other.
extension StateFold {
    /// Judges a proposal: one the network can read, not proposed already, and its stake paid.
    mutating func foldPattern(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false, _ causes: Causes
    ) throws(Invalid) {
        let proposal = try decoded { () throws(CBORError) in try PatternProposal(decoding: body) }
        for other in patterns.proposals(of: proposal.pattern.id) where causes.past(other.position) {
            // What was refused, or nobody could tell, may be true by now.
            guard ledger.isOpen(other.op, to: op.header.logKey, inPast: causes.past) else { continue }
            throw Invalid(
                "proposed-already", "the pattern \(proposal.pattern.id.short) is proposed in op \(other.op.short)")
        }
        do throws(LedgerError) {
            let stake = LedgerEntry(
                id: op.id, key: op.header.logKey, position: position, body: .stake(agent: AccountID.site))
            try ledger.apply(stake, past: ledgerPast(causes))
        } catch {
            throw Invalid(error.code, "\(error)")
        }
        patterns.add(proposal, op.id, by: op.header.author, at: position, isRetracted: isRetracted)
    }

    mutating func takePatternUpdate() -> [ProposedPattern] { patterns.takeChanges() }

    /// What a certificate says of a proposal; nil when it is about something else.
    static func pattern(_ outcome: CertifiedOutcome) -> (op: OpID, outcome: PatternOutcome)? {
        switch outcome.meaning {
        case .patternAccepted(let op, let n, _) where n.count == 3:
            (op, .accepted(hits: n[0], trials: n[1], bound: n[2]))
        case .patternRejected(let op, let n) where n.count == 3:
            (op, .rejected(hits: n[0], trials: n[1], bound: n[2]))
        case .patternUndecided(let op): (op, .undecided)
        case .patternAccepted, .patternRejected, .trained, .settled, .settlementUndecided, .admitted, .revoked,
            .accountLog, .finality, .checkpoint, .policy, .ledger, .sums:
            nil
        }
    }
}

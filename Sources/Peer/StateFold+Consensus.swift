internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Replication
internal import Rules
internal import Wire

/// Questions, votes and certificates, and what certificates bring about elsewhere.
extension StateFold {
    typealias ConsensusChange = ConsensusTable.Change

    mutating func foldConsensus(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false, _ causes: Causes
    ) throws(Invalid) -> ConsensusChange {
        do throws(ConsensusError) {
            guard let content = try ConsensusOp(kind: op.header.kind, body: body) else {
                preconditionFailure("\(op.header.kind.name) is no kind of consensus")
            }
            let change = try consensus.apply(
                content,
                at: .init(
                    id: op.id, key: op.header.logKey, position: position, isRetracted: isRetracted,
                    past: causes.past), isTrusted: isRestoring)
            if case .certified(let id, let hash) = change, let outcome = consensus.certified(id, hash) {
                tellLedger(outcome, carriedBy: position, causes)
            }
            carryOutOutcomes()
            return change
        } catch {
            throw Invalid(error.code, "\(error)")
        }
    }

    mutating func undo(_ change: ConsensusChange, at position: LogPosition) {
        consensus.undo(change, at: position)
        carryOutOutcomes()
    }

    /// Tells each domain what came into force or lost it.
    private mutating func carryOutOutcomes() {
        for change in consensus.takeOutcomeChanges() {
            if case .revoked(let revocation)? = change.new?.meaning ?? change.old?.meaning {
                revocationChanged(revocation)
            }
            if let (op, outcome) = change.new.flatMap(Self.pattern) {
                patterns.decide(op, outcome)
            } else if let (op, _) = change.old.flatMap(Self.pattern) {
                patterns.decide(op, nil)
            }
        }
    }

    /// The ledger wants to know of every op that carries a certificate, and decides itself which count.
    private mutating func tellLedger(_ outcome: CertifiedOutcome, carriedBy position: LogPosition, _ causes: Causes) {
        let fact: Outcome?
        switch outcome.meaning {
        case .patternAccepted(let proposal, _, let members):
            fact = .patternAccepted(proposal: proposal, measuredBy: members)
        case .patternRejected(let proposal, _): fact = .patternRejected(proposal: proposal)
        case .patternUndecided(let proposal): fact = .patternExpired(proposal: proposal)
        case .trained(let claim, let gain): fact = .trained(claim: claim, gain: gain)
        case .admitted(let peer): fact = .admitted(peer)
        case .accountLog(let owner, let generation, let log, let end):
            let prefix = end.map { LogPrefix(key: LogKey(author: owner, log: $0.log), seq: $0.seq, id: $0.id) }
            fact = .accountLog(owner: owner, generation: generation, log: log, end: prefix)
        case .finality(let owner, let place):
            fact = .prefix(LogPrefix(key: LogKey(author: owner, log: place.log), seq: place.seq, id: place.id))
        case .checkpoint(let checkpoint): fact = .time(checkpoint.seconds)
        case .settled(let settlement, let isReached, _):
            fact = isReached ? ledger.payment(settledBy: settlement) : nil
        case .settlementUndecided, .revoked, .policy, .ledger: fact = nil
        }
        if let fact { ledger.apply(fact, carriedBy: position, past: ledgerPast(causes)) }
    }

    /// Whether what the ledger asks about itself is true. No rule asks yet.
    func affirmsLedger(about: OpID, fields: Bytes) -> Bool { false }

    /// Whether something in the ledger waits for certified time to pass.
    var needsClock: Bool { false }

    /// Notes ops that questions may be about, and those that pay.
    mutating func noteSubject(_ op: Op, at position: LogPosition) {
        switch op.header.kind {
        case .transfer, .bid: lastDebits[op.header.logKey] = op.header.seq
        case .patternPropose, .bountyPost:
            lastDebits[op.header.logKey] = op.header.seq
            consensus.note(subject: op.id, kind: op.header.kind, author: op.header.author, at: position)
        case .claim, .bountySettle, .auction:
            consensus.note(subject: op.id, kind: op.header.kind, author: op.header.author, at: position)
        case .openLog, .rotateKey, .memberAdd, .memberRevoke, .createModel, .deleteModel, .updateModelWeights,
            .trainStep, .announceRows, .bountyClaim, .price, .vote, .certificate, .attestation, .checkpointVote,
            .equivocation, .question, .measurement, .proposal, .retraction:
            break
        }
    }
}

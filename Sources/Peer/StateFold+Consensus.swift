internal import Consensus
public import Identity
internal import Ledger
internal import Membership
internal import Replication
internal import Rules
public import Wire

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
            if case .sums(let sums)? = change.new?.meaning ?? change.old?.meaning { sumsChanged(of: sums.block.key) }
            if let (op, outcome) = change.new.flatMap(Self.pattern) {
                patterns.decide(op, outcome)
            } else if let (op, _) = change.old.flatMap(Self.pattern) {
                patterns.decide(op, nil)
            }
            if case .settled(let settlement, _, let gain)? = change.new?.meaning {
                settled[change.new!.id] = (settlement, gain)
            } else if case .settled? = change.old?.meaning {
                settled[change.old!.id] = nil
            }
        }
    }

    /// The ledger wants to know of every op that carries a certificate, and decides itself which count.
    private mutating func tellLedger(_ outcome: CertifiedOutcome, carriedBy position: LogPosition, _ causes: Causes) {
        guard Self.concernsLedger(outcome) else { return }
        let counts =
            fact(of: outcome).map { ledger.apply($0, carriedBy: position, past: ledgerPast(causes)) } ?? false
        if counts { uncounted.remove(outcome.id) } else { uncounted.insert(outcome.id) }
    }

    private static func concernsLedger(_ outcome: CertifiedOutcome) -> Bool {
        switch outcome.meaning {
        case .patternAccepted, .patternRejected, .patternUndecided, .trained, .admitted, .accountLog, .finality,
            .checkpoint, .ledger:
            true
        case .settled, .settlementUndecided, .revoked, .policy, .sums: false
        }
    }

    /// What a certificate means for Koi; nil for nothing, or where it names what is not here.
    private func fact(of outcome: CertifiedOutcome) -> Outcome? {
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
        case .ledger(let about, let answer):
            fact = (try? LedgerQuestion(decoding: answer)).flatMap { ledger.outcome(of: $0, about: about) }
        // What a settlement was measured at is compared with the bounty's own target by a second question.
        case .settled, .settlementUndecided, .revoked, .policy, .sums: return nil
        }
        return fact
    }

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
            .equivocation, .question, .measurement, .proposal, .retraction, .memberLeave:
            break
        }
    }
}

/// What electors ask about Koi, by what is decided here.
extension StateFold {
    /// Claims of which a quorum measured that they reach what their bounty asks for.
    private var reachedClaims: Set<OpID> {
        Set(settled.values.compactMap { ledger.claim(reachedBy: $0.settlement, gain: $0.gain) })
    }

    /// What this node's ledger says that becomes of an escrow; nil: nothing yet.
    func dueAnswer(about id: OpID) -> LedgerQuestion? {
        let reached = reachedClaims
        return ledger.dueAnswer(about: id) { reached.contains($0) }
    }

    /// Escrows that can be decided and that a member has a part in, ascending.
    func dueEscrows(concerning peer: PeerID) -> [OpID] {
        guard ledger.hasOpenOffers else { return [] }
        let reached = reachedClaims
        return ledger.dueQuestions(concerning: peer) { reached.contains($0) }.map(\.about)
    }

    /// All questions about an escrow, in the order in which their rounds follow each other.
    func questions(about id: OpID) -> [Matter] {
        let any = Question(kind: .ledger, owner: nil, about: id, electorate: .zero)
        return consensus.rivals(of: any).sorted { ($0.checkpoint.height, $0.id) < ($1.checkpoint.height, $1.id) }
    }

    /// Whether those are asked who vote now.
    func isCurrent(_ matter: Matter) -> Bool { matter.electorate == consensus.latest.electorate }

    /// Whether a question says what it must, as far as this node's ledger knows: a settlement the target of its bounty.
    func isAskedFairly(_ question: Question) -> Bool {
        guard question.kind == .settlement, let about = question.about else { return true }
        return ledger.target(of: about).map { ValueRule.targetFields($0) == question.fields } ?? false
    }

    /// What a quorum measured for a claim of a bounty, and what that asks for; nil: nothing yet.
    public func measuredGain(ofClaim claim: OpID) -> (gain: Int64, target: Int64)? {
        settled.values.filter { ledger.claim(of: $0.settlement) == claim }.map(\.gain).max().flatMap { gain in
            ledger.listing(claim).flatMap { listing in
                guard case .bountyClaim(let body) = listing.body,
                    case .bountyPost(let post)? = ledger.listing(body.bounty)?.body
                else { return nil }
                return (gain, post.target.gain)
            }
        }
    }

    /// Certified questions that count for nothing in the ledger and would if a certificate were published now.
    func uncountedQuestions(in replica: Replica) -> [QuestionID] {
        guard !uncounted.isEmpty else { return [] }
        let members = members
        let everything = LedgerPast(
            includes: { _ in true }, locate: { replica.position(of: $0) }, isMember: { members.contains($0) })
        return uncounted.sorted().filter { id in
            guard let outcome = consensus.outcome(id), let fact = fact(of: outcome) else { return false }
            return ledger.wouldCount(fact, past: everything)
        }
    }
}

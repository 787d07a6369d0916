public import Identity
public import Membership
public import Wire

/// What a certificate decided, as whoever folds it in needs it.
public struct CertifiedOutcome: Sendable, Equatable {
    public enum Meaning: Sendable, Equatable {
        /// `numbers`: hits, trials, lower bound in millionths. `measuredBy`: whose measurements count, ascending.
        case patternAccepted(proposal: OpID, numbers: [Int64], measuredBy: [PeerID])
        case patternRejected(proposal: OpID, numbers: [Int64])
        /// Too few could tell.
        case patternUndecided(proposal: OpID)
        /// The median gain of a training claim in millionths of a nat, positive or not; 0 where too few could tell.
        case trained(claim: OpID, gain: Int64)
        case settled(settlement: OpID, isReached: Bool, gain: Int64)
        case settlementUndecided(settlement: OpID)
        case admitted(PeerID)
        case revoked(Revocation)
        case accountLog(owner: PeerID, generation: UInt64, log: LogID, end: LogPlace?)
        case finality(owner: PeerID, LogPlace)
        case checkpoint(Checkpoint)
        case policy(NetworkPolicy)
        case sums(BlockSums)
        /// What becomes of an escrow; the answer is the ledger's.
        case ledger(about: OpID, answer: Bytes)
    }

    public let id: QuestionID
    public let question: Question
    public let value: Value
    public let meaning: Meaning

    /// Nil when value and question do not fit each other: such a certificate decides nothing.
    ///
    /// - Parameter electorate: that of the question.
    public init?(_ certificate: Certificate, electorate: Electorate, in network: NetworkID) {
        question = certificate.question
        value = certificate.value
        id = question.id(in: network)
        guard let meaning = Self.meaning(question, value, electorate, network) else { return nil }
        self.meaning = meaning
    }

    private static func meaning(
        _ question: Question, _ value: Value, _ electorate: Electorate, _ network: NetworkID
    ) -> Meaning? {
        guard value.used.allSatisfy({ $0 < electorate.members.count }) else { return nil }
        switch question.kind {
        case .pattern:
            guard let about = question.about else { return nil }
            switch value.verdict {
            case .accepted:
                return .patternAccepted(
                    proposal: about, numbers: value.numbers, measuredBy: value.used.map { electorate.members[$0] })
            case .rejected: return .patternRejected(proposal: about, numbers: value.numbers)
            case .undecided: return .patternUndecided(proposal: about)
            }
        case .claim:
            guard let about = question.about else { return nil }
            return .trained(claim: about, gain: value.verdict == .undecided ? 0 : value.numbers.first ?? 0)
        case .settlement:
            guard let about = question.about else { return nil }
            guard value.verdict != .undecided, let gain = value.numbers.first else {
                return .settlementUndecided(settlement: about)
            }
            return .settled(settlement: about, isReached: value.verdict == .accepted, gain: gain)
        case .checkpoint:
            guard let checkpoint = try? Checkpoint(decoding: value.payload),
                checkpoint.predecessor == question.electorate
            else { return nil }
            return .checkpoint(checkpoint)
        case .ledger:
            guard let about = question.about, value.verdict == .accepted else { return nil }
            return .ledger(about: about, answer: value.payload)
        case .admission, .revocation, .accountLog, .finality, .policy, .sums:
            guard value == .yes, let proposition = Proposition(question) else { return nil }
            switch proposition {
            case .admission(let peer): return .admitted(peer)
            case .revocation(let revocation): return .revoked(revocation)
            case .accountLog(let owner, let generation, let log, let end):
                return .accountLog(owner: owner, generation: generation, log: log, end: end)
            case .finality(let owner, let place): return .finality(owner: owner, place)
            case .policy(let policy): return .policy(policy)
            case .sums(let sums): return .sums(sums)
            }
        }
    }
}

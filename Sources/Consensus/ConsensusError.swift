public import Identity
public import Wire

/// Why something about votes has no effect.
public enum ConsensusError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidBody(String)
    case unknownElectorate(Hash32)
    case unknownQuestion(QuestionID)
    /// The author of a question or proposal is not its owner.
    case notOwner(PeerID)
    /// What the question is about is not in the causal past, is of another kind or of somebody else.
    case unknownSubject
    case notElector(PeerID)
    case notAnElector(Int)
    case shortCertificate(found: Int, needed: Int)
    case forgedVote(PeerID)
    case notAccountLog
    case provesNothing
    case noRule(QuestionKind, UInt64)
    /// Another certified answer to the same.
    case contradiction(QuestionID)

    /// Stable, for metrics and scripts.
    public var code: String {
        switch self {
        case .invalidBody: "invalid-body"
        case .unknownElectorate: "unknown-electorate"
        case .unknownQuestion: "unknown-question"
        case .notOwner: "not-owner"
        case .unknownSubject: "unknown-subject"
        case .notElector, .notAnElector: "not-an-elector"
        case .shortCertificate: "short-certificate"
        case .forgedVote: "forged-vote"
        case .notAccountLog: "not-account-log"
        case .provesNothing: "proves-nothing"
        case .noRule: "unsupported-kind"
        case .contradiction: "contradiction"
        }
    }

    public var description: String {
        switch self {
        case .invalidBody(let why): why
        case .noRule(let kind, let version):
            "this network's fold version, \(version), has no rule for questions about \(kind.name)"
        case .unknownElectorate(let digest): "checkpoint \(digest.short) is not in the op's causal past"
        case .unknownQuestion(let id): "question \(id.short) is not in the op's causal past"
        case .notOwner(let owner): "the question belongs to \(owner.short)"
        case .unknownSubject: "what the question is about is not in its causal past, or not its owner's"
        case .notElector(let peer): "\(peer.short) is no elector of this question"
        case .notAnElector(let index): "there is no elector \(index) for this question"
        case .shortCertificate(let found, let needed): "\(found) votes; a quorum has \(needed)"
        case .forgedVote(let peer): "a vote is not signed by \(peer.short)"
        case .notAccountLog: "votes count in their author's account log alone"
        case .contradiction(let id): "another certificate contradicts the answer to question \(id.short)"
        case .provesNothing: "two votes of which one is not signed by who is accused"
        }
    }
}

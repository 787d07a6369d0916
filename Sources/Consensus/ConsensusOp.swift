internal import Identity
public import Replication
public import Wire

/// What an op says about questions.
public enum ConsensusOp: Sendable, Equatable {
    /// Body `[1, question]`.
    case question(Question)
    case measurement(Measurement)
    case proposal(Proposal)
    case vote(Vote)
    case certificate(Certificate)
    case doubleVote(DoubleVote)

    /// - Returns: nil for kinds that are not of consensus.
    public init?(kind: OpKind, body: Bytes) throws(ConsensusError) {
        do throws(CBORError) {
            switch kind {
            case .question: self = .question(try Self.question(body))
            case .measurement: self = .measurement(try Measurement(decoding: body))
            case .proposal: self = .proposal(try Proposal(decoding: body))
            case .vote: self = .vote(try Vote(decoding: body))
            case .certificate, .memberRevoke: self = .certificate(try Certificate(decoding: body))
            case .equivocation: self = .doubleVote(try DoubleVote(decoding: body))
            default: return nil
            }
        } catch {
            throw .invalidBody("\(error)")
        }
        guard case .certificate(let certificate) = self else { return }
        // A start reads deltas back only where an op of this kind may take them out again.
        guard (kind == .memberRevoke) == (certificate.question.kind == .revocation) else {
            throw .invalidBody("certificates of revocations, and no others, are member-revoke ops")
        }
    }

    /// The kind and body of the op that says this.
    public var op: (kind: OpKind, body: Bytes) {
        switch self {
        case .question(let question):
            var encoder = CBOREncoder()
            encoder.array(2)
            encoder.uint(1)
            encoder.bytes(question.encode())
            return (.question, encoder.bytes)
        case .measurement(let measurement): return (.measurement, measurement.encode())
        case .proposal(let proposal): return (.proposal, proposal.encode())
        case .vote(let vote): return (.vote, vote.encode())
        case .certificate(let certificate):
            return (certificate.question.kind == .revocation ? .memberRevoke : .certificate, certificate.encode())
        case .doubleVote(let proof): return (.equivocation, proof.encode())
        }
    }

    private static func question(_ body: Bytes) throws(CBORError) -> Question {
        var decoder = CBORDecoder(body)
        try decoder.array(exactly: 2)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        let question = try Question(decoding: try decoder.bytes(max: Question.Limits.bytes))
        try decoder.end()
        return question
    }
}

extension OpKind {
    /// Whether ops of this kind count in their author's account log alone (``AccountLog``): votes and debits.
    public var needsAccountLog: Bool {
        switch self {
        case .vote, .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price, .patternPropose, .attestation,
            .auction, .bid, .rotateKey:
            true
        case .openLog, .memberAdd, .memberRevoke, .createModel, .deleteModel, .updateModelWeights,
            .trainStep, .announceRows, .certificate, .checkpointVote, .equivocation, .question, .measurement,
            .proposal, .retraction, .memberLeave:
            false
        }
    }
}

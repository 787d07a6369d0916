public import Identity
public import Membership
internal import Wire

/// Checks certificates from the genesis on, believing nothing but what it has checked itself, and that no two of them
/// contradict each other.
///
/// Certificates come after that of the checkpoint whose electorate they name. Each costs a signature check a vote, of
/// those that were not checked before.
public struct CertificateAudit: Sendable {
    private struct Answer: Sendable {
        let certificate: Certificate
        let text: Bytes
    }

    private let network: NetworkID
    private let signatures: SignatureMemory?
    private var checkpoints: [Hash32: Checkpoint]
    /// By what they decide.
    private var answers: [Hash32: Answer] = [:]
    /// Distinct certified answers so far.
    public var count: Int { answers.count }

    /// - Parameter signatures: votes that need not be checked again.
    public init(genesis: Genesis, signatures: SignatureMemory? = nil) {
        network = genesis.networkID
        self.signatures = signatures
        let first = Checkpoint(genesis: genesis)
        checkpoints = [first.digest(in: network): first]
    }

    /// - Throws: ``ConsensusError``: why it proves nothing, or that another one that was checked says something else.
    public mutating func add(_ certificate: Certificate) throws(ConsensusError) {
        let question = certificate.question
        guard let checkpoint = checkpoints[question.electorate] else {
            throw .unknownElectorate(question.electorate)
        }
        try certificate.check(by: checkpoint.electorate, in: network, remembering: signatures)
        guard let outcome = CertifiedOutcome(certificate, electorate: checkpoint.electorate, in: network) else {
            throw .invalidBody("the certified value does not fit its question")
        }
        if case .checkpoint(let next) = outcome.meaning {
            guard next.height == checkpoint.height + 1, next.seconds >= checkpoint.seconds else {
                throw .invalidBody("a checkpoint that does not follow the one before")
            }
            checkpoints[next.digest(in: network)] = next
        }
        // Which measurements were used may differ where a question was asked again; what they come to may not.
        let text = question.fields + [0] + [UInt8(certificate.value.verdict.rawValue)] + certificate.value.payload
        let slot = question.kind == .checkpoint ? question.electorate : question.slot
        if let known = answers[slot], known.text != text { throw .contradiction(outcome.id) }
        if answers[slot] == nil { answers[slot] = Answer(certificate: certificate, text: text) }
    }
}

internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Invariants 12 to 14, at every step and over all sites together: Koi adds up, no honest member is convicted, every
/// certificate with effect proves what it says from the genesis on, and no two contradict each other.
struct KoiCheck {
    private var audit: CertificateAudit
    private var checked: Set<OpID> = []

    init(genesis: Genesis, signatures: SignatureMemory) {
        audit = CertificateAudit(genesis: genesis, signatures: signatures)
    }

    func observe(
        _ totals: LedgerTotals, convicted: [PeerID], at site: Int, isHonest: (PeerID) -> Bool
    ) throws(Violation) {
        if let flaw = totals.flaw() { throw Violation(.koiConserved, "site \(site): \(flaw)") }
        if let innocent = convicted.first(where: isHonest) {
            throw Violation(.nobodyConvicted, "site \(site) takes \(innocent.short) for one who voted twice")
        }
    }

    /// - Returns: what it decides, in a word; nil when it was looked at before.
    mutating func certified(_ stored: StoredOp, at site: Int) throws(Violation) -> String? {
        guard checked.insert(stored.op.id).inserted else { return nil }
        do throws(ConsensusError) {
            let header = stored.op.header
            let body = stored.body ?? header.inlineBody ?? []
            guard case .certificate(let certificate)? = try ConsensusOp(kind: header.kind, body: body) else {
                throw .invalidBody("no certificate")
            }
            try audit.add(certificate)
            return name(certificate)
        } catch {
            throw Violation(.oneAnswer, "site \(site) believes certificate \(stored.op.id.short): \(error)")
        }
    }

    private func name(_ certificate: Certificate) -> String {
        let kind = certificate.question.kind
        guard kind == .ledger else {
            return certificate.value.verdict == .undecided ? "\(kind.name), undecided" : kind.name
        }
        return switch try? LedgerQuestion(decoding: certificate.value.payload) {
        case .over: "escrow returned"
        case .paid: "bounty paid"
        case .sold: "auction sold"
        case nil: "nonsense about an escrow"
        }
    }
}

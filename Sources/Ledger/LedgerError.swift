public import Identity
public import Wire

/// Why an op of the ledger has no effect.
public enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidBody(String)
    /// No certificate in the op's causal past names its log as its author's account log.
    case notAccountLog
    case insufficientFunds(AccountID, needs: NanoKoi, has: NanoKoi)
    case overflow
    case unknownRecipient(PeerID)
    case unknownPrice(OpID)
    case wrongCharge(String)
    case unknownBounty(OpID)
    case ownBounty(OpID)
    case settled(OpID)
    case expired(OpID)
    case notExpired(OpID)
    case unknownClaim(OpID)
    case claimedAlready(by: OpID)
    case unknownRange(OpID)
    case unknownSubject(OpID)
    case unknownAttestation(OpID)
    case notOwner(OpID)
    case unknownAuction(OpID)
    case alreadyBid(OpID)
    case alreadyOffered(OpID)

    /// Stable, for metrics and scripts.
    public var code: String {
        switch self {
        case .invalidBody: "invalid-body"
        case .notAccountLog: "not-account-log"
        case .insufficientFunds: "insufficient-funds"
        case .overflow: "amount-overflow"
        case .unknownRecipient: "unknown-recipient"
        case .unknownPrice: "unknown-price"
        case .wrongCharge: "wrong-charge"
        case .unknownBounty: "unknown-bounty"
        case .ownBounty: "own-bounty"
        case .settled: "settled"
        case .expired: "expired"
        case .notExpired: "not-expired"
        case .unknownClaim: "unknown-claim"
        case .claimedAlready: "claimed-already"
        case .unknownRange: "unknown-range"
        case .unknownSubject: "unknown-subject"
        case .unknownAttestation: "unknown-attestation"
        case .notOwner: "not-owner"
        case .unknownAuction: "unknown-auction"
        case .alreadyBid: "already-bid"
        case .alreadyOffered: "already-offered"
        }
    }

    public var description: String {
        switch self {
        case .invalidBody(let why): why
        case .notAccountLog:
            "Koi moves in its author's account log alone, and as far as its past says this is another log"
        case .insufficientFunds(let account, let needs, let has):
            "it costs \(Koi.text(needs)) Koi; the wallet of agent \(account.agent) holds \(Koi.text(has)) Koi that are final"
        case .overflow: "its amounts are more than 2^63 - 1 nKoi together"
        case .unknownRecipient(let peer): "\(peer.short) is not a member as far as the op's past says"
        case .unknownPrice(let id): "\(id.short) is no price that it builds on"
        case .wrongCharge(let why): why
        case .unknownBounty(let id): "\(id.short) is no bounty that it builds on"
        case .ownBounty(let id): "bounty \(id.short) is its own author's"
        case .settled(let id): "\(id.short) is settled already"
        case .expired(let id): "\(id.short) expires before the certified time"
        case .notExpired(let id): "the certified time has not come to the end of \(id.short)"
        case .unknownClaim(let id): "\(id.short) is no claim of it that the op builds on"
        case .claimedAlready(let id): "ops of its range are claimed by \(id.short) already"
        case .unknownRange(let head): "\(head.short) is not where it says in a log of the claim's author"
        case .unknownSubject(let id): "it builds on no op \(id.short)"
        case .unknownAttestation(let id): "\(id.short) is no attestation that it builds on"
        case .notOwner(let id): "\(id.short) is somebody else's"
        case .unknownAuction(let id): "\(id.short) is no auction that it builds on"
        case .alreadyBid(let id): "this wallet has bid for it already, with \(id.short)"
        case .alreadyOffered(let id): "it is offered already, by \(id.short)"
        }
    }
}

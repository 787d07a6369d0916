public import Identity
public import Replication
public import Wire

/// The first ops of one log: named by the last of them.
public struct LogPrefix: Hashable, Sendable {
    public let key: LogKey
    /// From 1.
    public let seq: UInt64
    public let id: OpID

    public init(key: LogKey, seq: UInt64, id: OpID) {
        self.key = key
        self.seq = seq
        self.id = id
    }
}

/// What a quorum certificate decided, as far as money follows from it. Who may certify what is the business of
/// whoever checks certificates; here they are facts.
public enum Outcome: Hashable, Sendable {
    /// From now on `owner` pays out of `log`. Of the log before, what `end` names counts and is final, and nothing
    /// beyond it. Generations count from 1.
    case accountLog(owner: PeerID, generation: UInt64, log: LogID, end: LogPrefix?)
    /// What was paid in a prefix of an account log can be spent.
    case prefix(LogPrefix)
    /// A member may vote, and receives the grant.
    case admitted(PeerID)
    /// The median gain of a training claim, in millionths of a nat.
    case trained(claim: OpID, gain: Int64)
    case bountyPaid(bounty: OpID, claim: OpID)
    case bountyExpired(bounty: OpID)
    /// `measuredBy`: whose measurements the decision used, ascending.
    case patternAccepted(proposal: OpID, measuredBy: [PeerID])
    case patternRejected(proposal: OpID)
    case patternExpired(proposal: OpID)
    /// The bids named pay `price` each, all other bids are returned.
    case auctionSold(auction: OpID, price: NanoKoi, bids: [OpID])
    case auctionClosed(auction: OpID)
    /// The certified clock, in seconds since 1970.
    case time(UInt64)

    /// What is decided once.
    enum Subject: Hashable, Sendable {
        case accountLog(PeerID, UInt64)
        case prefix(LogPrefix)
        case admission(PeerID)
        case op(OpID)
        case time(UInt64)
    }

    var subject: Subject {
        switch self {
        case .accountLog(let owner, let generation, _, _): .accountLog(owner, generation)
        case .prefix(let prefix): .prefix(prefix)
        case .admitted(let peer): .admission(peer)
        case .trained(let id, _), .bountyPaid(let id, _), .bountyExpired(let id), .patternAccepted(let id, _),
            .patternRejected(let id), .patternExpired(let id), .auctionSold(let id, _, _), .auctionClosed(let id):
            .op(id)
        case .time(let seconds): .time(seconds)
        }
    }

    /// Orders outcomes of one subject. There is only one, unless a third of the electors lie; then every node takes
    /// the same one.
    var rank: Bytes {
        var encoder = CBOREncoder()
        switch self {
        case .accountLog(_, _, let log, let end):
            encoder.uint(0)
            encoder.bytes(log.bytes)
            encoder.bytes(end?.id.bytes ?? [])
        case .prefix, .admitted, .time: encoder.uint(1)
        case .trained(_, let gain): encoder.int(gain)
        case .bountyPaid(_, let claim): encoder.bytes(claim.bytes)
        case .patternAccepted(_, let members): encoder.bytes(Bytes(members.flatMap(\.bytes)))
        case .auctionSold(_, let price, let bids):
            encoder.int(price)
            encoder.bytes(Bytes(bids.flatMap(\.bytes)))
        case .bountyExpired, .auctionClosed, .patternExpired: encoder.null()
        case .patternRejected: encoder.bool(false)
        }
        return encoder.bytes
    }
}

public import Identity
public import Wire

/// JOIN: a site that belongs to nobody yet redeems a ticket at the member that made it.
///
/// ```
/// request  [0, secret: 16 B, [address …]]                                       new site → inviter
/// granted  [1, seconds, genesis: bytes, vocabulary_key: 32 B, [[peer, name, address] …]]
/// refused  [2, seconds, reason, text]
/// ```
/// `seconds` is the inviter's clock, since 1970: what a ticket's end is measured by. An address is `HOST:PORT`, and
/// empty for a member that only dials out. The secret and the vocabulary key travel on a connection whose HELLO has
/// proven both ends.
public enum JoinMessage: Sendable, Equatable {
    case request(JoinRequest)
    case granted(JoinGrant)
    case refused(JoinRefusal)

    func encode(into encoder: inout CBOREncoder) {
        switch self {
        case .request(let request):
            encoder.array(3)
            encoder.uint(0)
            encoder.bytes(request.secret)
            encoder.array(request.addresses.count)
            for address in request.addresses { encoder.text(address) }
        case .granted(let grant):
            encoder.array(5)
            encoder.uint(1)
            encoder.uint(grant.seconds)
            encoder.bytes(grant.genesis)
            encoder.bytes(grant.vocabularyKey)
            encoder.array(grant.members.count)
            for member in grant.members {
                encoder.array(3)
                encoder.bytes(member.peer.bytes)
                encoder.text(member.name)
                encoder.text(member.address)
            }
        case .refused(let refusal):
            encoder.array(4)
            encoder.uint(2)
            encoder.uint(refusal.seconds)
            encoder.uint(UInt64(refusal.reason.rawValue))
            encoder.text(refusal.text)
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        let items = try decoder.array(max: 5)
        let start = decoder.position
        switch (try decoder.uint(max: 2), items) {
        case (0, 3):
            let secret = try decoder.bytes(exactly: JoinLimits.secretBytes)
            var addresses: [String] = []
            for _ in 0..<(try decoder.array(max: SessionLimits.listenAddresses)) {
                addresses.append(try decoder.text(max: SessionLimits.addressBytes))
            }
            self = .request(JoinRequest(secret: secret, addresses: addresses))
        case (1, 5):
            let seconds = try decoder.uint(max: 1 << 53)
            let genesis = try decoder.bytes(max: JoinLimits.genesisBytes)
            let key = try decoder.bytes(exactly: 32)
            var members: [JoinGrant.Member] = []
            for _ in 0..<(try decoder.array(max: JoinLimits.members)) {
                try decoder.array(exactly: 3)
                members.append(
                    JoinGrant.Member(
                        peer: try decoder.id(), name: try decoder.text(max: JoinLimits.nameBytes),
                        address: try decoder.text(max: SessionLimits.addressBytes)))
            }
            self = .granted(
                JoinGrant(seconds: seconds, genesis: genesis, vocabularyKey: key, members: members))
        case (2, 4):
            let seconds = try decoder.uint(max: 1 << 53)
            let reason = JoinRefusal.Reason(rawValue: UInt8(try decoder.uint(max: 255)))
            self = .refused(
                JoinRefusal(seconds: seconds, reason: reason, text: try decoder.text(max: SessionLimits.byeTextBytes)))
        default: throw .unexpected(at: start, wanted: "a request, a grant or a refusal")
        }
    }
}

/// Bounds of JOIN, all inclusive. A grant fits into one frame of lane 0.
public enum JoinLimits {
    public static let secretBytes = 16
    public static let nameBytes = 64
    public static let genesisBytes = 16 * 1_024
    /// Whom the new site is told to dial; it hears of the others by their ops.
    public static let members = 256
    /// Of the members' names and addresses together.
    public static let memberBytes = 40 * 1_024
}

/// What a new site asks.
public struct JoinRequest: Sendable, Equatable {
    public var secret: Bytes
    /// Where it can be dialled; none behind a NAT.
    public var addresses: [String]

    public init(secret: Bytes, addresses: [String]) {
        self.secret = secret
        self.addresses = addresses
    }
}

/// All that a site needs to belong.
public struct JoinGrant: Sendable, Equatable {
    public struct Member: Sendable, Equatable {
        public var peer: PeerID
        public var name: String
        public var address: String

        public init(peer: PeerID, name: String, address: String) {
            self.peer = peer
            self.name = name
            self.address = address
        }

        /// With the heads of its items, at most.
        public var byteCount: Int { 48 + name.utf8.count + address.utf8.count }
    }
    public var seconds: UInt64
    public var genesis: Bytes
    public var vocabularyKey: Bytes
    public var members: [Member]

    public init(seconds: UInt64, genesis: Bytes, vocabularyKey: Bytes, members: [Member]) {
        self.seconds = seconds
        self.genesis = genesis
        self.vocabularyKey = vocabularyKey
        self.members = members
    }
}

/// Why a ticket is not redeemed.
public struct JoinRefusal: Sendable, Equatable {
    public struct Reason: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The inviter made no such ticket, or has withdrawn it.
        public static let unknown = Reason(rawValue: 0)
        /// Another site has redeemed it.
        public static let used = Reason(rawValue: 1)
        public static let expired = Reason(rawValue: 2)
        /// The inviter cannot admit anybody now.
        public static let unable = Reason(rawValue: 3)
    }
    /// The inviter's clock.
    public var seconds: UInt64
    public var reason: Reason
    public var text: String

    public init(seconds: UInt64, reason: Reason, text: String) {
        self.seconds = seconds
        self.reason = reason
        self.text = text
    }
}

/// Bits of HELLO's features.
public enum HelloFeatures {
    /// An acceptor answers JOIN; an initiator means to send it, and nothing else.
    public static let join: UInt64 = 1
    /// Understands RECONCILE.
    public static let reconcile: UInt64 = 2
    /// Understands PEERS, GRAFT and PRUNE, and acts on IHAVE.
    public static let overlay: UInt64 = 4
    /// Understands SUMS_WANT and SUMS.
    public static let sums: UInt64 = 8
    /// Understands a PRUNE that names authors.
    public static let trees: UInt64 = 16
}

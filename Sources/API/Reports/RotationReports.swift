/// `POST /api/keys/rotation`: this site goes on under a new key.
public struct RotationRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case network, again }
    public static let narrowed: [CodingKeys: JSONSchema] = [.network: .name]
    /// The network's name, so that nobody does it by accident.
    public var network: String
    /// Another one, although the present key is less than a day old.
    public var again: Bool?

    public init(network: String, again: Bool? = nil) {
        self.network = network
        self.again = again
    }
}

/// How far this site has got with a new key: `GET /api/keys/rotation`.
public struct RotationReport: Codable, Sendable, Equatable {
    public var network: String
    /// The key that this node signs with.
    public var peer: String
    /// The one that comes next; nil if none was made.
    public var successor: String?
    /// When the site took its present key from the one before, in seconds since 1970; nil if it has had no other, or if
    /// that was on another machine.
    public var since: Int?
    /// `none`, `begun` (the new key is made), `signed` (the others are told), or `stolen`: the key was passed on to one
    /// that is not here.
    public var state: String
    public var connected: Int
    /// Whether others vote, so that a payment to the next key can become final. If not, none is made.
    public var certifiable: Bool
    /// What the wallets of the present key hold.
    public var koi: KoiAmount
    /// What is being decided and would be paid to the present key: nobody could spend it after that.
    public var open: KoiAmount

    public init(
        network: String, peer: String, successor: String?, since: Int? = nil, state: String, connected: Int,
        certifiable: Bool,
        koi: KoiAmount, open: KoiAmount
    ) {
        self.network = network
        self.peer = peer
        self.successor = successor
        self.since = since
        self.state = state
        self.connected = connected
        self.certifiable = certifiable
        self.koi = koi
        self.open = open
    }

    /// How long a second rotation has to be asked for with ``RotationRequest/again``.
    private static let freshSeconds = 86_400

    /// Whether the present key has just been taken. A clock that was put back does not make it old.
    public func isFresh(now: Int) -> Bool { since.map { now - $0 < Self.freshSeconds } ?? false }
}

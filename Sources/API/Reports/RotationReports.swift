/// `POST /api/keys/rotation`: this site goes on under a new key.
public struct RotationRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case network }
    public static let narrowed: [CodingKeys: JSONSchema] = [.network: .name]
    /// The network's name, so that nobody does it by accident.
    public var network: String

    public init(network: String) { self.network = network }
}

/// How far this site has got with a new key: `GET /api/keys/rotation`.
public struct RotationReport: Codable, Sendable, Equatable {
    public var network: String
    /// The key that this node signs with.
    public var peer: String
    /// The one that comes next; nil if none was made.
    public var successor: String?
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
        network: String, peer: String, successor: String?, state: String, connected: Int, certifiable: Bool,
        koi: KoiAmount, open: KoiAmount
    ) {
        self.network = network
        self.peer = peer
        self.successor = successor
        self.state = state
        self.connected = connected
        self.certifiable = certifiable
        self.koi = koi
        self.open = open
    }
}

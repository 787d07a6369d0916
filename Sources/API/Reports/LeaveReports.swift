/// `POST /api/leave`: this site leaves its network, for good.
public struct LeaveRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case network }
    public static let narrowed: [CodingKeys: JSONSchema] = [.network: .name]
    /// The network's name, so that nobody leaves by accident.
    public var network: String

    public init(network: String) { self.network = network }
}

/// How far this site has got with leaving: `GET /api/leave`.
public struct LeaveReport: Codable, Sendable, Equatable {
    public var network: String
    /// `member`, `leaving` or `left`.
    public var state: String
    /// The network needs this site's vote until its next checkpoint.
    public var votes: Bool
    /// Other members that have heard, durably, and need nothing more of this site.
    public var releasedBy: Int
    public var connected: Int
    /// Members, as far as this site knows.
    public var members: Int
    /// What its wallets hold: it stays recorded, and nobody can spend it any more.
    public var koi: KoiAmount

    public init(
        network: String, state: String, votes: Bool, releasedBy: Int, connected: Int, members: Int, koi: KoiAmount
    ) {
        self.network = network
        self.state = state
        self.votes = votes
        self.releasedBy = releasedBy
        self.connected = connected
        self.members = members
        self.koi = koi
    }
}

/// `POST /api/invitations`.
public struct InvitationRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case name, expiresSeconds, addresses }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .name: .siteName, .expiresSeconds: .whole(1...30 * 86_400), .addresses: .some(of: .address, 1...8),
    ]
    /// What the new site is called.
    public var name: String
    /// From now; a day unless told otherwise, 30 days at most.
    public var expiresSeconds: Int?
    /// `HOST:PORT` where the new site reaches this one; where this node is known to listen unless told otherwise.
    public var addresses: [String]?

    public init(name: String, expiresSeconds: Int? = nil, addresses: [String]? = nil) {
        self.name = name
        self.expiresSeconds = expiresSeconds
        self.addresses = addresses
    }
}

/// A new ticket: the only time that it is told.
public struct TicketReport: Codable, Sendable, Equatable {
    /// Secret: whoever has it can join.
    public var ticket: String
    public var name: String
    public var network: String
    /// Seconds since 1970.
    public var expires: Int
    public var addresses: [String]

    public init(ticket: String, name: String, network: String, expires: Int, addresses: [String]) {
        self.ticket = ticket
        self.name = name
        self.network = network
        self.expires = expires
        self.addresses = addresses
    }
}

/// A ticket that was handed out: `GET /api/invitations`.
public struct InvitationReport: Codable, Sendable, Equatable {
    public var name: String
    /// `open`, `redeemed` or `expired`.
    public var state: String
    /// Seconds since 1970.
    public var expires: Int
    /// Who redeemed it, hexadecimal, and when.
    public var peer: String?
    public var redeemed: Int?

    public init(name: String, state: String, expires: Int, peer: String? = nil, redeemed: Int? = nil) {
        self.name = name
        self.state = state
        self.expires = expires
        self.peer = peer
        self.redeemed = redeemed
    }
}

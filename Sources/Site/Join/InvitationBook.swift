public import Identity
public import Wire

/// The tickets that a site has handed out: `invitations` in its data directory, 0600.
///
/// ```
/// DIGEST NAME EXPIRES                     not redeemed
/// DIGEST NAME EXPIRES PEER_ID REDEEMED    redeemed, by whom and when; the same site may ask again
/// ```
/// A secret stands there as its digest: whoever reads the file cannot join with it. What is redeemed is on the disk
/// before the new site hears of it, so that a ticket admits one site through any crash.
public struct InvitationBook: Sendable {
    /// Tickets at once.
    public static let limit = 256
    /// How long an expired ticket is remembered, to say that it expired.
    static let rememberedSeconds: UInt64 = 30 * 86_400
    static let maxFileBytes = 1 << 18

    public struct Invitation: Sendable, Equatable {
        public let digest: Hash32
        public let name: SiteName
        /// Seconds since 1970.
        public let expires: UInt64
        public internal(set) var redeemed: Redemption?

        public struct Redemption: Sendable, Equatable {
            public let peer: PeerID
            public let seconds: UInt64
        }
    }

    /// Why a secret admits nobody.
    public enum Refusal: Error, Equatable, Sendable {
        case unknown
        case used(Invitation)
        case expired(Invitation)
    }

    private let path: String
    public private(set) var invitations: [Invitation] = []

    /// Reads the book; one that is missing is empty.
    public init(path: String) throws(SiteError) {
        self.path = path
        guard Files.status(path) != nil else { return }
        let text = String(decoding: try Files.readSecret(path, limit: Self.maxFileBytes), as: UTF8.self)
        for (at, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
            guard let invitation = Self.parse(line) else {
                throw SiteError(
                    .malformed(line: at + 1), operation: "read the invitations in", object: "\(path), line \(at + 1)",
                    cause: "it is no invitation", remedy: "remove the line: its ticket is lost")
            }
            invitations.append(invitation)
        }
    }

    /// Notes a new ticket.
    ///
    /// - Throws: `inUse` with too many of them; what the disk refuses.
    public mutating func add(secret: Bytes, name: SiteName, expires: UInt64, now: UInt64) throws(SiteError) {
        var changed = invitations.filter { $0.redeemed != nil || $0.expires + Self.rememberedSeconds > now }
        guard changed.count(where: { $0.redeemed == nil }) < Self.limit else {
            throw SiteError(
                .inUse(pid: nil), operation: "invite", object: name.text,
                cause: "\(Self.limit) tickets are not redeemed yet",
                remedy: "withdraw some: shoal invite --withdraw NAME")
        }
        // The oldest are only of interest to people.
        changed = changed.suffix(Self.limit * 3)
        changed.append(Invitation(digest: Self.digest(secret), name: name, expires: expires, redeemed: nil))
        try save(changed)
    }

    /// Redeems a ticket for a site, durably; the site that redeemed it may ask again.
    ///
    /// - Parameter now: seconds since 1970.
    public mutating func redeem(
        secret: Bytes, by peer: PeerID, now: UInt64
    ) throws(SiteError) -> Result<Invitation, Refusal> {
        let digest = Self.digest(secret)
        guard let at = invitations.firstIndex(where: { $0.digest == digest }) else { return .failure(.unknown) }
        let invitation = invitations[at]
        if let before = invitation.redeemed {
            return before.peer == peer ? .success(invitation) : .failure(.used(invitation))
        }
        guard now < invitation.expires else { return .failure(.expired(invitation)) }
        var changed = invitations
        changed[at].redeemed = .init(peer: peer, seconds: now)
        try save(changed)
        return .success(changed[at])
    }

    /// Withdraws the tickets of a name that nobody has redeemed.
    ///
    /// - Returns: how many.
    public mutating func withdraw(_ name: SiteName) throws(SiteError) -> Int {
        let kept = invitations.filter { $0.name != name || $0.redeemed != nil }
        let count = invitations.count - kept.count
        if count > 0 { try save(kept) }
        return count
    }

    private mutating func save(_ changed: [Invitation]) throws(SiteError) {
        let lines = changed.map { invitation in
            let end = invitation.redeemed.map { " \($0.peer.hex) \($0.seconds)" } ?? ""
            return "\(invitation.digest.hex) \(invitation.name) \(invitation.expires)\(end)\n"
        }
        try Files.write(Bytes(lines.joined().utf8), to: path, mode: 0o600)
        invitations = changed
    }

    private static func parse(_ line: Substring) -> Invitation? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3 || words.count == 5, let digest = Hash32(hex: words[0]),
            let name = SiteName(String(words[1])), let expires = UInt64(words[2])
        else { return nil }
        guard words.count == 5 else { return Invitation(digest: digest, name: name, expires: expires, redeemed: nil) }
        guard let peer = PeerID(hex: words[3]), let seconds = UInt64(words[4]) else { return nil }
        return Invitation(
            digest: digest, name: name, expires: expires, redeemed: .init(peer: peer, seconds: seconds))
    }

    private static func digest(_ secret: Bytes) -> Hash32 { blake2b256(domain: "shoal/invitation/1", secret) }
}

public import Identity
public import Wire

/// What `shoal invite` prints and `shoal join` takes: one line that admits one site, once, until it expires.
///
/// ```
/// shoal-ticket-1.BASE64URL( [inviter, network, secret: 16 B, expires_s, name, network name, [HOST:PORT …]]  CBOR
///                           checksum: BLAKE2b-256 of it, the first 4 bytes )
/// ```
/// Whoever has the line can join with it: it belongs on a channel that you trust. The inviter alone can redeem it, and
/// proves its id before it is told the secret.
public struct Ticket: Sendable, Equatable {
    public static let prefix = "shoal-ticket-1."
    static let maxCharacters = 4_096
    static let secretBytes = 16
    static let maxAddresses = 8

    public let inviter: PeerID
    public let network: NetworkID
    public let secret: Bytes
    /// Seconds since 1970, by the inviter's clock.
    public let expires: UInt64
    /// What the new site is called.
    public let name: SiteName
    public let networkName: SiteName
    /// Where the inviter can be dialled, in the order to try.
    public let addresses: [Endpoint]

    /// - Precondition: 1 to 8 addresses; a secret of 16 bytes.
    public init(
        inviter: PeerID, network: NetworkID, secret: Bytes, expires: UInt64, name: SiteName, networkName: SiteName,
        addresses: [Endpoint]
    ) {
        precondition((1...Self.maxAddresses).contains(addresses.count) && secret.count == Self.secretBytes)
        self.inviter = inviter
        self.network = network
        self.secret = secret
        self.expires = expires
        self.name = name
        self.networkName = networkName
        self.addresses = addresses
    }

    /// The line.
    public var text: String {
        var encoder = CBOREncoder()
        encoder.array(7)
        encoder.bytes(inviter.bytes)
        encoder.bytes(network.bytes)
        encoder.bytes(secret)
        encoder.uint(expires)
        encoder.text(name.text)
        encoder.text(networkName.text)
        encoder.array(addresses.count)
        for address in addresses { encoder.text(address.description) }
        return Self.prefix + Base64URL.encode(encoder.bytes + Self.checksum(encoder.bytes))
    }

    /// Whether a word is meant to be a ticket, whole or not.
    public static func isTicket(_ text: String) -> Bool { text.hasPrefix("shoal-ticket-") }

    /// - Throws: `malformed`, `newer`; `damaged` for one that is cut off or altered.
    public init(parsing given: String) throws(SiteError) {
        let text = given.filter { !$0.isWhitespace }
        guard Self.isTicket(text) else {
            throw Self.bad(.malformed(line: nil), "it does not begin with \(Self.prefix)")
        }
        guard text.hasPrefix(Self.prefix) else {
            throw Self.bad(.newer, "it is of another version", remedy: "use the inviter's version of shoal")
        }
        guard text.utf8.count <= Self.maxCharacters, let bytes = Base64URL.decode(text.dropFirst(Self.prefix.count)),
            bytes.count > 4, Self.checksum(Bytes(bytes.dropLast(4))) == Bytes(bytes.suffix(4))
        else { throw Self.bad(.damaged, "it is cut off or was changed: its checksum does not fit") }
        do throws(CBORError) {
            var decoder = CBORDecoder(Bytes(bytes.dropLast(4)))
            try decoder.array(exactly: 7)
            inviter = try decoder.id()
            network = try decoder.id()
            secret = try decoder.bytes(exactly: Self.secretBytes)
            expires = try decoder.uint(max: 1 << 53)
            guard let name = SiteName(try decoder.text(max: SiteName.maxBytes)),
                let networkName = SiteName(try decoder.text(max: SiteName.maxBytes))
            else { throw .unexpected(at: 0, wanted: "names") }
            self.name = name
            self.networkName = networkName
            var addresses: [Endpoint] = []
            for _ in 0..<(try decoder.array(max: Self.maxAddresses)) {
                guard let address = Endpoint(parsing: try decoder.text(max: 300)), address.port > 0 else {
                    throw .unexpected(at: 0, wanted: "an address")
                }
                addresses.append(address)
            }
            guard !addresses.isEmpty else { throw .unexpected(at: 0, wanted: "an address") }
            self.addresses = addresses
            try decoder.end()
        } catch {
            throw Self.bad(.malformed(line: nil), "it is not what shoal writes (\(error))")
        }
    }

    private static func checksum(_ bytes: Bytes) -> Bytes {
        let digest: Hash32 = blake2b256(domain: "shoal/ticket/1", bytes)
        return Bytes(digest.bytes.prefix(4))
    }

    private static func bad(
        _ reason: SiteError.Reason, _ cause: String,
        remedy: String = "copy the whole line that `shoal invite` printed, from \(prefix) on"
    ) -> SiteError {
        SiteError(reason, operation: "read", object: "the ticket", cause: cause, remedy: remedy)
    }
}

extension Ticket: CustomStringConvertible, CustomReflectable {
    public var description: String { "Ticket(\(name) into \(networkName), secret)" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "network": networkName]) }
}

/// RFC 4648 §5, without padding; one text for each value.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: Bytes) -> String {
        var text: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for other characters, and where bits are left over that are not 0.
    static func decode(_ text: some StringProtocol) -> Bytes? {
        var bytes: Bytes = []
        var (bits, count) = (UInt32(0), 0)
        for byte in text.utf8 {
            guard let value = alphabet.firstIndex(of: byte) else { return nil }
            bits = (bits << 6 | UInt32(value)) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
        return bytes
    }
}

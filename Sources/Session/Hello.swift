public import Identity
public import Wire

/// Which side of the connection a node is on.
public enum Role: UInt8, Sendable, Hashable {
    /// Opened the connection.
    case initiator = 0
    case acceptor = 1

    public var other: Role { self == .initiator ? .acceptor : .initiator }
}

/// What a node says of itself when a connection opens.
public struct HelloOffer: Sendable, Equatable {
    /// Bits of optional abilities; both sides use what both have.
    public var features: UInt64
    /// `HOST:PORT` where this node can be dialled, at most 8, each at most 255 bytes; empty behind a NAT.
    public var listenAddresses: [String]
    /// Digest of the applied frontier, and of the state there: if both agree there is nothing to fetch.
    public var frontier: Hash32
    public var state: Hash32

    public init(features: UInt64 = 0, listenAddresses: [String] = [], frontier: Hash32, state: Hash32) {
        self.features = features
        self.listenAddresses = listenAddresses
        self.frontier = frontier
        self.state = state
    }

    var isWithinLimits: Bool {
        listenAddresses.count <= SessionLimits.listenAddresses
            && listenAddresses.allSatisfy { $0.utf8.count <= SessionLimits.addressBytes }
    }
}

/// The first frame each way.
///
/// ```
/// body  = [ version, network_id:32B, peer_id:32B, role: 0|1, features, max_frame, [credit, credit, credit],
///           [listen_addr: text …], frontier_digest:32B, state_digest:32B ]
/// HELLO = the same array with one item more: sig:64B
/// sig   = Ed25519(identity, "shoal/hello/1" || network_id || u8 role || expected:32B || exporter:32B || H(body))
/// H     = blake2b256(domain: "shoal/hello-body/1", …)
/// ```
/// `body` is hashed as the CBOR array of ten items, `sig` not among them. `expected` is the peer the
/// signer believes to talk to, or zeros where it dialled an address without knowing whom. `exporter`
/// is keying material of this very TLS connection, so that the frame is worth nothing on another.
public struct Hello: Sendable, Equatable {
    public static let version: UInt64 = 1

    public var network: NetworkID
    public var peer: PeerID
    public var role: Role
    public var features: UInt64
    /// The longest frame body the sender takes, on any lane.
    public var maxFrame: Int
    /// What the sender lets the other side have unprocessed, per lane.
    public var credits: PerLane<Int>
    public var listenAddresses: [String]
    public var frontier: Hash32
    public var state: Hash32
    public var signature: Bytes

    /// Signs an offer of this version's terms.
    public init(
        _ offer: HelloOffer, role: Role, network: NetworkID, expected: PeerID, exporter: Bytes, with key: KeyPair
    ) {
        self.network = network
        peer = key.peerID
        self.role = role
        features = offer.features
        maxFrame = Lane.bulk.frameLimit
        credits = PerLane { $0.window }
        listenAddresses = offer.listenAddresses
        frontier = offer.frontier
        state = offer.state
        signature = []
        signature = key.sign(signedBytes(expected: expected, exporter: exporter))
    }

    public func isSigned(for expected: PeerID, exporter: Bytes) -> Bool {
        verify(signature, of: signedBytes(expected: expected, exporter: exporter), by: peer)
    }

    private func signedBytes(expected: PeerID, exporter: Bytes) -> Bytes {
        var encoder = CBOREncoder(reserving: 512)
        encoder.array(10)
        encodeItems(into: &encoder)
        let bodyHash: Hash32 = blake2b256(domain: "shoal/hello-body/1", encoder.bytes)
        return Bytes("shoal/hello/1".utf8) + network.bytes + [role.rawValue] + expected.bytes + exporter
            + bodyHash.bytes
    }

    private func encodeItems(into encoder: inout CBOREncoder) {
        encoder.uint(Self.version)
        encoder.bytes(network.bytes)
        encoder.bytes(peer.bytes)
        encoder.uint(UInt64(role.rawValue))
        encoder.uint(features)
        encoder.uint(UInt64(maxFrame))
        encoder.perLane(credits)
        encoder.array(listenAddresses.count)
        for address in listenAddresses { encoder.text(address) }
        encoder.bytes(frontier.bytes)
        encoder.bytes(state.bytes)
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(11)
        encodeItems(into: &encoder)
        encoder.bytes(signature)
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 11)
        let start = decoder.position
        guard try decoder.uint() == Self.version else { throw .outOfRange(at: start, what: "another version") }
        network = try decoder.id()
        peer = try decoder.id()
        role = Role(rawValue: UInt8(try decoder.uint(max: 1)))!
        features = try decoder.uint()
        maxFrame = try decoder.count(max: Int(UInt32.max))
        credits = try decoder.perLane(max: SessionLimits.grantBytes)
        var addresses = [String]()
        for _ in 0..<(try decoder.array(max: SessionLimits.listenAddresses)) {
            addresses.append(try decoder.text(max: SessionLimits.addressBytes))
        }
        listenAddresses = addresses
        frontier = try decoder.id()
        state = try decoder.id()
        signature = try decoder.bytes(exactly: 64)
    }

    /// The version a HELLO claims; it stands first, so that it can be read whatever follows in other versions.
    static func claimedVersion(of body: Bytes) throws(CBORError) -> UInt64 {
        var decoder = CBORDecoder(body)
        _ = try decoder.array(max: 64)
        return try decoder.uint()
    }
}

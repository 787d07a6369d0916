public import Identity
public import Wire

/// Why one side ends a connection, in a number that travels in BYE.
///
/// 0-15 are decisions of the node above, 16 and up are breaches that ``LinkError`` names. Numbers of
/// later versions are carried as they are.
public struct ByeCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The node stops; dial again later.
    public static let shutdown = ByeCode(rawValue: 0)
    /// The peer is not on the member list.
    public static let unknownMember = ByeCode(rawValue: 1)
    /// Another connection between the same two nodes is kept.
    public static let duplicate = ByeCode(rawValue: 2)
    /// No place for one more peer.
    public static let tooManyPeers = ByeCode(rawValue: 3)
    /// What the peer sent was well framed and wrong, such as an op with a bad signature.
    public static let misbehaviour = ByeCode(rawValue: 4)
}

/// Why a connection ends. One enum for the room: frames, messages, HELLO, credit, liveness, bodies.
public enum LinkError: Error, Equatable, Sendable {
    // Frames
    case unknownLane(UInt8)
    case reservedBits
    case frameTooLong(Lane, bytes: Int, limit: Int)
    case unknownType(UInt8)
    case notSpoken(ReservedKind)
    case wrongLane(MessageKind, Lane)
    // Messages
    case malformed(MessageKind, CBORError)
    // HELLO
    case beforeHello(type: UInt8)
    case secondHello
    case version(UInt64)
    case wrongNetwork(NetworkID)
    case ownID
    case sameRole
    case unexpectedPeer(PeerID)
    case terms(String)
    /// Altered, replayed from or reflected into another connection, or meant for another node: all of
    /// these are a signature over other bytes, and cannot be told apart.
    case badSignature
    case handshakeTimeout
    // Credit and liveness
    case creditExceeded(Lane)
    case creditOverflow(Lane)
    case creditTooSmall
    case pingFlood
    case unexpectedPong
    case dead(missedPings: Int)
    // Bodies
    case chunkMismatch(body: Hash32, chunk: Int)
    // Ends that are nobody's fault
    case byeReceived(ByeCode, String)
    case byeSent(ByeCode, String)
}

extension LinkError {
    /// The number that BYE carries, and that metrics are counted by.
    public var code: ByeCode {
        switch self {
        case .unknownLane: ByeCode(rawValue: 16)
        case .reservedBits: ByeCode(rawValue: 17)
        case .frameTooLong: ByeCode(rawValue: 18)
        case .unknownType: ByeCode(rawValue: 19)
        case .notSpoken: ByeCode(rawValue: 20)
        case .wrongLane: ByeCode(rawValue: 21)
        case .malformed: ByeCode(rawValue: 22)
        case .beforeHello: ByeCode(rawValue: 32)
        case .secondHello: ByeCode(rawValue: 33)
        case .version: ByeCode(rawValue: 34)
        case .wrongNetwork: ByeCode(rawValue: 35)
        case .ownID: ByeCode(rawValue: 36)
        case .sameRole: ByeCode(rawValue: 37)
        case .unexpectedPeer: ByeCode(rawValue: 38)
        case .terms: ByeCode(rawValue: 39)
        case .badSignature: ByeCode(rawValue: 40)
        case .handshakeTimeout: ByeCode(rawValue: 41)
        case .creditExceeded: ByeCode(rawValue: 48)
        case .creditOverflow: ByeCode(rawValue: 49)
        case .creditTooSmall: ByeCode(rawValue: 50)
        case .pingFlood: ByeCode(rawValue: 51)
        case .unexpectedPong: ByeCode(rawValue: 52)
        case .dead: ByeCode(rawValue: 53)
        case .chunkMismatch: ByeCode(rawValue: 64)
        case .byeReceived(let code, _), .byeSent(let code, _): code
        }
    }

    /// Only the sender can be to blame: what no correct node of this version does, on any network.
    ///
    /// After HELLO the blame falls on the peer, before it on the address alone.
    public var isBreach: Bool {
        switch self {
        case .unknownLane, .reservedBits, .frameTooLong, .unknownType, .notSpoken, .wrongLane, .malformed, .beforeHello,
            .secondHello, .sameRole, .terms, .badSignature, .creditExceeded, .creditOverflow, .creditTooSmall,
            .pingFlood, .unexpectedPong, .chunkMismatch:
            true
        case .version, .wrongNetwork, .ownID, .unexpectedPeer, .handshakeTimeout, .dead, .byeReceived, .byeSent:
            false
        }
    }
}

extension LinkError {
    /// Reads the body of a frame, and says of which when it cannot.
    static func naming<Value>(
        _ kind: MessageKind, _ read: () throws(CBORError) -> Value
    ) throws(LinkError) -> Value {
        do {
            return try read()
        } catch {
            throw .malformed(kind, error)
        }
    }
}

extension LinkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownLane(let lane): "the peer used lane \(lane); there are lanes 0 to 2"
        case .reservedBits: "the peer set reserved bits of a frame head"
        case .frameTooLong(let lane, let bytes, let limit):
            "the peer announced a frame of \(bytes) bytes on lane \(lane.rawValue); the limit is \(limit)"
        case .unknownType(let type): "the peer sent a frame of type \(type), which shoal/1 does not have"
        case .notSpoken(let kind): "the peer sent \(kind) (\(kind.rawValue)), which this version does not speak"
        case .wrongLane(let kind, let lane): "the peer sent \(kind.name) on lane \(lane.rawValue)"
        case .malformed(let kind, let error): "the peer sent a malformed \(kind.name): \(error)"
        case .beforeHello(let type): "the peer sent a frame of type \(type) before its HELLO"
        case .secondHello: "the peer sent a second HELLO"
        case .version(let version): "the peer speaks protocol version \(version), this node 1: upgrade the older one"
        case .wrongNetwork(let network):
            "the peer belongs to network \(network.short)…: check that both sites use the same .network file"
        case .ownID: "the peer has this node's own id: it is this node, or a copy of its key"
        case .sameRole: "both sides of the connection claim the same role"
        case .unexpectedPeer(let peer): "peer \(peer.short)… answered at another's address: check the .peers file"
        case .terms(let what): "the peer's HELLO offers what no link can work with: \(what)"
        case .badSignature: "the peer's HELLO is not signed by its id for this very connection"
        case .handshakeTimeout: "no valid HELLO within \(SessionLimits.handshakeMs / 1_000) s"
        case .creditExceeded(let lane): "the peer sent more on lane \(lane.rawValue) than it had credit for"
        case .creditOverflow(let lane): "the peer returned more credit on lane \(lane.rawValue) than was in use"
        case .creditTooSmall: "the peer returned credit in pieces that are too small"
        case .pingFlood: "the peer sent PINGs faster than a heartbeat needs"
        case .unexpectedPong: "the peer answered a PING that was not sent"
        case .dead(let missed): "the peer left \(missed) PINGs unanswered"
        case .chunkMismatch(let body, let chunk): "chunk \(chunk) of body \(body.short)… is not what its hash says"
        case .byeReceived(let code, let text): "the peer ended the connection (\(code.rawValue)): \(text)"
        case .byeSent(let code, let text): "this node ended the connection (\(code.rawValue)): \(text)"
        }
    }
}

/// Why ``Link/send(_:)`` did not take a message. Nothing was sent; the link goes on.
public enum SendRefusal: Error, Equatable, Sendable {
    /// No verified HELLO yet.
    case notEstablished
    case closed
    /// The peer is slow: drop the copy, mark the peer dirty, let anti-entropy repair.
    case queueFull(Lane)
}

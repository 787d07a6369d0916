public import Wire

/// The eight bytes before every body.
///
/// ```
///  0       4      5      6       8             8 + length
///  +-------+------+------+-------+-------------+
///  |length |type  |lane  | zero  | body        |     integers are big-endian
///  | u32   | u8   | u8   | u16   | one CBOR array
///  +-------+------+------+-------+-------------+
/// ```
/// `length` counts the body alone. Credit counts head and body, so an empty frame is not free.
public struct FrameHeader: Sendable, Equatable {
    public static let bytes = 8
    /// Types from here on are read over when they are not known.
    static let firstSkippableType: UInt8 = 0x80

    public enum Content: Sendable, Equatable {
        case known(MessageKind)
        /// A type of a later version; its body is dropped as it arrives.
        case skippable(type: UInt8)
    }

    public let content: Content
    public let lane: Lane
    /// Bytes of the body.
    public let length: Int

    /// Bytes of the whole frame: what credit counts.
    public var frameBytes: Int { Self.bytes + length }

    /// Reads and judges a head before anything of its body is kept.
    ///
    /// - Parameter head: exactly eight bytes.
    /// - Parameter onlyHello: no HELLO has been verified yet, so nothing else may come.
    init(_ head: Bytes, onlyHello: Bool) throws(LinkError) {
        precondition(head.count == Self.bytes, "a frame head has 8 bytes")
        let type = head[4]
        guard !onlyHello || type == MessageKind.hello.rawValue else { throw .beforeHello(type: type) }
        guard let lane = Lane(rawValue: head[5]) else { throw .unknownLane(head[5]) }
        guard head[6] == 0, head[7] == 0 else { throw .reservedBits }
        if let kind = MessageKind(rawValue: type) {
            guard kind.lane == lane else { throw .wrongLane(kind, lane) }
            content = .known(kind)
        } else if let kind = ReservedKind(rawValue: type) {
            throw .notSpoken(kind)
        } else if type >= Self.firstSkippableType {
            content = .skippable(type: type)
        } else {
            throw .unknownType(type)
        }
        let length = UInt32(bigEndianBytes: head[0..<4])!
        let limit = onlyHello ? SessionLimits.helloBytes : lane.frameLimit
        guard length <= UInt32(limit) else { throw .frameTooLong(lane, bytes: Int(length), limit: limit) }
        self.lane = lane
        self.length = Int(length)
    }
}

/// A whole frame of a kind this version speaks; its body is not decoded yet.
public struct Frame: Sendable, Equatable {
    public let kind: MessageKind
    public let body: Bytes

    public var frameBytes: Int { FrameHeader.bytes + body.count }

    public init(kind: MessageKind, body: Bytes) {
        precondition(body.count <= kind.lane.frameLimit, "a \(kind.name) body of \(body.count) bytes is over the limit")
        self.kind = kind
        self.body = body
    }

    /// The bytes on the wire.
    public func encode() -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(frameBytes)
        bytes += UInt32(body.count).bigEndianBytes
        bytes += [kind.rawValue, kind.lane.rawValue, 0, 0]
        bytes += body
        return bytes
    }
}

public import Wire

/// One connection of one transport; never used again within a process.
public struct ConnectionID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.rawValue < b.rawValue }
}

/// Who began a connection.
public enum ConnectionRole: Hashable, Sendable {
    case initiator
    case acceptor
}

/// What the transport tells. Every `opened` is followed by exactly one `closed`; every dial ends in one `opened`
/// with its tag or one `dialFailed`. No event comes while a call to the transport has not returned.
public enum TransportEvent: Hashable, Sendable {
    /// The TLS handshake is done, the other side's identity is not known yet.
    /// - `dial`: the tag of the dial, nil for an inbound connection.
    /// - `exporter`: 32 bytes, equal on both sides and on no other connection.
    /// - `remote`: the numeric address of the other side.
    case opened(ConnectionID, role: ConnectionRole, dial: UInt64?, exporter: Bytes, remote: HostPort)
    /// Bytes of the stream in order, 1 to 96 KiB; frames may begin and end anywhere.
    case received(ConnectionID, Bytes)
    /// More than ``TransportLimits/drained`` bytes were waiting, and no longer are: send more.
    case drained(ConnectionID)
    /// Nothing follows. `reason` is nil when either side closed in order.
    case closed(ConnectionID, reason: TransportError?)
    case dialFailed(dial: UInt64, TransportError)
}

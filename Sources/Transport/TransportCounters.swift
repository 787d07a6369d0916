/// What a transport has done since its start, for metrics.
public struct TransportCounters: Hashable, Sendable {
    /// TCP connections accepted, those refused at once included.
    public var accepted: UInt64 = 0
    /// Dials begun.
    public var dialed: UInt64 = 0
    /// TLS handshakes completed, both directions.
    public var handshakes: UInt64 = 0
    /// Failures by reason: of listening, dials, handshakes, admission and open connections.
    public private(set) var failures: [TransportError.Code: UInt64] = [:]
    /// Bytes of TCP payload.
    public var rawReceived: UInt64 = 0
    public var rawSent: UInt64 = 0
    /// Bytes of the streams inside TLS.
    public var received: UInt64 = 0
    public var sent: UInt64 = 0
    /// As of now: connections after and before the end of their handshake, bytes that wait to be sent.
    public var open = 0
    public var handshaking = 0
    public var unsent = 0

    public init() {}

    /// How often something failed for the reason `code`.
    public subscript(code: TransportError.Code) -> UInt64 { failures[code] ?? 0 }

    mutating func count(_ error: TransportError) { failures[error.code, default: 0] += 1 }
}

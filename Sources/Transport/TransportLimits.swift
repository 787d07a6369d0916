/// The bounds of one transport (protocol §1, §8, §9). Bytes and milliseconds.
public struct TransportLimits: Hashable, Sendable {
    /// Open connections, both directions together. Each costs about 20 KiB when idle.
    public var connections = 128
    /// Inbound connections that have not been declared authenticated. Beyond it the oldest gives way: to lock
    /// others out an attacker must then outpace every honest handshake, not just fill the seats once.
    public var unauthenticated = 64
    /// From accepting or connecting to the end of the TLS handshake.
    public var handshakeMs: UInt64 = 5_000
    /// From the start of a dial (name lookup included) to the end of its TLS handshake.
    public var dialMs: UInt64 = 10_000
    /// Dials in progress; others wait.
    public var dials = 4
    /// Dials waiting.
    public var waitingDials = 1_024
    /// Addresses of one name that are tried.
    public var addressesPerName = 8
    /// From ``TLSTransport/close(_:)`` until the other side must have taken the last bytes.
    public var lingerMs: UInt64 = 5_000
    /// Inbound connections per second and address (IPv6: per /64), on average.
    public var acceptsPerSecond = 20
    /// Inbound connections at once from one address; many nodes may sit behind one.
    public var acceptBurst = 200
    /// Unsent bytes of one connection; beyond it the connection is closed.
    public var unsent = 8 << 20
    /// Unsent bytes of all connections; beyond it the one with most of them is closed.
    public var totalUnsent = 256 << 20
    /// ``TransportEvent/drained(_:)`` is told when the unsent bytes fall to this.
    public var drained = 64 << 10
    /// TLS records sent under one key, far below the 2^24.5 that RFC 8446 §5.5 allows AES-GCM.
    public var recordsPerKey = 1 << 23
    /// Addresses whose rate is remembered.
    public var rememberedAddresses = 1_024
    /// Connections the kernel completes before they are accepted.
    public var backlog: Int32 = 256

    public init() {}
}

/// The bounds of one connection (protocol §1, §2, §9), all inclusive. ``LinkError`` names each breach.
public enum SessionLimits {
    /// From the start of a connection to the peer's verified HELLO.
    public static let handshakeMs: UInt64 = 5_000
    /// A HELLO is read before anybody is known, so it gets no more than it needs.
    public static let helloBytes = 4 * 1_024
    public static let listenAddresses = 8
    public static let addressBytes = 255
    /// A peer that grants more than this is not believed.
    public static let grantBytes = 64 * 1_024 * 1_024

    /// A signed op header with 64 dependencies and a full inline body.
    public static let envelopeBytes = 7 * 1_024
    public static let envelopesPerFrame = 1_024
    public static let idsPerFrame = 1_024
    public static let frontierEntriesPerFrame = 256
    public static let rangesPerFrame = 256
    public static let byeTextBytes = 256
    /// Certificates in one SUMS, and bytes of one: a checkpoint of 1,024 electors with a quorum of their votes.
    public static let certificatesPerFrame = 256
    public static let certificateBytes = 160 * 1_024
    /// A page ends before this, unless its first certificate alone is longer.
    public static let sumsPageBytes = 64 * 1_024
    /// Peers in one message of a shuffle, and steps that the news of a joining site goes.
    public static let knownPeersPerFrame = 16
    public static let joinHops = 6

    /// Silence after which a PING goes out, and the time each PING has for an answer.
    public static let heartbeatMs: UInt64 = 1_000
    /// Unanswered PINGs after which a link is dead, times (1 + local health).
    public static let missedPings = 3
    /// PINGs on their way at once; a correct peer never sends more.
    public static let pingsInFlight = 16
    /// PINGs taken at once, and how fast that allowance comes back. Twice what a correct peer can need.
    public static let pingBurst: UInt64 = 32
    public static let pingsPerSecond: UInt64 = 2

    /// How fast credit goes back to a peer, all lanes together, and what may come at once: beyond it the peer waits, and
    /// nothing is lost. More than all windows together, or credit that is due could never be returned.
    public static let bytesPerSecond: UInt64 = 8 * 1_024 * 1_024
    public static let bytesBurst: UInt64 = 8 * 1_024 * 1_024

    /// Bytes that may pass a waiting lane before it gets one frame through.
    public static let starvationBytes = 512 * 1_024
}

/// One of the three streams that share a connection; the lower number goes first.
public enum Lane: UInt8, Sendable, CaseIterable, Hashable {
    /// Handshake, liveness, announcements, requests and proofs.
    case control = 0
    /// Signed envelopes.
    case ops = 1
    /// Chunks of bodies.
    case bulk = 2

    /// The longest body of a frame.
    public var frameLimit: Int {
        switch self {
        case .control: 64 * 1_024
        case .ops, .bulk: 256 * 1_024
        }
    }

    /// Bytes (frames with their heads) that this node lets a peer have unprocessed.
    public var window: Int {
        switch self {
        case .control: 128 * 1_024
        case .ops: 512 * 1_024
        case .bulk: 2 * 1_024 * 1_024
        }
    }

    /// Bytes that may wait here for the peer's credit; beyond it a message is refused.
    public var queueLimit: Int {
        switch self {
        case .control: 256 * 1_024
        case .ops: 1_024 * 1_024
        case .bulk: 2 * 1_024 * 1_024
        }
    }
}

/// A value for each lane.
public struct PerLane<Value: Sendable>: Sendable {
    public var control: Value
    public var ops: Value
    public var bulk: Value

    public init(control: Value, ops: Value, bulk: Value) {
        self.control = control
        self.ops = ops
        self.bulk = bulk
    }

    public init(_ value: (Lane) -> Value) {
        self.init(control: value(.control), ops: value(.ops), bulk: value(.bulk))
    }

    public subscript(lane: Lane) -> Value {
        get {
            switch lane {
            case .control: control
            case .ops: ops
            case .bulk: bulk
            }
        }
        _modify {
            switch lane {
            case .control: yield &control
            case .ops: yield &ops
            case .bulk: yield &bulk
            }
        }
    }
}

extension PerLane: Equatable where Value: Equatable {}

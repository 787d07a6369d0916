/// Counters of one link. They only grow; read them whenever you like.
public struct LinkMetrics: Sendable, Equatable {
    public struct Count: Sendable, Equatable {
        public var frames: UInt64 = 0
        /// With frame heads.
        public var bytes: UInt64 = 0

        mutating func add(_ frameBytes: Int) {
            frames += 1
            bytes += UInt64(frameBytes)
        }
    }

    private static let slots = Int(MessageKind.allCases.map(\.rawValue).max()!) + 1
    private var receivedByKind = [Count](repeating: Count(), count: slots)
    private var sentByKind = [Count](repeating: Count(), count: slots)
    /// Frames of unknown types that were read over.
    public internal(set) var skipped = Count()
    /// Messages that ``Link/send(_:)`` did not take because the queue was full.
    public internal(set) var refused = PerLane<UInt64> { _ in 0 }
    /// Messages that did not go out at once: the peer had given no credit for them.
    public internal(set) var waited = 0
    /// Messages whose credit went back later, because the peer sends faster than `SessionLimits.bytesPerSecond`.
    public internal(set) var throttled = 0
    /// All bytes that came in, whole frames or not.
    public internal(set) var bytesReceived: UInt64 = 0
    /// All bytes given out to be written.
    public internal(set) var bytesWritten: UInt64 = 0

    /// Frames of `kind` that came in whole.
    public func received(_ kind: MessageKind) -> Count { receivedByKind[Int(kind.rawValue)] }
    /// Frames of `kind` given out to be written.
    public func sent(_ kind: MessageKind) -> Count { sentByKind[Int(kind.rawValue)] }

    mutating func countReceived(_ kind: MessageKind, bytes: Int) { receivedByKind[Int(kind.rawValue)].add(bytes) }
    mutating func countSent(_ kind: MessageKind, bytes: Int) { sentByKind[Int(kind.rawValue)].add(bytes) }
}

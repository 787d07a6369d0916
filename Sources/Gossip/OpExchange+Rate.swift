public import Identity
public import Replication
internal import Session
public import Wire

/// How much a neighbour may send unasked; what a PULL asked for does not count (protocol §9).
extension OpExchange {
    /// Ops that a neighbour may send unasked now.
    public mutating func pushesLeft(to peer: PeerID, now: Instant) -> Int {
        Int(neighbours[peer]?.pushes.available(now: now) ?? 0)
    }

    /// Whether the latest PULL asked a neighbour for what stands there.
    public func wasAsked(_ peer: PeerID, for key: LogKey, _ seq: UInt64) -> Bool {
        neighbours[peer]?.asked[key].map { seq <= $0 } ?? false
    }

    /// A neighbour sent so many ops unasked; at most ``pushesLeft(to:now:)`` were taken.
    public mutating func pushed(_ count: Int, by peer: PeerID, now: Instant) {
        _ = neighbours[peer]?.pushes.take(UInt64(count), now: now)
    }
}

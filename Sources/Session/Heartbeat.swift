import Wire

/// How long a message and its answer take: smoothed mean and deviation (Jacobson 1988, RFC 6298 §2).
public struct RoundTrip: Sendable, Equatable {
    private var meanTimes8: UInt64
    private var deviationTimes4: UInt64

    init(firstMs: UInt64) {
        meanTimes8 = firstMs * 8
        deviationTimes4 = firstMs * 2
    }

    mutating func add(_ sampleMs: UInt64) {
        let mean = meanTimes8 / 8
        let distance = sampleMs > mean ? sampleMs - mean : mean - sampleMs
        deviationTimes4 = deviationTimes4 - deviationTimes4 / 4 + distance
        meanTimes8 = meanTimes8 - mean + sampleMs
    }

    public var meanMs: UInt64 { meanTimes8 / 8 }
    public var deviationMs: UInt64 { deviationTimes4 / 4 }
    /// About the 95th percentile of a spread-out distribution: mean + 2 deviations.
    public var p95Ms: UInt64 { meanMs + 2 * deviationMs }
}

/// Tells a quiet peer from a dead one.
///
/// Any byte from the peer is a sign of life. After a second without one a PING goes out, and one more
/// for every further second; when `missedPings` of them have had their second in vain the peer is
/// dead. PINGs are counted rather than time, so a node that was itself asleep asks before it judges.
struct Heartbeat: Sendable {
    enum Beat: Sendable, Equatable {
        case ping(nonce: UInt64)
        case dead(missedPings: Int)
    }

    /// Deviation from health of this node itself (Lifeguard): 0 is well, each step adds patience.
    var localHealth = 0
    private(set) var roundTrip: RoundTrip?
    private(set) var due: Instant
    /// PINGs since the last sign of life.
    private var missed = 0
    /// When the PINGs without a PONG were sent; nonces count up from 1, the oldest is `answered + 1`.
    private var inFlight: [Instant] = []
    private var answered: UInt64 = 0
    /// What the peer may send.
    private var pings: TokenBucket

    init(now: Instant) {
        due = now + SessionLimits.heartbeatMs
        pings = TokenBucket(perSecond: SessionLimits.pingsPerSecond, burst: SessionLimits.pingBurst, now: now)
    }

    /// Bytes came from the peer.
    mutating func heard(now: Instant) {
        missed = 0
        due = now + SessionLimits.heartbeatMs
    }

    mutating func tick(now: Instant) -> Beat? {
        guard now >= due else { return nil }
        guard missed < SessionLimits.missedPings * (1 + localHealth) else { return .dead(missedPings: missed) }
        missed += 1
        due = now + SessionLimits.heartbeatMs
        // A peer that sends without reading is alive; its PINGs wait in the stream, no more are needed.
        guard inFlight.count < SessionLimits.pingsInFlight else { return nil }
        inFlight.append(now)
        return .ping(nonce: answered + UInt64(inFlight.count))
    }

    /// PONGs come once each and in order, as the stream does.
    mutating func ponged(nonce: UInt64, now: Instant) throws(LinkError) {
        guard !inFlight.isEmpty, nonce == answered + 1 else { throw .unexpectedPong }
        answered = nonce
        let sample = now - inFlight.removeFirst()
        if roundTrip == nil { roundTrip = RoundTrip(firstMs: sample) } else { roundTrip!.add(sample) }
    }

    /// The peer sent a PING: is it within what liveness needs?
    mutating func pinged(now: Instant) throws(LinkError) {
        guard pings.take(1, now: now) else { throw .pingFlood }
    }
}

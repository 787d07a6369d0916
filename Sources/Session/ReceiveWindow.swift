internal import Wire

/// What this node has granted the peer, and what it owes back.
///
/// Credit of a lane goes back when a quarter of its window has been processed (CREDIT, all lanes in
/// one frame). Later would let the longest frame wait for credit that never comes; much sooner is
/// refused by the peer as a flood. A peer that sends faster than `SessionLimits.bytesPerSecond` waits for it.
struct ReceiveWindow: Sendable {
    /// Received and not returned.
    private var inUse = PerLane { _ in 0 }
    /// Processed and not returned; part of `inUse`.
    private var owed = PerLane { _ in 0 }
    private var rate: TokenBucket

    init(now: Instant) {
        rate = TokenBucket(perSecond: SessionLimits.bytesPerSecond, burst: SessionLimits.bytesBurst, now: now)
    }

    /// A frame came in.
    mutating func received(_ bytes: Int, on lane: Lane) throws(LinkError) {
        guard inUse[lane] + bytes <= lane.window else { throw .creditExceeded(lane) }
        inUse[lane] += bytes
    }

    /// A frame is done with.
    ///
    /// - Returns: what to return now, if enough has gathered.
    mutating func processed(_ bytes: Int, on lane: Lane, now: Instant) -> PerLane<Int>? {
        owed[lane] += bytes
        precondition(bytes >= 0 && owed[lane] <= inUse[lane], "more was processed than was received")
        return creditDue(now: now)
    }

    /// What to return now, if enough has gathered and the peer is not too fast.
    mutating func creditDue(now: Instant) -> PerLane<Int>? {
        guard isDue, rate.take(UInt64(owedInAll), now: now) else { return nil }
        let credit = owed
        for lane in Lane.allCases { inUse[lane] -= credit[lane] }
        owed = PerLane { _ in 0 }
        #if DEBUG
            if SessionBugs.losesCredit { return nil }
        #endif
        return credit
    }

    private var isDue: Bool { Lane.allCases.contains { owed[$0] >= $0.window / 4 } }
    private var owedInAll: Int { Lane.allCases.reduce(0) { $0 + owed[$1] } }

    /// When credit that is due can be returned; nil: none is.
    var nextReturn: Instant? { isDue ? rate.ready(for: UInt64(owedInAll)) : nil }

    /// Bytes received and not given back, over all lanes.
    var held: Int { Lane.allCases.reduce(0) { $0 + inUse[$1] } }

    /// Bytes received and not processed, over all lanes.
    var unprocessed: Int { Lane.allCases.reduce(0) { $0 + inUse[$1] - owed[$1] } }
}

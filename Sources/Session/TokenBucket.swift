public import Wire

/// A rate with a burst: tokens come back evenly, up to a full bucket (Turner 1986, "New directions in communications").
///
/// A pure value: the caller passes the time. All sums are of integers, so two processes agree to the token.
public struct TokenBucket: Sendable, Equatable {
    /// Thousandths of a token that come back in a millisecond.
    private let perSecond: UInt64
    /// Of a full bucket, in thousandths of a token, like ``held``.
    private let capacity: UInt64
    private var held: UInt64
    private var since: Instant

    /// Full at first.
    ///
    /// - Parameters:
    ///   - perSecond: tokens that come back in a second, 1 to 2^32.
    ///   - burst: tokens of a full bucket, 1 to 2^32.
    public init(perSecond: UInt64, burst: UInt64, now: Instant) {
        precondition((1...1 << 32).contains(perSecond) && (1...1 << 32).contains(burst))
        self.perSecond = perSecond
        capacity = burst * 1_000
        held = capacity
        since = now
    }

    /// Whole tokens that are there. A clock that goes back brings none.
    public mutating func available(now: Instant) -> UInt64 {
        if now > since {
            let untilFull = (capacity - held + perSecond - 1) / perSecond
            held = now - since >= untilFull ? capacity : held + (now - since) * perSecond
            since = now
        }
        return held / 1_000
    }

    /// Takes so many tokens, or none.
    ///
    /// - Returns: whether they were there.
    public mutating func take(_ tokens: UInt64, now: Instant) -> Bool {
        guard available(now: now) >= tokens else { return false }
        held -= tokens * 1_000
        return true
    }

    /// When so many tokens will be there, if nobody takes any.
    ///
    /// - Precondition: a full bucket holds as many.
    public func ready(for tokens: UInt64) -> Instant {
        let wanted = tokens * 1_000
        precondition(wanted <= capacity)
        return wanted <= held ? since : since + (wanted - held + perSecond - 1) / perSecond
    }
}

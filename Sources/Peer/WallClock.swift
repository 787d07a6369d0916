internal import Wire

/// A site's own clock as it was read once. It decides when this site finds that something is due, never what is true.
struct WallClock: Sendable {
    /// Since 1970.
    let seconds: UInt64
    /// What the monotonic clock said then.
    let at: Instant

    init(seconds: UInt64, at: Instant) {
        self.seconds = min(seconds, 1 << 53)
        self.at = at
    }

    /// What it says now, if it runs as the monotonic clock does.
    func seconds(at now: Instant) -> UInt64 {
        let passed = now > at ? now.milliseconds - at.milliseconds : 0
        return seconds + passed / 1_000
    }

    /// When it says so, at the latest in some thousand years.
    func instant(of deadline: UInt64) -> Instant {
        at + (deadline > seconds ? min(deadline - seconds, 1 << 40) * 1_000 : 0)
    }
}

/// How fast something advances, over the last seconds.
///
/// Samples are kept for a window, so that a rate follows a change without jumping with every step.
struct RateMeter: Sendable {
    static let window = Duration.seconds(10)
    static let spacing = Duration.milliseconds(200)
    /// Less than this says nothing yet.
    static let minimum = Duration.seconds(1)

    private var samples: [(time: Duration, done: Int)] = []

    /// Records that `done` was reached at `time`; going back starts again.
    mutating func add(_ done: Int, at time: Duration) {
        if let last = samples.last, done < last.done { samples = [] }
        if samples.count >= 2, time - samples[samples.count - 2].time < Self.spacing { samples.removeLast() }
        samples.append((time, done))
        // One sample older than the window stays, so that slow steps have a rate too.
        while samples.count > 2, time - samples[1].time > Self.window { samples.removeFirst() }
    }

    /// Units per second; nil while too little is known.
    var perSecond: Double? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let time = last.time - first.time
        guard time >= Self.minimum, last.done > first.done else { return nil }
        return Double(last.done - first.done) / time.seconds
    }

    /// The time until `total` at the present rate; nil while unknown.
    func left(of total: Int) -> Duration? {
        guard let perSecond, let done = samples.last?.done, total >= done else { return nil }
        let seconds = Double(total - done) / perSecond
        return seconds < 1e9 ? .milliseconds(Int(seconds * 1000)) : nil
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

internal import API
internal import Synchronization

/// What the HTTP server was asked: counts for `/metrics`.
final class RequestCounts: Sendable {
    /// Upper bounds of the histogram's buckets, seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    struct Key: Hashable {
        let method: String
        let status: Int
    }

    struct Counts {
        var requests: [Key: UInt64] = [:]
        var buckets = [UInt64](repeating: 0, count: bounds.count)
        var seconds = 0.0
        var answered: UInt64 = 0
    }
    private let state = Mutex(Counts())

    var counts: Counts { state.withLock { $0 } }

    func count(_ summary: RequestSummary) {
        let seconds = summary.duration.seconds
        state.withLock { counts in
            counts.requests[Key(method: summary.method?.rawValue ?? "none", status: summary.status), default: 0] += 1
            counts.answered += 1
            counts.seconds += seconds
            for (bucket, bound) in Self.bounds.enumerated() where seconds <= bound { counts.buckets[bucket] += 1 }
        }
    }
}

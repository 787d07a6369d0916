/// Two or more ways to do the same work, measured in turns: on a machine that others use as well, only what ran at the
/// same time can be compared.
struct Turns {
    /// Units of work a second, the median over the turns, in the order of the ways.
    private(set) var rates: [Double] = []
    /// Of each way to the first one, the median over the turns.
    private(set) var ratios: [Double] = []

    /// - Parameters:
    ///   - seconds: for all ways together; three turns at least.
    ///   - ways: each does some work, some milliseconds of it, and returns how many units it was.
    init(seconds: Double, _ ways: [() throws -> Int]) throws {
        let clock = ContinuousClock()
        let start = clock.now
        var turns: [[Double]] = []
        while turns.count < 4 || start.duration(to: clock.now) / .seconds(1) < seconds {
            turns.append(
                try ways.map { work in
                    let began = clock.now
                    let units = try work()
                    return Double(units) / (began.duration(to: clock.now) / .seconds(1))
                })
        }
        // The first turn warms the caches.
        turns.removeFirst()
        rates = ways.indices.map { way in Self.median(turns.map { $0[way] }) }
        ratios = ways.indices.map { way in Self.median(turns.map { $0[way] / $0[0] }) }
    }

    static func median(_ values: some Sequence<Double>) -> Double {
        let sorted = values.sorted()
        return sorted[sorted.count / 2]
    }
}

/// One row of a speed benchmark: what shoal does beside what it is held against, in the same run.
public struct SpeedRow: Sendable, Codable {
    public var name: String
    /// What is counted.
    public var unit: String
    /// Units a second.
    public var anchor: Double
    public var shoal: Double
    public var ratio: Double
    /// The least ratio that is asked for; nil: none.
    public var asked: Double?
    /// The least rate that is asked for, whatever the anchor does; nil: none.
    public var askedRate: Double?

    public var isReached: Bool { ratio >= asked ?? 0 && shoal >= askedRate ?? 0 }
}

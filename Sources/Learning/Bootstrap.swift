internal import Wire

/// The outcome of comparing two models on the same queries.
public struct PairedComparison: Hashable, Sendable {
    /// Mean reciprocal rank of the first minus the second.
    public var difference: Double
    /// Central 95 % interval of the difference over resampled queries.
    public var low: Double
    public var high: Double

    /// The first is worse, and not by chance.
    public var isSignificantlyBelow: Bool { high < 0 }
    /// The first is better, and not by chance.
    public var isSignificantlyAbove: Bool { low > 0 }
}

/// Paired bootstrap over queries (Efron and Tibshirani 1993, chapter 13) of the difference in MRR.
///
/// - Precondition: both rank lists answer the same queries in the same order.
public func pairedBootstrap(
    _ first: [Double], against second: [Double], resamples: Int = 2000, seed: UInt64
) -> PairedComparison {
    precondition(first.count == second.count && resamples > 0)
    guard !first.isEmpty else { return PairedComparison(difference: 0, low: 0, high: 0) }
    let gains = zip(first, second).map { 1 / $0 - 1 / $1 }
    var random = Random(seed: seed)
    var means = (0..<resamples).map { _ in
        var sum = 0.0
        for _ in gains.indices { sum += gains[random.below(gains.count)] }
        return sum / Double(gains.count)
    }
    means.sort()
    let tail = resamples / 40
    return PairedComparison(
        difference: gains.reduce(0, +) / Double(gains.count), low: means[tail], high: means[resamples - 1 - tail])
}

internal import Learning
internal import Wire

/// How merged weights are adapted to one site: some rounds on its own graph, of which the best is kept.
///
/// Measured on UMLS-fed3 and Kinship-fed3, where a site had stopped and others gone on: from a federated MRR of .74
/// to .92, and from .64 to .84 (trained alone .87 and .86).
struct Adaptation: Sendable {
    /// Rounds at most.
    static let rounds = 12
    /// Rounds without an improvement that end it.
    static let patience = 5
    /// The share of the recipe's learning rate that it begins with.
    static let peak: Float = 0.3

    private(set) var best: (weights: SavedWeights, score: Double)?
    private var failures = 0

    var isOver: Bool { failures >= Self.patience }

    /// Notes what a round came to.
    ///
    /// - Parameter score: by how much it is better than the merged weights; one that is not is never kept.
    mutating func completed(_ score: Double?, _ weights: @autoclosure () -> SavedWeights) {
        failures += 1
        guard let score, score > best?.score ?? 0 else { return }
        best = (weights(), score)
        failures = 0
    }
}

/// How weights do on the questions of a ``Probe``, apart for those that this site can judge and those it cannot.
///
/// A site counts its own triples as true and everything else as false. Where others know edges of the same graph
/// node and relation, that punishes weights for knowing them: on umls-shared3 merged weights with an MRR of .94 by
/// everybody's triples have far less by the site's own, and weights that forgot the others' facts have more.
struct HomeScore: Sendable, Equatable {
    /// Reciprocal ranks of some questions.
    struct Part: Sendable, Equatable {
        var sum = 0.0
        var count = 0
    }

    /// A difference below this is chance, and the merged weights learn on by themselves.
    static let margin = 0.002
    /// In the part that others know of, only weights that do so many times better are better for sure.
    static let clearly = 2.0

    /// Questions that nobody else may know an answer to.
    var own = Part()
    /// Questions whose graph node and relation others train as well.
    var shared = Part()

    /// Filtered MRR over all questions; nil without one.
    var mrr: Double? { count > 0 ? (own.sum + shared.sum) / Double(count) : nil }
    private var count: Int { own.count + shared.count }

    /// What other weights have to reach over the same questions to be better than these: as much on the site's own
    /// part, and on the shared part ``clearly`` more, or whatever they have where that is between the two.
    func bar(for other: HomeScore) -> Double {
        guard count > 0 else { return .infinity }
        return (own.sum + min(max(other.shared.sum, shared.sum), Self.clearly * shared.sum)) / Double(count)
            + Self.margin
    }

    /// By how much these weights are better than merged ones, as far as this site can tell; below 0 for worse.
    func gain(over merged: HomeScore) -> Double { (mrr ?? 0) - merged.bar(for: self) }
}

/// Where a site's round of joint training begins: beyond the merged weights, the way they have moved since its last
/// round (Nesterov's momentum, between rounds in place of steps).
///
/// ```
/// start = base + share · (base - base of the round before)      delta = trained - base, as ever
/// ```
///
/// Merging takes the mean of what a row's owners changed, so what they learn of different questions arrives at a
/// fraction of what one model would learn that trains on all. The lookahead is part of every owner's delta and is
/// divided with it: together they repeat ``share`` of the last move once, which doubles what keeps its direction and
/// leaves alone what was noise. In one process, MRR on validation triples without and with it, at the same steps:
/// kinship-shared3 .786 .817, kinship-fed3 .831 .846, umls-fed10 .943 .959; umls-shared3 .945 .946 with more label
/// smoothing (docs/decisions/0015-lookahead.md). A move is repeated once at each site that trains, so that a site with
/// few rounds does not repeat more than others, and one that rests nothing.
public struct Lookahead: Sendable {
    /// 0.6 and 0.7 learn a little more where sites share little, and cost .01 to .02 on umls-shared3.
    public static let share: Float = 0.5

    /// The merged weights that the last round began from; nil before the first.
    public private(set) var previous: Parameters?
    private let share: Float

    /// - Parameter share: of the last move that is repeated; nodes take the standard one. 0: a round begins at the
    ///   merged weights.
    public init(after previous: Parameters? = nil, share: Float = Lookahead.share) {
        self.previous = previous
        self.share = share
    }

    /// The weights to train from.
    ///
    /// - Parameter base: the merged weights, of the same vocabulary in every round.
    /// - Complexity: O(parameters), and a copy of them is kept.
    public mutating func start(from base: Parameters) -> Parameters {
        defer { previous = base }
        guard let previous else { return base }
        precondition(
            previous.dense.count == base.dense.count && previous.tokens.count == base.tokens.count,
            "rounds of one vocabulary")
        return Parameters(
            dense: beyond(base.dense, previous.dense), tokens: beyond(base.tokens, previous.tokens))
    }

    private func beyond(_ base: [Float], _ previous: [Float]) -> [Float] {
        base.withUnsafeBufferPointer { base in
            previous.withUnsafeBufferPointer { previous in
                [Float](unsafeUninitializedCapacity: base.count) { result, filled in
                    for index in 0..<base.count {
                        result.initializeElement(
                            at: index, to: base[index] + share * (base[index] - previous[index]))
                    }
                    filled = base.count
                }
            }
        }
    }
}

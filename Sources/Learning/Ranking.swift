/// One question of link prediction: which graph node completes the triple?
public struct LinkQuery: Hashable, Sendable {
    /// `[h, r]` for the tail, `[t, r⁻¹]` for the head.
    public var context: [Int32]
    public var answer: Int32
    /// Other true answers; removed from the candidates.
    public var filtered: [Int32]

    public init(context: [Int32], answer: Int32, filtered: [Int32]) {
        self.context = context
        self.answer = answer
        self.filtered = filtered
    }
}

/// Filtered ranks and what is usually reported of them.
public struct Ranking: Hashable, Sendable {
    /// Mean reciprocal rank; `nil` without queries.
    public var mrr: Double? { ranks.isEmpty ? nil : ranks.reduce(0) { $0 + 1 / $1 } / Double(ranks.count) }
    public var hits1: Double? { share(within: 1) }
    public var hits10: Double? { share(within: 10) }
    public var queries: Int { ranks.count }
    /// One rank per query, from 1; ties get their mean rank.
    public var ranks: [Double]

    public init(ranks: [Double]) { self.ranks = ranks }

    private func share(within bound: Double) -> Double? {
        ranks.isEmpty ? nil : Double(ranks.count { $0 <= bound }) / Double(ranks.count)
    }
}

/// Ranks every query's answer among the first `candidates` tokens, other true answers removed.
///
/// Rank = 1 + candidates with a higher score + half of those with the same; a score that is not a
/// number ranks last. Queries are scored 256 at a time.
///
/// - Parameter rescore: may change the scores (E) of a query before its answer is ranked; called with the number of
///   the thread, 0 ..< threads, and of the query, each thread in the order of its queries.
/// - Throws: ``LearningError`` for weights, tokens or answers that do not fit.
public func evaluate(
    shape: ModelShape, parameters: Parameters, candidates: Int, queries: [LinkQuery], threads: Int = 1,
    kernel: KernelVariant = .best,
    rescore: ((_ thread: Int, _ query: Int, _ scores: UnsafeMutableBufferPointer<Float>) -> Void)? = nil
) throws(LearningError) -> Ranking {
    // A site without held-out triples may have no graph node either.
    if queries.isEmpty { return Ranking(ranks: []) }
    try checkSizes(vocabulary: candidates, candidates: candidates, threads: threads)
    var workers: [RankingWorker] = []
    for _ in 0..<threads {
        workers.append(
            RankingWorker(
                try Predictor(shape: shape, parameters: parameters, candidates: candidates, kernel: kernel)))
    }
    try checkAnswers(queries, workers[0].predictor)
    let share = (queries.count + threads - 1) / threads
    Crew(threads).run { index in
        let first = min(index * share, queries.count)
        workers[index].rank(queries[first..<min(first + share, queries.count)]) { rescore?(index, $0, $1) }
    }
    return Ranking(ranks: workers.flatMap(\.ranks))
}

/// One thread's share of an evaluation.
private final class RankingWorker {
    let predictor: Predictor
    private(set) var ranks: [Double] = []

    init(_ predictor: Predictor) { self.predictor = predictor }

    func rank(_ queries: ArraySlice<LinkQuery>, _ rescore: (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        var rest = queries
        while !rest.isEmpty {
            let now = rest.prefix(256)
            rest = rest.dropFirst(256)
            predictor.score(now.map(\.context)[...]) { index, scores in
                rescore(now.startIndex + index, scores)
                ranks.append(rankOfAnswer(now[now.startIndex + index], scores))
            }
        }
    }

    private func rankOfAnswer(_ query: LinkQuery, _ scores: UnsafeMutableBufferPointer<Float>) -> Double {
        let asked = scores[Int(query.answer)]
        guard !asked.isNaN else { return Double(scores.count) }
        for token in query.filtered { scores[Int(token)] = -.infinity }
        scores[Int(query.answer)] = .nan
        let (above, equal) = predictor.compare(scores, with: asked)
        return 1 + Double(above) + Double(equal) / 2
    }
}

internal import Graph
internal import Identity
internal import Learning
internal import Wire

/// The questions by which a site judges weights at home: its validation split, or else a share of its own edges.
///
/// Edges that are asked about are no news to merged weights, for which this site has trained on them. An
/// adaptation never walks them (``walked``), so it is preferred only where the merged weights have lost what
/// this site knew.
struct Probe: Sendable {
    enum Source: String, Sendable, CaseIterable {
        case validSplit = "valid split"
        case ownEdges = "own edges"
    }

    /// Enough to tell two weights 0.01 apart; a large split costs more than it tells.
    static let maxTriples = 1_000
    /// Of own edges one in so many is asked about.
    static let share = 20
    /// The name of the hash that chooses edges: the same at each start.
    private static let domain = "shoal/probe/1"

    let source: Source
    let queries: [LinkQuery]
    /// What adaptation may walk, if not all of the graph.
    let walked: GraphIndex?

    init(_ graph: SiteGraph) throws(GraphError) {
        let (index, vocabulary) = (graph.index, graph.vocabulary)
        let own = (0..<index.edgeCount).map { number in
            let edge = index.edge(number)
            return TokenTriple(
                head: vocabulary[edge.head], relation: vocabulary[edge.relation], tail: vocabulary[edge.tail])
        }
        let asked: [TokenTriple]
        if graph.valid.isEmpty {
            source = .ownEdges
            let split = Self.split(own, min(Self.maxTriples, own.count / Self.share))
            asked = split.chosen
            walked = asked.isEmpty ? nil : try GraphIndex(vocabulary, triples: split.others)
        } else {
            source = .validSplit
            asked = Self.split(graph.valid, Self.maxTriples).chosen
            walked = nil
        }
        let task = try HeldOutTask(
            heldOut: asked, filter: own + graph.valid + graph.test, vocabulary: vocabulary, evaluation: .twoSided)
        queries = task.queries.map { LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered) }
    }

    /// The `count` triples with the smallest hashes, and the others, both in their old order.
    private static func split(
        _ triples: [TokenTriple], _ count: Int
    ) -> (chosen: [TokenTriple], others: [TokenTriple]) {
        guard count < triples.count else { return (triples, []) }
        let hashes = triples.map { triple -> UInt64 in
            let hash: Hash32 = blake2b256(
                domain: domain, triple.head.bytes, triple.relation.bytes, triple.tail.bytes)
            return UInt64(bigEndianBytes: hash.bytes.prefix(8))!
        }
        let chosen = Set(triples.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }.prefix(count))
        return (
            triples.indices.filter { chosen.contains($0) }.map { triples[$0] },
            triples.indices.filter { !chosen.contains($0) }.map { triples[$0] }
        )
    }

    /// Filtered MRR; nil without a question.
    func mrr(
        _ parameters: Parameters, shape: ModelShape, candidates: Int, kernel: KernelVariant = .best
    ) throws(LearningError) -> Double? {
        try evaluate(shape: shape, parameters: parameters, candidates: candidates, queries: queries, kernel: kernel).mrr
    }

    /// Filtered reciprocal ranks, apart for questions that others may know answers to.
    ///
    /// - Parameter others: which tokens of the vocabulary others train as well.
    func score(
        _ parameters: Parameters, shape: ModelShape, candidates: Int, others: [Bool],
        kernel: KernelVariant = .best
    ) throws(LearningError) -> HomeScore {
        let ranks = try evaluate(
            shape: shape, parameters: parameters, candidates: candidates, queries: queries, kernel: kernel
        ).ranks
        var score = HomeScore()
        for (query, rank) in zip(queries, ranks) {
            let isShared = query.context.allSatisfy { others[Int($0)] }
            let part = isShared ? \HomeScore.shared : \HomeScore.own
            score[keyPath: part].sum += 1 / rank
            score[keyPath: part].count += 1
        }
        return score
    }
}

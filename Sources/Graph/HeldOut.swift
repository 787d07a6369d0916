internal import Wire

/// How link prediction is measured (design §9).
public enum EvaluationProtocol: String, Sendable, Hashable, CaseIterable {
    /// (h, r, ?) and (t, r⁻¹, ?) for each held-out triple.
    case twoSided = "two-sided"
    /// (h, r, ?) alone, as published with FedE; the filter is the site's own triples.
    case fede
}

/// One question of an evaluation: which graph node follows `context`? Candidates are all graph nodes
/// of the site except `filtered`.
public struct HeldOutQuery: Sendable, Equatable {
    /// Token indices [h, r] or [t, r⁻¹].
    public let context: [Int32]
    /// The index of the graph node that is right.
    public let answer: Int32
    /// Other right answers, which must not count as errors: ascending, without `answer`.
    public let filtered: [Int32]

    public init(context: [Int32], answer: Int32, filtered: [Int32]) {
        self.context = context
        self.answer = answer
        self.filtered = filtered
    }
}

/// The queries of a site's held-out triples, and what could not be asked.
public struct HeldOutTask: Sendable, Equatable {
    public let evaluation: EvaluationProtocol
    /// In the order of the triples; two-sided: tail query, then head query.
    public let queries: [HeldOutQuery]
    /// Held-out triples that were asked.
    public let askedCount: Int
    /// Held-out triples left out because the site has no such graph node.
    public let unknownNodeCount: Int
    /// Held-out triples left out because the site knows both graph nodes but not the relation.
    public let unknownRelationCount: Int

    /// - Parameters:
    ///   - heldOut: the triples to ask for; a repeated line is asked again.
    ///   - filter: triples known to be true, the site's own (``EvaluationProtocol/fede``) or all that the caller
    ///     knows. Those that name tokens unknown here cannot be candidates and are skipped; `heldOut` counts as well.
    ///   - vocabulary: the site's own, whose graph nodes are the candidates.
    public init(
        heldOut: [TokenTriple], filter: [TokenTriple], vocabulary: LocalVocabulary, evaluation: EvaluationProtocol
    ) throws(GraphError) {
        var asked: [IndexTriple] = []
        var (unknownNodes, unknownRelations) = (0, 0)
        for triple in heldOut {
            let head = vocabulary.index(ofNode: triple.head)
            let relation = vocabulary.index(ofRelation: triple.relation)
            let tail = vocabulary.index(ofNode: triple.tail)
            switch (head, relation, tail) {
            case (let head?, let relation?, let tail?):
                asked.append(IndexTriple(head: head, relation: relation, tail: tail))
            case (_?, nil, _?): unknownRelations += 1
            default: unknownNodes += 1
            }
        }
        let known = filter.compactMap { try? vocabulary.indices(of: $0) }
        let truths = try GraphIndex(
            nodeCount: vocabulary.nodeCount, relationCount: vocabulary.relationCount, triples: asked + known)
        self.evaluation = evaluation
        queries = Self.queries(asked, truths, evaluation)
        askedCount = asked.count
        unknownNodeCount = unknownNodes
        unknownRelationCount = unknownRelations
    }

    private static func queries(
        _ asked: [IndexTriple], _ truths: GraphIndex, _ evaluation: EvaluationProtocol
    ) -> [HeldOutQuery] {
        var queries: [HeldOutQuery] = []
        queries.reserveCapacity(asked.count * (evaluation == .twoSided ? 2 : 1))
        for triple in asked {
            queries.append(
                HeldOutQuery(
                    context: [triple.head, triple.relation], answer: triple.tail,
                    filtered: truths.tails(of: triple.head, triple.relation).filter { $0 != triple.tail }))
            if evaluation == .fede { continue }
            let inverse = triple.relation + Int32(truths.relationCount)
            queries.append(
                HeldOutQuery(
                    context: [triple.tail, inverse], answer: triple.head,
                    filtered: truths.heads(of: triple.tail, triple.relation).filter { $0 != triple.head }))
        }
        return queries
    }
}

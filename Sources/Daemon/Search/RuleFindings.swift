internal import API
internal import Graph
internal import Rules
internal import Search

/// What rules say follows from a context, and which of them.
///
/// A context that ends in a relation is one question. A graph node alone is asked in all the ways in which people go on
/// from graph nodes (``SearchIndex/asking``), each by its share, as the model is.
struct RuleFindings: Sendable {
    private struct Asked {
        var node: Int32
        /// A token index.
        var relation: Int32
        var share: Double
    }
    /// Questions that one search asks the rules at most.
    private static let maxAsked = 64

    /// By graph node: the probability of its rules, joined by noisy-or, 0...1.
    private(set) var scores: [Int32: Double] = [:]
    /// The question that speaks for it most.
    private var best: [Int32: (asked: Asked, score: Double)] = [:]
    private let rules: SiteRules

    init(_ context: [Int32], _ ground: SearchGround, _ rules: SiteRules) {
        self.rules = rules
        var answerer = RuleAnswerer(rules.graph, rules.set)
        let nodes = Int32(ground.graph.vocabulary.nodeCount)
        for asked in Self.questions(context, ground) {
            answerer.ask(asked.node, asked.relation - nodes)
            for (slot, candidate) in answerer.candidates.enumerated() {
                let score = asked.share * Double(answerer.evidence(ofCandidateAt: slot).probability)
                scores[candidate, default: 0] += score
                if best[candidate].map({ score > $0.score }) ?? true { best[candidate] = (asked, score) }
            }
        }
    }

    private static func questions(_ context: [Int32], _ ground: SearchGround) -> [Asked] {
        let vocabulary = ground.graph.vocabulary
        if let last = context.last, !vocabulary.isNode(last) {
            guard context.count > 1, vocabulary.isNode(context[context.count - 2]) else { return [] }
            return [Asked(node: context[context.count - 2], relation: last, share: 1)]
        }
        let places = Set(ground.nodes(of: context)).sorted()
        let asked = places.flatMap { place in
            ground.index.asking.map {
                Asked(node: place, relation: $0.relation, share: $0.share / Double(places.count))
            }
        }
        return Array(asked.prefix(maxAsked))
    }

    /// The graph nodes of most evidence.
    func top(_ count: Int) -> [Int32] {
        scores.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map(\.key)
    }

    /// The best rules that speak for a graph node, with what makes them hold; empty if none does.
    func reasons(for node: Int32, _ site: SiteGraph) -> [Reason] {
        guard let asked = best[node]?.asked else { return [] }
        var answerer = RuleAnswerer(rules.graph, rules.set)
        answerer.ask(asked.node, asked.relation - Int32(site.vocabulary.nodeCount))
        return rules.reasons(for: node, [asked.node, asked.relation], answerer, site)
    }
}

internal import Graph
internal import Learning
internal import Search

/// A model's weights, ready to say what comes after a context. Used by one thread at a time.
final class ModelScorer: @unchecked Sendable {
    /// Contexts that one question may be asked with.
    private static let maxContexts = 64

    private let predictor: Predictor
    private let graph: SiteGraph
    private let index: SearchIndex

    init(shape: ModelShape, parameters: Parameters, graph: SiteGraph, index: SearchIndex) throws {
        predictor = try Predictor(shape: shape, parameters: parameters, candidates: graph.vocabulary.nodeCount)
        self.graph = graph
        self.index = index
    }

    /// p(node | context) for every graph node.
    ///
    /// A context that ends in a relation is asked as it is. Graph nodes alone say where somebody is, not which way
    /// they go on: the mean over them, and over the relations by which people go on from a graph node (their links'),
    /// each by its share. A page asks through its sections where only these have links.
    func probabilities(_ context: [Int32]) throws -> [Double] {
        let contexts = contexts(context)
        var sum = [Double](repeating: 0, count: predictor.candidates)
        for asked in contexts {
            let scores = try predictor.logits(context: asked.tokens)
            let highest = scores.max() ?? 0
            var powers = [Double](repeating: 0, count: scores.count)
            var total = 0.0
            for (at, score) in scores.enumerated() {
                powers[at] = exponential(Double(score - highest))
                total += powers[at]
            }
            for at in powers.indices { sum[at] += asked.share * powers[at] / total }
        }
        return sum
    }

    private func contexts(_ context: [Int32]) -> [(tokens: [Int32], share: Double)] {
        guard let last = context.last else { return [] }
        let vocabulary = graph.vocabulary
        guard vocabulary.isNode(last) else { return [(context, 1)] }
        let isWalk = context.contains { !vocabulary.isNode($0) }
        let starts = isWalk ? [Array(context.dropLast())] : [[]]
        let places = isWalk ? [last] : context
        var all: [(tokens: [Int32], share: Double)] = []
        for place in places {
            let askers = askers(place)
            for asker in askers {
                for (relation, share) in index.asking where all.count < Self.maxContexts {
                    all.append((starts[0] + [asker, relation], share / Double(askers.count)))
                }
            }
        }
        let total = all.reduce(0) { $0 + $1.share }
        return all.map { ($0.tokens, $0.share / total) }
    }

    private func askers(_ place: Int32) -> [Int32] {
        let nodeCount = Int32(graph.vocabulary.nodeCount)
        let relationCount = Int32(graph.vocabulary.relationCount)
        let asks: (Int32) -> Bool = { node in
            self.index.asking.contains { relation, _ in
                relation < nodeCount + relationCount
                    ? !self.graph.index.tails(of: node, relation).isEmpty
                    : !self.graph.index.heads(of: node, relation - relationCount).isEmpty
            }
        }
        let members = index.members(of: place).filter(asks)
        return members.isEmpty || members.contains(place) ? [place] : Array(members.prefix(16))
    }
}

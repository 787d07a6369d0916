internal import API
internal import Graph
internal import Identity
internal import Learning
internal import Search
internal import Storage
internal import Wire

/// The site's graph as of some moment, as searches use it.
struct SearchGround: Sendable {
    let graph: SiteGraph
    let index: SearchIndex
}

/// A model as of some moment. It stays usable when the model is deleted meanwhile.
struct SearchModel: Sendable {
    let id: ModelID
    let agent: String
    let scorer: ModelScorer
    /// Fitted at this site, or the standard ones.
    let weights: FeatureVector
}

/// What is searched for, from where.
struct SearchQuestion: Sendable {
    var text: String
    /// Token indices: graph nodes, and relations between them in a walk.
    var context: [Int32] = []
    /// A link of the graph that is to be found as if it were not there.
    var hidden: PhraseIndex.Exclusion?
    /// Its targets.
    var answers: Set<Int32> = []
}

/// A graph node that may be what is wanted.
struct SearchCandidate: Sendable {
    var node: Int32
    var evidence: Evidence
    /// The centroid that says most for it.
    var pattern: Hash32?
}

/// What is known of every graph node before a text is read; empty or nil without a context, or without a model.
struct Expected: Sendable {
    var probabilities: [Double] = []
    var patterns: CentroidService.Ranking?
    var rules: RuleFindings?
}

extension SearchGround {
    /// Graph nodes of a context; relations are left out.
    func nodes(of context: [Int32]) -> [Int32] { context.filter { graph.vocabulary.isNode($0) } }

    /// Puts together what is known of each candidate, ascending by index.
    func candidates(
        _ question: SearchQuestion, texts: [TextEvidence], matches: [PhraseIndex.Match], expected: Expected,
        near: Neighbourhood
    ) -> [SearchCandidate] {
        let called = Dictionary(uniqueKeysWithValues: matches.map { ($0.target, $0) })
        let own = Set(nodes(of: question.context).map { index.documents[Int($0)] })
        let count = Double(graph.vocabulary.nodeCount)
        var candidates: [SearchCandidate] = []
        candidates.reserveCapacity(texts.count)
        for text in texts {
            // The graph may have grown since this ground was made.
            guard let node = graph.vocabulary.index(ofNode: text.id) else { continue }
            var features = FeatureVector()
            features[.words] = text.words
            features[.everyWord] = text.hasEveryWord ? 1 : 0
            features[.closeness] = text.closeness
            features[.title] = text.title
            features[.titleWords] = text.titleWords
            features[.titleOnly] = text.titleOnly
            features[.called] = called[node]?.called ?? 0
            features[.calledLike] = called[node]?.like ?? 0
            let hiddenLinks: Int32 = question.hidden?.target == node ? 1 : 0
            features[.linked] = logarithm(1 + Double(max(index.linkCounts[Int(node)] - hiddenLinks, 0)))
            features[.near] = near.hops[node].map { $0 == 0 ? 0 : 1 / Double(1 + $0) } ?? 0
            features[.own] = own.contains(index.documents[Int(node)]) ? 1 : 0
            features[.length] = logarithm(1 + Double(text.length))
            features[.kind] = index.kindPriors[index.kinds[Int(node)]] ?? 0
            features[.perspective] = text.perspective
            let probability = expected.probabilities.isEmpty ? 0 : expected.probabilities[Int(node)]
            features[.model] = logarithm(1 + probability * count)
            features[.pattern] = expected.patterns?.scores[Int(node)] ?? 0
            features[.rules] = expected.rules?.scores[node] ?? 0
            candidates.append(
                SearchCandidate(
                    node: node,
                    evidence: Evidence(textRank: text.rank, probability: probability, features: features),
                    pattern: expected.patterns?.patterns[node]))
        }
        return candidates.sorted { $0.node < $1.node }
    }
}

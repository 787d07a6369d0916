public import Wire

/// How training reads a graph (design §4).
public enum WalkRule: String, Sendable, Hashable, CaseIterable {
    /// Along edges, from head to tail.
    case edge
    /// Along edges or against them, one direction a walk.
    case eitherWay = "either-way"
    /// Uniform over edges and the tree, both ways.
    case random
    /// As ``random``, each step weighted by how an agent sees where it leads.
    case perspective
    /// Depth first over the tree, children in their order, from a random graph node.
    case tree
}

/// A site's graph as walks are sampled from it: edges, and the tree, whose steps have tokens like edges do.
public struct WalkGround: Sendable {
    public let vocabulary: LocalVocabulary
    private let triples: [TokenTriple]
    private let links: [ParentLink]
    private let parent: RelationTokens?
    /// Edges, and each tree link as an edge from child to parent.
    public let graph: GraphIndex

    /// - Parameters:
    ///   - nodes: every graph node.
    ///   - relations: every relation of the triples.
    ///   - tree: its links, and ``VocabularyKey/parentTokens`` of the network, which join the vocabulary if there
    ///     are links.
    public init(
        nodes: [TokenID], relations: [RelationTokens], triples: [TokenTriple],
        tree: (links: [ParentLink], parent: RelationTokens)? = nil
    ) throws(GraphError) {
        links = tree?.links ?? []
        parent = links.isEmpty ? nil : tree?.parent
        vocabulary = try LocalVocabulary(nodes: nodes, relations: relations + [parent].compactMap { $0 })
        self.triples = triples
        graph = try GraphIndex(vocabulary, triples: triples + Self.edges(links, parent))
    }

    /// A sampler of walks by `rule`.
    ///
    /// - Parameters:
    ///   - start: where walks over edges start; others start at a graph node.
    ///   - scope: the graph nodes that a walk may touch, with the path that names them; nil for all.
    ///   - perspectives: for ``WalkRule/perspective``.
    /// - Throws: ``GraphError/emptyScope(_:)``, ``GraphError/noStepInScope(_:nodes:)``,
    ///   ``GraphError/nothingToSample(nodes:)``, ``GraphError/noTree(nodes:)``, ``GraphError/perspectiveWeight(_:)``.
    public func sampler(
        _ rule: WalkRule, start: WalkStart, scope: (path: PathScope, nodes: Set<TokenID>)? = nil,
        perspectives: [PerspectiveEntry] = []
    ) throws(GraphError) -> WalkSampler {
        guard let scope else { return try sampler(rule, start, triples, links, perspectives, whole: graph) }
        guard !scope.nodes.isEmpty else { throw .emptyScope("\(scope.path)") }
        let inside = triples.filter { scope.nodes.contains($0.head) && scope.nodes.contains($0.tail) }
        let below = links.filter { scope.nodes.contains($0.child) && scope.nodes.contains($0.parent) }
        do {
            return try sampler(rule, start, inside, below, perspectives, whole: nil)
        } catch .nothingToSample, .noTree {
            throw .noStepInScope("\(scope.path)", nodes: scope.nodes.count)
        }
    }

    /// - Parameter whole: the index of all triples and links, if these are all.
    private func sampler(
        _ rule: WalkRule, _ start: WalkStart, _ triples: [TokenTriple], _ links: [ParentLink],
        _ perspectives: [PerspectiveEntry], whole: GraphIndex?
    ) throws(GraphError) -> WalkSampler {
        func both() throws(GraphError) -> GraphIndex {
            if let whole { return whole }
            return try GraphIndex(vocabulary, triples: triples + Self.edges(links, parent))
        }
        func edges() throws(GraphError) -> GraphIndex {
            if let whole, links.isEmpty { return whole }
            return try GraphIndex(vocabulary, triples: triples)
        }
        switch rule {
        case .edge: return try WalkSampler(try edges(), kind: .edge, start: start)
        case .eitherWay: return try WalkSampler(try edges(), kind: .eitherWay, start: start)
        case .random: return try WalkSampler(try both(), kind: .random, start: start)
        case .perspective:
            let graph = try both()
            return try WalkSampler(graph, weights: try StepWeights(graph, vocabulary, perspectives))
        case .tree:
            guard let parent, !links.isEmpty else { throw .noTree(nodes: vocabulary.nodeCount) }
            return try WalkSampler(
                try both(), tree: try TreeIndex(vocabulary, links: links, relation: parent))
        }
    }

    private static func edges(_ links: [ParentLink], _ parent: RelationTokens?) -> [TokenTriple] {
        guard let parent else { return [] }
        return links.map { TokenTriple(head: $0.child, relation: parent.forward, tail: $0.parent) }
    }
}

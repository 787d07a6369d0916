internal import API
internal import Graph
internal import Wire

/// The site's graph in memory, as training and prediction need it. Immutable; an import makes a new one.
struct SiteGraph: Sendable {
    /// Edges, and the tree as edges of a relation of its own.
    private let ground: WalkGround
    /// What walks are held to, if anything.
    var limits = WalkLimits()
    let triples: [TokenTriple]
    let valid: [TokenTriple]
    let test: [TokenTriple]
    private let names: [TokenID: String]
    /// From a graph node to the one above it in the tree, as a local token.
    private let parent: Int32?
    /// By exact UTF-8: as strings, two spellings of one character would be the same name.
    private let nodesByName: [Bytes: TokenID]
    private let relationsByName: [Bytes: RelationTokens]

    /// - Parameters:
    ///   - nodes: id and name of every graph node.
    ///   - relations: tokens and name of every relation.
    ///   - tree: its links and their two tokens, which people write ``parentName`` and ``childName``.
    init(
        nodes: [(id: TokenID, name: String)], relations: [(tokens: RelationTokens, name: String)],
        triples: [TokenTriple], valid: [TokenTriple], test: [TokenTriple],
        tree: (links: [ParentLink], parent: RelationTokens)? = nil
    ) throws(GraphError) {
        ground = try WalkGround(
            nodes: nodes.map(\.id), relations: relations.map(\.tokens), triples: triples, tree: tree)
        self.triples = triples
        self.valid = valid
        self.test = test
        var names: [TokenID: String] = [:]
        for node in nodes { names[node.id] = node.name }
        for relation in relations {
            names[relation.tokens.forward] = relation.name
            names[relation.tokens.inverse] = "^\(relation.name)"
        }
        if let parent = tree?.parent {
            names[parent.forward] = Self.parentName
            names[parent.inverse] = Self.childName
        }
        self.names = names
        let tokens = ground.vocabulary
        parent = tree.flatMap { tokens.index(of: $0.parent.forward) }
        nodesByName = Dictionary(nodes.map { (Bytes($0.name.utf8), $0.id) }, uniquingKeysWith: { first, _ in first })
        relationsByName = Dictionary(
            relations.map { (Bytes($0.name.utf8), $0.tokens) } + Self.treeNames(tree?.parent),
            uniquingKeysWith: { first, _ in first })
    }

    /// How the two tokens of the tree are written, unless a relation of the graph is called so.
    static let parentName = "@parent"
    static let childName = "@child"

    private static func treeNames(_ parent: RelationTokens?) -> [(Bytes, RelationTokens)] {
        guard let parent else { return [] }
        let child = RelationTokens(forward: parent.inverse, inverse: parent.forward)
        return [(Bytes(parentName.utf8), parent), (Bytes(childName.utf8), child)]
    }

    var vocabulary: LocalVocabulary { ground.vocabulary }
    var index: GraphIndex { ground.graph }

    /// Samples walks within ``limits``. Walks over edges start with every edge in turn, so that a round of
    /// one-hop walks asks for each once; others start at a graph node.
    func sampler(_ rule: WalkRule) throws(GraphError) -> WalkSampler {
        try ground.sampler(rule, start: .everyEdge, scope: limits.scope, perspectives: limits.perspectives)
    }

    func name(of token: TokenID) -> String { names[token] ?? token.hex }

    /// Local token indices of names or ids. `^name` reads a relation backwards.
    func context(_ words: [String]) throws(Problem) -> [Int32] {
        guard !words.isEmpty else {
            throw .badRequest("the context is empty", remedy: "give a graph node and a relation", field: "context")
        }
        var context: [Int32] = []
        for (at, word) in words.enumerated() {
            guard let index = index(of: word) else {
                throw .notFound(
                    "nothing at this site is called '\(word)' (context item \(at + 1))",
                    remedy: "search with `shoal graph search`; a relation read backwards is written ^name",
                    code: "unknown_name")
            }
            context.append(index)
        }
        return context
    }

    private func index(of word: String) -> Int32? {
        let name = Bytes(word.utf8)
        if let node = nodesByName[name] { return vocabulary.index(of: node) }
        if let relation = relationsByName[name] { return vocabulary.index(of: relation.forward) }
        if name.first == UInt8(ascii: "^"), let relation = relationsByName[Bytes(name.dropFirst())] {
            return vocabulary.index(of: relation.inverse)
        }
        return TokenID(hex: word).flatMap { vocabulary.index(of: $0) }
    }

    /// The graph nodes above one in the tree, from its parent on.
    func ancestors(of node: Int32) -> [Int32] {
        guard let parent else { return [] }
        var (above, next) = ([Int32](), index.tails(of: node, parent).first)
        while let node = next, !above.contains(node) {
            above.append(node)
            next = index.tails(of: node, parent).first
        }
        return above
    }

    /// What the site's own edges say follows the last two tokens, if they are a node and a relation.
    func answers(to context: [Int32]) -> Set<Int32> {
        guard context.count >= 2, vocabulary.isNode(context[context.count - 2]) else { return [] }
        let relation = context[context.count - 1]
        let first = Int32(vocabulary.nodeCount)
        let count = Int32(vocabulary.relationCount)
        switch relation {
        case first..<first + count: return Set(index.tails(of: context[context.count - 2], relation))
        case first + count..<first + 2 * count:
            return Set(index.heads(of: context[context.count - 2], relation - count))
        default: return []
        }
    }
}

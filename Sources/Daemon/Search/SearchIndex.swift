internal import Graph
internal import Search
internal import Storage
internal import Wire

/// What searches need of the site's graph besides its edges: parts and wholes, kinds, and the words that links and
/// selections came with. Immutable, made anew when the graph changed. Graph nodes are token indices.
struct SearchIndex: Sendable {
    /// Kinds of graph nodes that are parts of a document.
    static let parts: Set<String> = ["section", "symbol"]
    /// Relations that a context is continued by, at most.
    static let maxAsking = 8

    /// What a graph node is part of; -1 for none.
    let parents: [Int32]
    /// By position.
    let children: [[Int32]]
    /// The nearest whole: what is no part, or has no parent.
    let documents: [Int32]
    let kinds: [String]
    let titles: [String]
    /// Documents that link to a graph node.
    let linkCounts: [Int32]
    /// ln of how much more often than chance a kind is linked to.
    let kindPriors: [String: Double]
    let phrases: PhraseIndex
    /// How a search goes on from a context: relations that come with words, by their share of such edges; where there
    /// are none, the most frequent relations in both directions.
    let asking: [(relation: Int32, share: Double)]
    /// Edges that came with words, from which it can be learned what people look for.
    let links: [IndexLink]

    struct IndexLink: Sendable, Equatable {
        var source: Int32
        var target: Int32
        var text: String
    }

    init(nodes: [SearchNode], links stored: [SearchLink], graph: SiteGraph) {
        let vocabulary = graph.vocabulary
        let count = vocabulary.nodeCount
        var parents = [Int32](repeating: -1, count: count)
        var kinds = [String](repeating: "", count: count)
        var titles = [String](repeating: "", count: count)
        var children = [[(position: Int32, at: Int32)]](repeating: [], count: count)
        for node in nodes {
            guard let at = vocabulary.index(ofNode: node.id) else { continue }
            kinds[Int(at)] = node.kind
            titles[Int(at)] = node.title
            guard let parent = node.parent.flatMap({ vocabulary.index(ofNode: $0) }) else { continue }
            parents[Int(at)] = parent
            children[Int(parent)].append((node.position, at))
        }
        self.parents = parents
        self.children = children.map { $0.sorted { ($0.position, $0.at) < ($1.position, $1.at) }.map(\.at) }
        self.kinds = kinds
        self.titles = titles
        documents = Self.documents(parents, kinds)

        var phrases = PhraseIndex()
        var relations: [Int32: Int] = [:]
        var links: [IndexLink] = []
        for link in stored {
            guard let source = vocabulary.index(ofNode: link.source),
                let target = vocabulary.index(ofNode: link.target),
                let relation = vocabulary.index(ofRelation: link.relation)
            else { continue }
            relations[relation, default: 0] += 1
            links.append(IndexLink(source: source, target: target, text: link.text))
            phrases.add(link.words, .init(source: documents[Int(source)], target: target))
        }
        self.phrases = phrases
        self.links = links
        asking = Self.asking(relations, graph.index)
        linkCounts = Self.linkCounts(links, documents, count)
        kindPriors = Self.kindPriors(kinds, linkCounts)
    }

    private static func documents(_ parents: [Int32], _ kinds: [String]) -> [Int32] {
        parents.indices.map { start in
            var at = start
            // Parents may form a ring in a database that somebody wrote to: no path is longer than all nodes.
            for _ in parents.indices where parts.contains(kinds[at]) && parents[at] >= 0 { at = Int(parents[at]) }
            return Int32(at)
        }
    }

    private static func asking(_ counts: [Int32: Int], _ graph: GraphIndex) -> [(relation: Int32, share: Double)] {
        var counts = counts
        if counts.isEmpty {
            for edge in 0..<graph.edgeCount {
                let relation = graph.edge(edge).relation
                counts[relation, default: 0] += 1
                counts[relation + Int32(graph.relationCount), default: 0] += 1
            }
        }
        let largest = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(maxAsking)
        let total = Double(largest.reduce(0) { $0 + $1.value })
        return largest.map { ($0.key, Double($0.value) / total) }
    }

    private static func linkCounts(_ links: [IndexLink], _ documents: [Int32], _ count: Int) -> [Int32] {
        var pairs: Set<Int64> = []
        var counts = [Int32](repeating: 0, count: count)
        for link in links {
            let pair = Int64(documents[Int(link.source)]) << 32 | Int64(link.target)
            if pairs.insert(pair).inserted { counts[Int(link.target)] += 1 }
        }
        return counts
    }

    private static func kindPriors(_ kinds: [String], _ linkCounts: [Int32]) -> [String: Double] {
        var byKind: [String: (nodes: Double, links: Double)] = [:]
        for (at, kind) in kinds.enumerated() {
            byKind[kind, default: (0, 0)].nodes += 1
            byKind[kind, default: (0, 0)].links += Double(linkCounts[at])
        }
        let links = byKind.values.reduce(0) { $0 + $1.links }
        guard links > 0 else { return [:] }
        let mean = links / Double(kinds.count)
        return byKind.mapValues { logarithm(($0.links + 1) / ($0.nodes * mean + 1)) }
    }

    /// A document and its parts, at most `limit`.
    func members(of node: Int32, limit: Int = 64) -> [Int32] {
        var members = [node]
        var next = 0
        while next < members.count, members.count < limit {
            for child in children[Int(members[next])] where Self.parts.contains(kinds[Int(child)]) {
                if members.count < limit, !members.contains(child) { members.append(child) }
            }
            next += 1
        }
        return members
    }

    /// Graph nodes that are as right an answer as `node`: a page whose text is all below one heading, and that
    /// heading's section, are the same to a reader.
    func equivalents(of node: Int32) -> Set<Int32> {
        var same: Set<Int32> = [node]
        if let only = onlySection(of: node) { same.insert(only) }
        let parent = parents[Int(node)]
        if parent >= 0, !Self.parts.contains(kinds[Int(parent)]), onlySection(of: parent) == node {
            same.insert(parent)
        }
        return same
    }

    private func onlySection(of node: Int32) -> Int32? {
        let sections = children[Int(node)].filter { kinds[Int($0)] == "section" }
        return sections.count == 1 && !Self.parts.contains(kinds[Int(node)]) ? sections[0] : nil
    }
}

internal import Wire

/// A site's graph in compact form, immutable: made once, shared freely with a training thread.
///
/// Edges are unique and sorted by (head, relation, tail), so an edge has a number in `0 ..< edgeCount`
/// and the edges out of a graph node are a range of numbers (compressed sparse rows). For the other
/// direction there is a permutation of the numbers, sorted by (tail, relation, head).
///
/// ```
/// heads relations tails [E]   outOffsets [N+1]   inEdges [E]   inOffsets [N+1]
/// ```
///
/// 16 bytes an edge, 8 a graph node. Relations are token indices of the site's ``LocalVocabulary``.
public struct GraphIndex: Sendable, Equatable {
    /// Most edges; numbers of edges with a direction still fit 32 bits.
    public static let maxEdges = 1 << 30

    public let nodeCount: Int
    public let relationCount: Int
    let heads: [Int32]
    let relations: [Int32]
    let tails: [Int32]
    let outOffsets: [Int32]
    let inEdges: [Int32]
    let inOffsets: [Int32]

    /// Sorts by counting, O(N + R + E). Duplicate triples become one edge; self loops stay.
    ///
    /// - Throws: ``GraphError/triplePointsOutside(_:)`` unless heads and tails are below `nodeCount` and
    ///   relations in `nodeCount ..< nodeCount + relationCount`; ``GraphError/tooLarge(count:limit:)``.
    public init(nodeCount: Int, relationCount: Int, triples: [IndexTriple]) throws(GraphError) {
        guard triples.count <= Self.maxEdges else { throw .tooLarge(count: triples.count, limit: Self.maxEdges) }
        let nodeRange = 0..<Int32(nodeCount)
        let relationRange = Int32(nodeCount)..<Int32(nodeCount + relationCount)
        for triple in triples
        where !(nodeRange ~= triple.head && relationRange ~= triple.relation && nodeRange ~= triple.tail) {
            throw .triplePointsOutside(triple)
        }
        let edges = Self.sortedUnique(triples, nodeCount: nodeCount, relationCount: relationCount)
        self.nodeCount = nodeCount
        self.relationCount = relationCount
        heads = edges.map(\.head)
        relations = edges.map(\.relation)
        tails = edges.map(\.tail)
        outOffsets = Self.offsets(heads, count: nodeCount)
        let byRelation = Self.countingSort(
            edges.indices.map { Int32($0) }, keys: relations.map { $0 - Int32(nodeCount) }, count: relationCount)
        inEdges = Self.countingSort(byRelation, keys: tails, count: nodeCount)
        inOffsets = Self.offsets(tails, count: nodeCount)
    }

    /// The graph of `triples` over `vocabulary`.
    ///
    /// - Throws: ``GraphError/unknownToken(_:)`` for the first id that the vocabulary lacks.
    public init(_ vocabulary: LocalVocabulary, triples: [TokenTriple]) throws(GraphError) {
        var indexed: [IndexTriple] = []
        indexed.reserveCapacity(triples.count)
        for triple in triples { indexed.append(try vocabulary.indices(of: triple)) }
        try self.init(
            nodeCount: vocabulary.nodeCount, relationCount: vocabulary.relationCount, triples: indexed)
    }

    public var edgeCount: Int { heads.count }
    /// Graph nodes, relations and inverse relations: the size of the vocabulary.
    public var tokenCount: Int { nodeCount + 2 * relationCount }

    /// The edge with the given number.
    public func edge(_ number: Int) -> IndexTriple {
        IndexTriple(head: heads[number], relation: relations[number], tail: tails[number])
    }

    /// The numbers of the edges out of `node`.
    public func edgesOut(of node: Int32) -> Range<Int> {
        Int(outOffsets[Int(node)])..<Int(outOffsets[Int(node) + 1])
    }

    /// The numbers of the edges into `node`, by relation, then head.
    public func edgesIn(to node: Int32) -> ArraySlice<Int32> {
        inEdges[rangeIn(node)]
    }

    /// Positions in ``inEdges``.
    func rangeIn(_ node: Int32) -> Range<Int> {
        Int(inOffsets[Int(node)])..<Int(inOffsets[Int(node) + 1])
    }

    /// Edges out plus edges in; a self loop counts twice.
    public func degree(of node: Int32) -> Int { edgesOut(of: node).count + rangeIn(node).count }

    /// Graph nodes without an edge.
    public var isolatedNodeCount: Int {
        (0..<Int32(nodeCount)).count { degree(of: $0) == 0 }
    }

    /// The tails of (head, relation, ?), ascending. O(log degree + result).
    public func tails(of head: Int32, _ relation: Int32) -> ArraySlice<Int32> {
        tails[Self.equalRange(edgesOut(of: head), relation) { relations[$0] }]
    }

    /// The heads of (?, relation, tail), ascending. O(log degree + result).
    public func heads(of tail: Int32, _ relation: Int32) -> [Int32] {
        Self.equalRange(rangeIn(tail), relation) { relations[Int(inEdges[$0])] }.map { heads[Int(inEdges[$0])] }
    }

    public func contains(_ triple: IndexTriple) -> Bool {
        guard triple.head >= 0, triple.head < nodeCount else { return false }
        let range = Self.equalRange(edgesOut(of: triple.head), triple.relation) { relations[$0] }
        return !Self.equalRange(range, triple.tail) { tails[$0] }.isEmpty
    }

    /// The part of `range` whose key, ascending over the range, equals `wanted`.
    private static func equalRange(_ range: Range<Int>, _ wanted: Int32, key: (Int) -> Int32) -> Range<Int> {
        range.partitioningIndex { key($0) >= wanted }..<range.partitioningIndex { key($0) > wanted }
    }
}

extension GraphIndex {
    private static func sortedUnique(
        _ triples: [IndexTriple], nodeCount: Int, relationCount: Int
    ) -> [IndexTriple] {
        var order = triples.indices.map { Int32($0) }
        order = countingSort(order, keys: triples.map(\.tail), count: nodeCount)
        order = countingSort(order, keys: triples.map { $0.relation - Int32(nodeCount) }, count: relationCount)
        order = countingSort(order, keys: triples.map(\.head), count: nodeCount)
        var edges: [IndexTriple] = []
        edges.reserveCapacity(triples.count)
        for at in order where triples[Int(at)] != edges.last { edges.append(triples[Int(at)]) }
        return edges
    }

    /// `order` rearranged so that `keys[order[i]]` ascends; equal keys keep their order.
    private static func countingSort(_ order: [Int32], keys: [Int32], count: Int) -> [Int32] {
        var next = offsets(keys, count: count)
        var sorted = [Int32](repeating: 0, count: order.count)
        for at in order {
            let key = Int(keys[Int(at)])
            sorted[Int(next[key])] = at
            next[key] += 1
        }
        return sorted
    }

    /// Where each key's run begins when keys are sorted, and at the end the number of keys.
    private static func offsets(_ keys: [Int32], count: Int) -> [Int32] {
        var offsets = [Int32](repeating: 0, count: count + 1)
        for key in keys { offsets[Int(key) + 1] += 1 }
        for at in 0..<count { offsets[at + 1] += offsets[at] }
        return offsets
    }
}

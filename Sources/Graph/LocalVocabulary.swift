public import Wire

/// The order in which one site's model sees its tokens: graph nodes by id, relations by id, then the
/// inverse relations in the order of their relations.
///
/// ```
/// 0 … N-1          graph nodes
/// N … N+R-1        relations
/// N+R … N+2R-1     inverse relations: index(inverse of r) = index(r) + R
/// ```
///
/// An index is a local detail of one vocabulary and never travels: rows are addressed by id. When the
/// graph changes, a new vocabulary is made and ``mapping(to:)`` moves what was kept by index.
public struct LocalVocabulary: Sendable, Equatable {
    /// Most tokens that 32-bit indices address, with room for sentinels.
    public static let maxTokens = 1 << 30

    /// Graph nodes, ascending, without duplicates.
    public let nodes: [TokenID]
    /// Relations, ascending by forward token, without duplicates.
    public let relations: [RelationTokens]
    /// Ordinals of ``relations``, ascending by inverse token.
    private let inverseOrder: [Int32]

    /// Sorts and removes duplicates. O(n log n).
    ///
    /// - Throws: ``GraphError/ambiguousToken(_:)`` when an id occurs in two roles,
    ///   ``GraphError/tooLarge(count:limit:)`` beyond ``maxTokens``.
    public init(nodes: [TokenID] = [], relations: [RelationTokens] = []) throws(GraphError) {
        self.nodes = Self.unique(nodes.sorted())
        let sorted = relations.sorted { ($0.forward, $0.inverse) < ($1.forward, $1.inverse) }
        self.relations = Self.unique(sorted)
        inverseOrder = Self.order(ofInverses: self.relations)
        guard count <= Self.maxTokens else { throw .tooLarge(count: count, limit: Self.maxTokens) }
        try checkRoles()
    }

    /// All tokens: N + 2R.
    public var count: Int { nodes.count + 2 * relations.count }
    public var nodeCount: Int { nodes.count }
    public var relationCount: Int { relations.count }

    /// True for indices of graph nodes, the positions that carry loss.
    public func isNode(_ index: Int32) -> Bool { Int(index) < nodes.count }

    /// The id at `index`, which must be in `0 ..< count`.
    public subscript(index: Int32) -> TokenID {
        let at = Int(index)
        if at < nodes.count { return nodes[at] }
        let ordinal = at - nodes.count
        return ordinal < relations.count
            ? relations[ordinal].forward : relations[ordinal - relations.count].inverse
    }

    /// All ids in index order, O(count).
    public var tokens: [TokenID] {
        nodes + relations.map(\.forward) + relations.map(\.inverse)
    }

    /// From a relation's index to that of its inverse, and back.
    public func inverse(of index: Int32) -> Int32 {
        precondition(!isNode(index), "graph nodes have no inverse")
        let isForward = Int(index) < nodes.count + relations.count
        return isForward ? index + Int32(relations.count) : index - Int32(relations.count)
    }

    /// The index of a graph node, O(log N).
    public func index(ofNode id: TokenID) -> Int32? {
        let at = nodes.partitioningIndex { $0 >= id }
        return at < nodes.count && nodes[at] == id ? Int32(at) : nil
    }

    /// The index of a relation's forward token, O(log R).
    public func index(ofRelation id: TokenID) -> Int32? {
        let at = relations.partitioningIndex { $0.forward >= id }
        return at < relations.count && relations[at].forward == id ? Int32(nodes.count + at) : nil
    }

    /// The index of an inverse relation, O(log R).
    public func index(ofInverse id: TokenID) -> Int32? {
        let at = inverseOrder.partitioningIndex { relations[Int($0)].inverse >= id }
        guard at < inverseOrder.count, relations[Int(inverseOrder[at])].inverse == id else { return nil }
        return Int32(nodes.count + relations.count) + inverseOrder[at]
    }

    /// The index of a token of any kind.
    public func index(of id: TokenID) -> Int32? {
        index(ofNode: id) ?? index(ofRelation: id) ?? index(ofInverse: id)
    }

    /// The indices of a triple, or the first id that is not known here.
    public func indices(of triple: TokenTriple) throws(GraphError) -> IndexTriple {
        guard let head = index(ofNode: triple.head) else { throw .unknownToken(triple.head) }
        guard let relation = index(ofRelation: triple.relation) else { throw .unknownToken(triple.relation) }
        guard let tail = index(ofNode: triple.tail) else { throw .unknownToken(triple.tail) }
        return IndexTriple(head: head, relation: relation, tail: tail)
    }

    /// This vocabulary with more tokens; those it has already are ignored.
    public func growing(
        nodes newNodes: [TokenID] = [], relations newRelations: [RelationTokens] = []
    ) throws(GraphError) -> LocalVocabulary {
        try LocalVocabulary(nodes: nodes + newNodes, relations: relations + newRelations)
    }

    /// For each index here, the index of the same token in `other`, or -1 where it is gone.
    /// O(count of both).
    public func mapping(to other: LocalVocabulary) -> [Int32] {
        let nodeMap = Self.positions(of: nodes, in: other.nodes)
        let relationMap = Self.positions(of: relations, in: other.relations)
        var map: [Int32] = []
        map.reserveCapacity(count)
        map += nodeMap
        let forward = Int32(other.nodeCount)
        map += relationMap.map { $0 < 0 ? -1 : $0 + forward }
        let inverse = forward + Int32(other.relationCount)
        map += relationMap.map { $0 < 0 ? -1 : $0 + inverse }
        return map
    }

    private func checkRoles() throws(GraphError) {
        for (at, relation) in relations.enumerated() {
            if at > 0, relations[at - 1].forward == relation.forward { throw .ambiguousToken(relation.forward) }
            if index(ofNode: relation.forward) != nil || index(ofInverse: relation.forward) != nil {
                throw .ambiguousToken(relation.forward)
            }
            if index(ofNode: relation.inverse) != nil { throw .ambiguousToken(relation.inverse) }
        }
        for (a, b) in zip(inverseOrder, inverseOrder.dropFirst()) {
            let inverse = relations[Int(b)].inverse
            if relations[Int(a)].inverse == inverse { throw .ambiguousToken(inverse) }
        }
    }

    private static func order(ofInverses relations: [RelationTokens]) -> [Int32] {
        relations.indices.map { Int32($0) }.sorted {
            let (a, b) = (relations[Int($0)].inverse, relations[Int($1)].inverse)
            return a != b ? a < b : $0 < $1
        }
    }

    private static func unique<Element: Equatable>(_ sorted: [Element]) -> [Element] {
        var kept: [Element] = []
        kept.reserveCapacity(sorted.count)
        for element in sorted where element != kept.last { kept.append(element) }
        return kept
    }

    /// Positions in `new` of the elements of `old`, both ascending; -1 where there is none.
    private static func positions(of old: [TokenID], in new: [TokenID]) -> [Int32] {
        var at = 0
        return old.map { id in
            while at < new.count, new[at] < id { at += 1 }
            return at < new.count && new[at] == id ? Int32(at) : -1
        }
    }

    private static func positions(of old: [RelationTokens], in new: [RelationTokens]) -> [Int32] {
        positions(of: old.map(\.forward), in: new.map(\.forward))
    }
}

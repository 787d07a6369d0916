internal import Wire

/// The tree of a site's graph by token indices: at most one parent for each graph node, children in order.
///
/// ```
/// parents [N], -1: none    children [C] grouped by parent    offsets [N+1]    places [N]: where in `children`
/// ```
///
/// What the database calls a tree may have cycles; walks are bounded by their length and do not care.
public struct TreeIndex: Sendable, Equatable {
    /// The token index of the relation from child to parent, and of its inverse.
    let up: Int32
    let down: Int32
    let parents: [Int32]
    let children: [Int32]
    let offsets: [Int32]
    let places: [Int32]
    /// Graph nodes with a parent or a child, ascending.
    let members: [Int32]

    /// Sorts the links. O(N + C log C).
    ///
    /// - Parameters:
    ///   - vocabulary: has the tokens of all links and `relation`.
    ///   - relation: as ``VocabularyKey/parentTokens`` names it.
    /// - Throws: ``GraphError/unknownToken(_:)``; ``GraphError/twoParents(_:)``.
    public init(
        _ vocabulary: LocalVocabulary, links: [ParentLink], relation: RelationTokens
    ) throws(GraphError) {
        guard let up = vocabulary.index(ofRelation: relation.forward) else {
            throw .unknownToken(relation.forward)
        }
        var parents = [Int32](repeating: -1, count: vocabulary.nodeCount)
        var entries: [(parent: Int32, position: Int32, child: Int32)] = []
        entries.reserveCapacity(links.count)
        for link in links {
            guard let child = vocabulary.index(ofNode: link.child) else { throw .unknownToken(link.child) }
            guard let parent = vocabulary.index(ofNode: link.parent) else { throw .unknownToken(link.parent) }
            guard parents[Int(child)] < 0 else { throw .twoParents(link.child) }
            parents[Int(child)] = parent
            entries.append((parent, link.position, child))
        }
        entries.sort { ($0.parent, $0.position, $0.child) < ($1.parent, $1.position, $1.child) }
        var offsets = [Int32](repeating: 0, count: vocabulary.nodeCount + 1)
        var places = [Int32](repeating: -1, count: vocabulary.nodeCount)
        for (place, entry) in entries.enumerated() {
            offsets[Int(entry.parent) + 1] += 1
            places[Int(entry.child)] = Int32(place)
        }
        for at in 0..<vocabulary.nodeCount { offsets[at + 1] += offsets[at] }
        self.up = up
        down = vocabulary.inverse(of: up)
        self.parents = parents
        children = entries.map(\.child)
        self.offsets = offsets
        self.places = places
        members = (0..<Int32(vocabulary.nodeCount)).filter {
            parents[Int($0)] >= 0 || offsets[Int($0)] < offsets[Int($0) + 1]
        }
    }

    /// Writes a depth-first tour behind its first graph node: down to each child in its order, and back up.
    ///
    /// A tour that begins in the middle goes on behind its first graph node's subtree, with the siblings that
    /// follow; it ends at the root or when it has `limit` tokens or more.
    func tour(_ tokens: inout [Int32], to limit: Int) {
        guard var node = tokens.last.map({ Int($0) }) else { return }
        var next = offsets[node]
        while tokens.count < limit {
            if next < offsets[node + 1] {
                tokens.append(down)
                node = Int(children[Int(next)])
                next = offsets[node]
            } else {
                guard parents[node] >= 0 else { return }
                tokens.append(up)
                next = places[node] + 1
                node = Int(parents[node])
            }
            tokens.append(Int32(node))
        }
    }
}

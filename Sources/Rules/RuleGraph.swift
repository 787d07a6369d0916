public import Graph
internal import Wire

/// A site's graph as rules read it: from a graph node along a relation, and between two graph nodes.
///
/// A *directed relation* is a number in `0 ..< 2R`: relation r as r, its inverse as r + R. Each edge stands here twice,
/// once per direction (E = edges, D = 2E):
///
/// ```
/// by relation    node ──▶ groups (directed relation) ──▶ neighbours [D], ascending within a group
/// by neighbour   node ──▶ links  (neighbour, directed relation) [D]
/// sources        directed relation ──▶ graph nodes that have it, ascending
/// ```
///
/// About 48 bytes an edge. Immutable; shared freely between threads.
public struct RuleGraph: Sendable {
    public let nodeCount: Int
    public let relationCount: Int
    public let edgeCount: Int

    /// Groups of node x: `groupStart[x] ..< groupStart[x + 1]`.
    let groupStart: [Int32]
    let groupNode: [Int32]
    let groupRelation: [Int32]
    /// Neighbours of group g: `groupFirst[g] ..< groupFirst[g + 1]`.
    let groupFirst: [Int32]
    let neighbours: [Int32]
    /// For each entry of ``neighbours``: the group of the same edge at its other end.
    let mirror: [Int32]

    let linkStart: [Int32]
    let linkNode: [Int32]
    let linkRelation: [Int32]

    let sourceStart: [Int32]
    let sources: [Int32]
    /// The group of each entry of ``sources``.
    let sourceGroup: [Int32]

    /// Sorts by counting, O(N + R + E).
    public init(_ index: GraphIndex) {
        let count = index.edgeCount
        (nodeCount, relationCount, edgeCount) = (index.nodeCount, index.relationCount, count)
        let (N, R) = (nodeCount, relationCount)
        var from = [Int32](repeating: 0, count: 2 * count)
        var (along, to) = (from, from)
        for number in 0..<count {
            let edge = index.edge(number)
            let relation = edge.relation - Int32(N)
            (from[number], along[number], to[number]) = (edge.head, relation, edge.tail)
            (from[number + count], along[number + count], to[number + count]) =
                (edge.tail, relation + Int32(R), edge.head)
        }
        let everything = (0..<Int32(2 * count)).map { $0 }

        // Entries by (node, directed relation, neighbour).
        var order = Self.sorted(everything, by: to, below: N)
        order = Self.sorted(order, by: along, below: 2 * R)
        order = Self.sorted(order, by: from, below: N)
        neighbours = order.map { to[Int($0)] }
        var (nodes, relations, firsts): ([Int32], [Int32], [Int32]) = ([], [], [])
        var groupOfEntry = [Int32](repeating: 0, count: 2 * count)
        for (at, entry) in order.enumerated() {
            let (x, d) = (from[Int(entry)], along[Int(entry)])
            if nodes.last != x || relations.last != d {
                nodes.append(x)
                relations.append(d)
                firsts.append(Int32(at))
            }
            groupOfEntry[Int(entry)] = Int32(nodes.count - 1)
        }
        firsts.append(Int32(2 * count))
        mirror = order.map { groupOfEntry[Int($0) < count ? Int($0) + count : Int($0) - count] }
        groupStart = Self.offsets(nodes, below: N)

        // Links by (node, neighbour, directed relation).
        order = Self.sorted(everything, by: along, below: 2 * R)
        order = Self.sorted(order, by: to, below: N)
        order = Self.sorted(order, by: from, below: N)
        linkStart = Self.offsets(from, below: N)
        linkNode = order.map { to[Int($0)] }
        linkRelation = order.map { along[Int($0)] }

        let groups = (0..<Int32(nodes.count)).map { $0 }
        sourceGroup = Self.sorted(groups, by: relations, below: 2 * R)
        sourceStart = Self.offsets(relations, below: 2 * R)
        sources = sourceGroup.map { nodes[Int($0)] }
        (groupNode, groupRelation, groupFirst) = (nodes, relations, firsts)
    }

    /// Directed relations: 2R.
    public var directedCount: Int { 2 * relationCount }

    /// The same relation, read the other way.
    @inline(__always)
    public func inverse(of directed: Int32) -> Int32 {
        let R = Int32(relationCount)
        return directed < R ? directed + R : directed - R
    }

    /// Positions in ``neighbours`` of what `x` reaches along `directed`. O(log of the relations of x).
    @inline(__always)
    func range(_ x: Int32, _ directed: Int32) -> Range<Int> {
        guard let group = group(x, directed) else { return 0..<0 }
        return Int(groupFirst[group])..<Int(groupFirst[group + 1])
    }

    func group(_ x: Int32, _ directed: Int32) -> Int? {
        let groups = groups(of: x)
        let at = groups.partitioningIndex { groupRelation[$0] >= directed }
        return at < groups.upperBound && groupRelation[at] == directed ? at : nil
    }

    func groups(of x: Int32) -> Range<Int> { Int(groupStart[Int(x)])..<Int(groupStart[Int(x) + 1]) }

    func members(ofGroup group: Int) -> Range<Int> { Int(groupFirst[group])..<Int(groupFirst[group + 1]) }

    /// What `x` reaches along `directed`, ascending.
    public func reached(from x: Int32, along directed: Int32) -> ArraySlice<Int32> { neighbours[range(x, directed)] }

    /// Positions of ``sources`` for a directed relation.
    func sourceRange(_ directed: Int32) -> Range<Int> {
        Int(sourceStart[Int(directed)])..<Int(sourceStart[Int(directed) + 1])
    }

    /// Edges of a relation.
    public func pairCount(_ directed: Int32) -> Int {
        sourceRange(directed).reduce(0) { $0 + members(ofGroup: Int(sourceGroup[$1])).count }
    }

    func links(of x: Int32) -> Range<Int> { Int(linkStart[Int(x)])..<Int(linkStart[Int(x) + 1]) }

    public func contains(_ x: Int32, _ directed: Int32, _ y: Int32) -> Bool {
        let range = range(x, directed)
        let at = range.partitioningIndex { neighbours[$0] >= y }
        return at < range.upperBound && neighbours[at] == y
    }
}

extension RuleGraph {
    /// `order` rearranged so that `keys[order[i]]` ascends; equal keys keep their order.
    private static func sorted(_ order: [Int32], by keys: [Int32], below count: Int) -> [Int32] {
        var next = offsets(keys, below: count)
        var sorted = [Int32](repeating: 0, count: order.count)
        for at in order {
            let key = Int(keys[Int(at)])
            sorted[Int(next[key])] = at
            next[key] += 1
        }
        return sorted
    }

    private static func offsets(_ keys: [Int32], below count: Int) -> [Int32] {
        var offsets = [Int32](repeating: 0, count: count + 1)
        for key in keys { offsets[Int(key) + 1] += 1 }
        for at in 0..<count { offsets[at + 1] += offsets[at] }
        return offsets
    }
}

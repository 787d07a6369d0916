internal import Graph

/// Graph nodes one and two steps away from where somebody is, along edges and along the tree, either way.
struct Neighbourhood: Sendable {
    /// Graph nodes with more neighbours than this lead everywhere, which says nothing.
    static let maxNeighbours = 256
    private static let maxSize = 5_000

    /// 0 for the start; absent beyond two.
    private(set) var hops: [Int32: Int] = [:]

    /// - Parameters:
    ///   - start: graph nodes; a document brings its parts along.
    ///   - hidden: edges from the start to these are not seen, as they are what is to be found.
    init(of start: [Int32], _ index: SearchIndex, _ graph: GraphIndex, hidden: Set<Int32> = []) {
        var frontier: [Int32] = []
        for member in start.flatMap({ index.members(of: $0) }) where hops.updateValue(0, forKey: member) == nil {
            frontier.append(member)
        }
        for distance in 1...2 {
            var next: [Int32] = []
            for node in frontier {
                let neighbours = Self.neighbours(of: node, graph, hidden: distance == 1 ? hidden : [])
                if distance > 1, neighbours.count > Self.maxNeighbours { continue }
                for neighbour in neighbours where hops.count < Self.maxSize && hops[neighbour] == nil {
                    hops[neighbour] = distance
                    next.append(neighbour)
                }
            }
            frontier = next
        }
    }

    /// Nearest first, then by index.
    var nearest: [Int32] { hops.filter { $0.value > 0 }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key) }

    /// - Parameter graph: edges, and the tree as edges.
    static func neighbours(of node: Int32, _ graph: GraphIndex, hidden: Set<Int32> = []) -> [Int32] {
        var all: [Int32] = []
        for edge in graph.edgesOut(of: node) {
            let tail = graph.edge(edge).tail
            if !hidden.contains(tail) { all.append(tail) }
        }
        for edge in graph.edgesIn(to: node) {
            let head = graph.edge(Int(edge)).head
            if !hidden.contains(head) { all.append(head) }
        }
        return all
    }
}

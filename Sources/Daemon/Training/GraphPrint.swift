internal import Graph
internal import Wire

/// Enough of a graph to see later whether it is another, and about how much of it.
struct GraphPrint: Sendable, Equatable {
    static let empty = GraphPrint(edges: 0, sum: 0)

    let edges: Int
    /// Of all triples, in whatever order.
    let sum: UInt64

    init(edges: Int, sum: UInt64) {
        self.edges = edges
        self.sum = sum
    }

    init(_ graph: SiteGraph) {
        edges = graph.index.edgeCount
        // Validation triples count as well: what is measured with them changes. Of the tree only the number of
        // links counts here.
        sum = (graph.triples + graph.valid).reduce(0) { $0 &+ Self.mix($1) }
    }

    /// The share of edges that changed, 0 to 1; more than 0 for another graph.
    func change(from earlier: GraphPrint) -> Double {
        guard self != earlier else { return 0 }
        return max(1e-9, min(1, Double(abs(edges - earlier.edges)) / Double(max(edges, earlier.edges, 1))))
    }

    /// Token ids are hashes already: they only have to be told apart by their places.
    private static func mix(_ triple: TokenTriple) -> UInt64 {
        let words = [triple.head, triple.relation, triple.tail].map { UInt64(truncatingIfNeeded: $0.rawValue) }
        return (words[0] &* 0x9E37_79B9_7F4A_7C15) ^ (words[1] &* 0xBF58_476D_1CE4_E5B9) ^ words[2]
    }
}

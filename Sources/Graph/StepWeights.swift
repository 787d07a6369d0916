public import Wire

/// How one agent sees graph nodes: a weight from -1 (repels) to 1 (attracts) each.
public struct PerspectiveEntry: Sendable, Equatable {
    public let node: TokenID
    /// Holds only for a step from this graph node; nil for a step from anywhere.
    public let context: TokenID?
    public let weight: Double

    public init(node: TokenID, context: TokenID?, weight: Double) {
        self.node = node
        self.context = context
        self.weight = weight
    }
}

/// How much each step out of a graph node weighs, as running sums over all steps of the graph.
///
/// A step to a graph node that the agent gives w weighs `max(1 + w, 0.01)` (design §4: a negative view
/// repels). Weights are integers in units of 2^-16, so that every machine chooses alike.
///
/// ```
/// steps of node n: edges out, then edges in;  first = outOffsets[n] + inOffsets[n]
/// sums [2E + 1]:   sums[s + 1] - sums[s] is the weight of step s
/// ```
struct StepWeights: Sendable, Equatable {
    private let sums: [UInt64]
    private static let unit = 65_536.0
    private static let floor = 0.01

    /// - Throws: ``GraphError/perspectiveWeight(_:)`` unless every weight is in -1 ... 1. Entries about graph nodes
    ///   that are not in `vocabulary` are skipped.
    init(_ graph: GraphIndex, _ vocabulary: LocalVocabulary, _ entries: [PerspectiveEntry]) throws(GraphError) {
        var everywhere: [Int32: UInt64] = [:]
        var seenFrom: [Int64: UInt64] = [:]
        for entry in entries {
            guard -1...1 ~= entry.weight else { throw .perspectiveWeight(entry.weight) }
            let weight = UInt64((max(1 + entry.weight, Self.floor) * Self.unit).rounded())
            guard let node = vocabulary.index(ofNode: entry.node) else { continue }
            guard let context = entry.context else {
                everywhere[node] = weight
                continue
            }
            guard let from = vocabulary.index(ofNode: context) else { continue }
            seenFrom[Self.pair(from, node)] = weight
        }
        var sums: [UInt64] = [0]
        sums.reserveCapacity(2 * graph.edgeCount + 1)
        var sum: UInt64 = 0
        func add(from: Int32, to: Int32) {
            let special = seenFrom.isEmpty ? nil : seenFrom[Self.pair(from, to)]
            sum += special ?? everywhere[to] ?? UInt64(Self.unit)
            sums.append(sum)
        }
        for node in 0..<Int32(graph.nodeCount) {
            for edge in graph.edgesOut(of: node) { add(from: node, to: graph.tails[edge]) }
            for edge in graph.edgesIn(to: node) { add(from: node, to: graph.heads[Int(edge)]) }
        }
        self.sums = sums
    }

    /// One of `count` steps from `first` on, with the probability of its weight; counted from `first`.
    /// O(log count).
    func choose(_ count: Int, from first: Int, using random: inout Random) -> Int {
        let base = sums[first]
        let wanted = base + UInt64(random.below(Int(sums[first + count] - base)))
        return (0..<count - 1).partitioningIndex { sums[first + $0 + 1] > wanted }
    }

    private static func pair(_ from: Int32, _ to: Int32) -> Int64 { Int64(from) << 32 | Int64(to) }
}

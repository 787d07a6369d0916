public import Wire

/// How a walk goes on from a graph node. Relations are tokens; against an edge stands its inverse token.
public enum WalkKind: Sendable, Hashable, CaseIterable {
    /// Along edges, from head to tail.
    case edge
    /// Against edges, from tail to head.
    case inverseEdge
    /// Each walk tosses a coin between ``edge`` and ``inverseEdge`` and keeps to it: one hop from a
    /// shuffled edge asks for every tail and every head equally often.
    case eitherWay
    /// Each step uniform over all edges at the graph node, out and in; a self loop counts twice.
    case random
}

/// Where walks start.
public enum WalkStart: Sendable, Hashable, CaseIterable {
    /// A graph node, uniform over those from which the walk can take a step.
    case node
    /// An edge, uniform over triples; the walk begins by taking it.
    case edge
    /// Every edge once in shuffled order, in both directions where ``WalkKind`` has both; then again.
    case everyEdge
}

/// Samples walks (e0, r1, e1, r2, e2, …) as token indices.
///
/// The same index, settings and generator state give the same walks on every machine. A walk ends
/// early where no step is possible; nothing else ends it. ``WalkGround`` makes samplers for part of a graph.
public struct WalkSampler: Sendable {
    /// Which edges a walk may take; fixed when it starts.
    enum Heading { case forward, backward, both }

    public let graph: GraphIndex
    public let kind: WalkKind
    public let start: WalkStart
    /// Start nodes for ``WalkStart/node``, per heading; nil where all graph nodes qualify.
    private let forwardStarts: [Int32]
    private let backwardStarts: [Int32]
    /// For ``WalkStart/everyEdge``: edge numbers doubled, plus one when taken backward.
    private var epoch: [Int32] = []
    private var nextInEpoch = 0
    /// For steps that are not equally likely.
    private var weights: StepWeights?
    /// For walks along the tree, which take no edges.
    private var tree: TreeIndex?
    /// Whether every step is one of the graph's edges, each as likely as the next.
    var stepsAreAlike: Bool { weights == nil && tree == nil }
    /// The walk being written, reused from row to row.
    var scratch: [Int32] = []

    /// - Throws: ``GraphError/nothingToSample(nodes:)`` for a graph without edges.
    public init(_ graph: GraphIndex, kind: WalkKind, start: WalkStart) throws(GraphError) {
        guard graph.edgeCount > 0 else { throw .nothingToSample(nodes: graph.nodeCount) }
        self.graph = graph
        self.kind = kind
        self.start = start
        let nodes = start == .node ? 0..<Int32(graph.nodeCount) : 0..<0
        switch kind {
        case .edge, .inverseEdge, .eitherWay:
            forwardStarts = nodes.filter { !graph.edgesOut(of: $0).isEmpty }
            backwardStarts = nodes.filter { !graph.rangeIn($0).isEmpty }
        case .random:
            forwardStarts = nodes.filter { graph.degree(of: $0) > 0 }
            backwardStarts = []
        }
        if start == .everyEdge { epoch = Self.allSteps(edgeCount: graph.edgeCount, kind) }
        nextInEpoch = epoch.count
    }

    /// Walks over edges both ways that start at a graph node and choose each step by its weight.
    ///
    /// - Throws: ``GraphError/nothingToSample(nodes:)`` for a graph without edges.
    init(_ graph: GraphIndex, weights: StepWeights) throws(GraphError) {
        try self.init(graph, kind: .random, start: .node)
        self.weights = weights
    }

    /// Depth-first tours of `tree`, each from a graph node that is drawn uniformly from those of the tree.
    ///
    /// - Parameter graph: of the same vocabulary.
    /// - Throws: ``GraphError/noTree(nodes:)`` for a tree without links.
    init(_ graph: GraphIndex, tree: TreeIndex) throws(GraphError) {
        guard !tree.members.isEmpty else { throw .noTree(nodes: graph.nodeCount) }
        self.graph = graph
        kind = .random
        start = .node
        forwardStarts = tree.members
        backwardStarts = []
        self.tree = tree
    }

    /// A walk of at most `hops` steps (2·hops + 1 tokens), from the sampler's start. One step at least.
    public mutating func walk(hops: Int, using random: inout Random) -> [Int32] {
        precondition(hops >= 1, "a walk has a step")
        write(tokens: 2 * hops + 1, using: &random)
        return scratch
    }

    /// A walk of at most `hops` steps from `node`; an isolated graph node gives just itself.
    public mutating func walk(from node: Int32, hops: Int, using random: inout Random) -> [Int32] {
        precondition(node >= 0 && Int(node) < graph.nodeCount && hops >= 0, "a walk starts at a graph node")
        scratch.removeAll(keepingCapacity: true)
        scratch.append(node)
        go(to: 2 * hops + 1, heading(using: &random), using: &random)
        return scratch
    }

    /// Writes one walk of at most `tokens` tokens to ``scratch``.
    mutating func write(tokens: Int, using random: inout Random) {
        scratch.removeAll(keepingCapacity: true)
        let heading = begin(using: &random)
        go(to: tokens, heading, using: &random)
        if scratch.count > tokens { scratch.removeLast(scratch.count - tokens) }
    }

    /// Writes the first graph node, and the first step where the start is an edge.
    private mutating func begin(using random: inout Random) -> Heading {
        switch start {
        case .node:
            let heading = heading(using: &random)
            let starts = heading == .backward ? backwardStarts : forwardStarts
            scratch.append(starts[random.below(starts.count)])
            return heading
        case .edge:
            let heading = heading(using: &random)
            let edge = random.below(graph.edgeCount)
            let isBackward = heading == .both ? random.below(2) == 1 : heading == .backward
            take(edge, backward: isBackward, withStart: true)
            return heading
        case .everyEdge:
            if nextInEpoch == epoch.count {
                random.shuffle(&epoch)
                nextInEpoch = 0
            }
            let code = epoch[nextInEpoch]
            nextInEpoch += 1
            let isBackward = code & 1 == 1
            take(Int(code >> 1), backward: isBackward, withStart: true)
            return kind == .random ? .both : isBackward ? .backward : .forward
        }
    }

    private func heading(using random: inout Random) -> Heading {
        switch kind {
        case .edge: .forward
        case .inverseEdge: .backward
        case .eitherWay: random.below(2) == 0 ? .forward : .backward
        case .random: .both
        }
    }

    private mutating func go(to limit: Int, _ heading: Heading, using random: inout Random) {
        if let tree {
            tree.tour(&scratch, to: limit)
        } else {
            extend(to: limit, heading, using: &random)
        }
    }

    /// Adds steps until the walk has `limit` tokens or more, or cannot go on.
    private mutating func extend(to limit: Int, _ heading: Heading, using random: inout Random) {
        while scratch.count < limit, let node = scratch.last {
            let out = heading == .backward ? 0..<0 : graph.edgesOut(of: node)
            let into = heading == .forward ? 0..<0 : graph.rangeIn(node)
            let choices = out.count + into.count
            if choices == 0 { return }
            let choice =
                if let weights {
                    weights.choose(choices, from: out.lowerBound + into.lowerBound, using: &random)
                } else {
                    random.below(choices)
                }
            if choice < out.count {
                take(out.lowerBound + choice, backward: false, withStart: false)
            } else {
                let edge = Int(graph.inEdges[into.lowerBound + choice - out.count])
                take(edge, backward: true, withStart: false)
            }
        }
    }

    private mutating func take(_ edge: Int, backward: Bool, withStart: Bool) {
        let (from, to) = backward ? (graph.tails[edge], graph.heads[edge]) : (graph.heads[edge], graph.tails[edge])
        if withStart { scratch.append(from) }
        scratch.append(graph.relations[edge] + (backward ? Int32(graph.relationCount) : 0))
        scratch.append(to)
    }

    private static func allSteps(edgeCount: Int, _ kind: WalkKind) -> [Int32] {
        let edges = 0..<Int32(edgeCount)
        return switch kind {
        case .edge: edges.map { $0 << 1 }
        case .inverseEdge: edges.map { $0 << 1 | 1 }
        case .eitherWay, .random: (0..<Int32(2 * edgeCount)).map { $0 }
        }
    }
}

import Graph
import Testing
import Wire

@Suite struct WalkSamplerTests {
    /// The steps of a walk as triples in their stored direction, with the direction taken.
    func steps(_ walk: [Int32], in graph: GraphIndex) -> [(triple: IndexTriple, isBackward: Bool)] {
        stride(from: 0, to: walk.count - 2, by: 2).map { at in
            let isBackward = Int(walk[at + 1]) >= graph.nodeCount + graph.relationCount
            let (a, r, b) = (walk[at], walk[at + 1], walk[at + 2])
            return isBackward
                ? (IndexTriple(head: b, relation: r - Int32(graph.relationCount), tail: a), true)
                : (IndexTriple(head: a, relation: r, tail: b), false)
        }
    }

    func dead(_ walk: [Int32], _ kind: WalkKind, startedBackward: Bool, in graph: GraphIndex) -> Bool {
        let last = walk.last!
        return switch kind {
        case .edge: graph.edgesOut(of: last).isEmpty
        case .inverseEdge: graph.edgesIn(to: last).isEmpty
        case .eitherWay: startedBackward ? graph.edgesIn(to: last).isEmpty : graph.edgesOut(of: last).isEmpty
        case .random: graph.degree(of: last) == 0
        }
    }

    @Test(arguments: WalkKind.allCases, WalkStart.allCases)
    func `walks follow existing edges in the direction of their kind`(kind: WalkKind, start: WalkStart) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let triples = randomTriples(nodes: 12, relations: 3, count: 5 + Int(seed), seed: seed)
            let graph = try GraphIndex(nodeCount: 12, relationCount: 3, triples: triples)
            var sampler = try WalkSampler(graph, kind: kind, start: start)
            var random = Random(seed: seed)
            for _ in 0..<50 {
                let walk = sampler.walk(hops: 4, using: &random)
                #expect(walk.count >= 3 && walk.count <= 9 && walk.count % 2 == 1)
                let steps = steps(walk, in: graph)
                #expect(steps.allSatisfy { graph.contains($0.triple) })
                switch kind {
                case .edge: #expect(steps.allSatisfy { !$0.isBackward })
                case .inverseEdge: #expect(steps.allSatisfy { $0.isBackward })
                case .eitherWay: #expect(Set(steps.map(\.isBackward)).count == 1, "one direction a walk")
                case .random: break
                }
                let isDead = dead(walk, kind, startedBackward: steps[0].isBackward, in: graph)
                #expect(walk.count == 9 || isDead, "a walk ends early only where it cannot go on")
            }
        }
    }

    @Test(arguments: WalkKind.allCases, WalkStart.allCases)
    func `the same seed gives the same walks`(kind: WalkKind, start: WalkStart) throws {
        let graph = try GraphIndex(
            nodeCount: 30, relationCount: 4, triples: randomTriples(nodes: 30, relations: 4, count: 90, seed: 2))
        func run() throws -> [[Int32]] {
            var sampler = try WalkSampler(graph, kind: kind, start: start)
            var random = Random(seed: 99)
            return (0..<200).map { _ in sampler.walk(hops: 3, using: &random) }
        }
        #expect(try run() == run())
    }

    /// Ten edges, some with equal ends. One fair sampler in a million exceeds 45 (9 degrees of freedom).
    @Test(arguments: WalkKind.allCases) func `starts by edge are uniform over triples`(kind: WalkKind) throws {
        let triples = (0..<8).map { IndexTriple(0, 9, $0 + 1) } + [IndexTriple(1, 9, 2), IndexTriple(3, 9, 3)]
        let graph = try GraphIndex(nodeCount: 9, relationCount: 1, triples: triples)
        var sampler = try WalkSampler(graph, kind: kind, start: .edge)
        var random = Random(seed: 7)
        var counts: [IndexTriple: Int] = [:]
        for _ in 0..<20_000 {
            counts[steps(sampler.walk(hops: 1, using: &random), in: graph)[0].triple, default: 0] += 1
        }
        #expect(counts.count == 10)
        #expect(chiSquare(Array(counts.values)) < 45)
    }

    @Test func `starts by node are uniform over graph nodes that have a step`() throws {
        // 0 has three edges out, 1 and 2 one each, 3 is only a tail, 4 is alone.
        let triples = [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)].map { IndexTriple($0.0, 5, $0.1) }
        let graph = try GraphIndex(nodeCount: 5, relationCount: 1, triples: triples)
        let starts: [(WalkKind, [Int32])] = [
            (.edge, [0, 1, 2]), (.inverseEdge, [1, 2, 3]), (.random, [0, 1, 2, 3]),
        ]
        for (kind, expected) in starts {
            var sampler = try WalkSampler(graph, kind: kind, start: .node)
            var random = Random(seed: 3)
            var counts = [Int](repeating: 0, count: 5)
            for _ in 0..<12_000 { counts[Int(sampler.walk(hops: 1, using: &random)[0])] += 1 }
            #expect(counts.indices.filter { counts[$0] > 0 } == expected.map { Int($0) })
            #expect(chiSquare(counts.filter { $0 > 0 }) < 31, "one in a million at 3 degrees of freedom")
        }
    }

    @Test func `steps of a random walk are uniform over edges both ways`() throws {
        // From 0: out to 1, 2 and itself; in from 3, 4 and itself.
        let triples = [(0, 1), (0, 2), (0, 0), (3, 0), (4, 0)].map { IndexTriple($0.0, 5, $0.1) }
        let graph = try GraphIndex(nodeCount: 5, relationCount: 1, triples: triples)
        var sampler = try WalkSampler(graph, kind: .random, start: .node)
        var random = Random(seed: 5)
        var counts: [[Int32]: Int] = [:]
        for _ in 0..<12_000 { counts[sampler.walk(from: 0, hops: 1, using: &random), default: 0] += 1 }
        #expect(Set(counts.keys) == [[0, 5, 1], [0, 5, 2], [0, 5, 0], [0, 6, 3], [0, 6, 4], [0, 6, 0]])
        #expect(chiSquare(Array(counts.values)) < 36, "one in a million at 5 degrees of freedom")
    }

    @Test(arguments: WalkKind.allCases) func `every edge comes once a round and direction`(kind: WalkKind) throws {
        let graph = try GraphIndex(
            nodeCount: 20, relationCount: 3, triples: randomTriples(nodes: 20, relations: 3, count: 70, seed: 8))
        let perRound = graph.edgeCount * (kind == .eitherWay || kind == .random ? 2 : 1)
        var sampler = try WalkSampler(graph, kind: kind, start: .everyEdge)
        var random = Random(seed: 6)
        var rounds: [[[Int32]]] = []
        for _ in 0..<3 {
            let walks = (0..<perRound).map { _ in sampler.walk(hops: 1, using: &random) }
            #expect(Set(walks).count == perRound)
            rounds.append(walks)
        }
        #expect(rounds[0] != rounds[1] && rounds[1] != rounds[2], "each round is shuffled anew")
    }

    @Test func `a walk from an isolated graph node is that node`() throws {
        let graph = try GraphIndex(nodeCount: 3, relationCount: 1, triples: [IndexTriple(0, 3, 1)])
        var sampler = try WalkSampler(graph, kind: .random, start: .node)
        var random = Random(seed: 1)
        #expect(sampler.walk(from: 2, hops: 5, using: &random) == [2])
        #expect(sampler.walk(from: 0, hops: 0, using: &random) == [0])
        #expect(sampler.walk(from: 0, hops: 2, using: &random) == [0, 3, 1, 4, 0])
    }

    @Test func `a self loop is walked for ever`() throws {
        let graph = try GraphIndex(nodeCount: 1, relationCount: 1, triples: [IndexTriple(0, 1, 0)])
        var sampler = try WalkSampler(graph, kind: .edge, start: .node)
        var random = Random(seed: 1)
        #expect(sampler.walk(hops: 3, using: &random) == [0, 1, 0, 1, 0, 1, 0])
    }

    @Test(arguments: [0, 1, 7]) func `a graph without edges has nothing to sample`(nodes: Int) throws {
        let graph = try GraphIndex(nodeCount: nodes, relationCount: 2, triples: [])
        for kind in WalkKind.allCases {
            for start in WalkStart.allCases {
                #expect(throws: GraphError.nothingToSample(nodes: nodes)) {
                    try WalkSampler(graph, kind: kind, start: start)
                }
            }
        }
    }
}

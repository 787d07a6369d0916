import Graph
import Testing
import Wire

@Suite struct WalkGroundTests {
    private let parent = testKey.parentTokens

    private func id(_ name: String) -> TokenID { try! testKey.token(.node, named: name) }

    private func edge(_ head: String, _ tail: String, _ relation: String = "r") -> TokenTriple {
        TokenTriple(head: id(head), relation: try! testKey.relation(named: relation).forward, tail: id(tail))
    }

    private func ground(
        _ nodes: [String], edges: [(String, String)] = [], links: [(child: String, parent: String)] = []
    ) throws(GraphError) -> WalkGround {
        try WalkGround(
            nodes: nodes.map(id), relations: [try testKey.relation(named: "r")],
            triples: edges.map { edge($0.0, $0.1) },
            tree: (
                links.enumerated().map { ParentLink(child: id($1.child), parent: id($1.parent), position: Int32($0)) },
                parent
            ))
    }

    /// A folder with two documents, the first of which has two sections.
    private func folder() throws -> WalkGround {
        try ground(
            ["root", "a", "a1", "a2", "b"], edges: [("b", "a1")],
            links: [("a", "root"), ("a1", "a"), ("a2", "a"), ("b", "root")])
    }

    private func names(_ walk: [Int32], in ground: WalkGround) -> [String] {
        let known = ["root", "a", "a1", "a2", "b", "c", "d"]
        return walk.map { token in
            let token = ground.vocabulary[token]
            if token == parent.forward { return "↑" }
            if token == parent.inverse { return "↓" }
            return known.first { id($0) == token } ?? "r"
        }
    }

    @Test func `tokens of the tree are no relation that a file can name`() throws {
        for name in ["parent", "child"] {
            let relation = try testKey.relation(named: name)
            #expect(![relation.forward, relation.inverse].contains(parent.forward))
            #expect(![relation.forward, relation.inverse].contains(parent.inverse))
        }
        #expect(parent.forward != parent.inverse)
        let flat = try ground(["a", "b"], edges: [("a", "b")])
        #expect(flat.vocabulary.index(of: parent.forward) == nil, "no tree, no tokens of it")
    }

    @Test func `a tour goes depth first, children in their order, and back`() throws {
        let ground = try folder()
        var sampler = try ground.sampler(.tree, start: .everyEdge)
        var random = Random(seed: 1)
        let root = try #require(ground.vocabulary.index(ofNode: id("root")))
        #expect(
            names(sampler.walk(from: root, hops: 20, using: &random), in: ground) == [
                "root", "↓", "a", "↓", "a1", "↑", "a", "↓", "a2", "↑", "a", "↑", "root", "↓", "b", "↑", "root",
            ])
        let middle = try #require(ground.vocabulary.index(ofNode: id("a2")))
        #expect(
            names(sampler.walk(from: middle, hops: 20, using: &random), in: ground) == [
                "a2", "↑", "a", "↑", "root", "↓", "b", "↑", "root",
            ], "a tour from the middle goes on with what follows")
        #expect(names(sampler.walk(from: root, hops: 2, using: &random), in: ground) == ["root", "↓", "a", "↓", "a1"])
    }

    @Test func `tours start at every graph node of the tree alike, and at no other`() throws {
        let ground = try ground(
            ["root", "a", "b", "c", "d"], edges: [("c", "d")], links: [("a", "root"), ("b", "root")])
        var sampler = try ground.sampler(.tree, start: .node)
        var random = Random(seed: 3)
        var counts: [String: Int] = [:]
        for _ in 0..<3_000 { counts[names(sampler.walk(hops: 1, using: &random), in: ground)[0], default: 0] += 1 }
        #expect(Set(counts.keys) == ["root", "a", "b"])
        #expect(chiSquare(Array(counts.values)) < 28, "one in a million at 2 degrees of freedom")
    }

    @Test func `a circle of parents ends with the walk's length`() throws {
        let ground = try ground(["a", "b"], links: [("a", "b"), ("b", "a")])
        var sampler = try ground.sampler(.tree, start: .node)
        var random = Random(seed: 4)
        #expect(sampler.walk(hops: 7, using: &random).count == 15)
    }

    @Test func `random walks take the tree both ways, edge walks do not take it`() throws {
        let ground = try folder()
        var random = Random(seed: 5)
        var both = try ground.sampler(.random, start: .everyEdge)
        var steps: Set<[String]> = []
        for _ in 0..<10 { steps.insert(names(both.walk(hops: 1, using: &random), in: ground)) }
        #expect(steps.count == 10, "five edges, both ways")
        #expect(steps.contains(["root", "↓", "a"]) && steps.contains(["a", "↑", "root"]))
        for rule in [WalkRule.edge, .eitherWay] {
            var sampler = try ground.sampler(rule, start: .everyEdge)
            for _ in 0..<10 {
                #expect(!names(sampler.walk(hops: 3, using: &random), in: ground).contains { "↑↓".contains($0) })
            }
        }
    }

    @Test func `a walk by perspective prefers what the agent likes, and a negative view repels`() throws {
        let ground = try ground(["a", "b", "c", "d"], edges: [("a", "b"), ("a", "c"), ("a", "d")])
        let views = [("b", 1.0), ("c", -1.0)].map { PerspectiveEntry(node: id($0.0), context: nil, weight: $0.1) }
        var sampler = try ground.sampler(.perspective, start: .everyEdge, perspectives: views)
        var random = Random(seed: 6)
        let start = try #require(ground.vocabulary.index(ofNode: id("a")))
        var counts: [String: Int] = [:]
        for _ in 0..<30_100 {
            counts[names(sampler.walk(from: start, hops: 1, using: &random), in: ground)[2], default: 0] += 1
        }
        // Weights 2, 0.01 and 1: expected 20,000, 100 and 10,000 of 30,100; six standard deviations.
        #expect(abs(counts["b", default: 0] - 20_000) < 490)
        #expect(abs(counts["c", default: 0] - 100) < 60)
        #expect(abs(counts["d", default: 0] - 10_000) < 490)
    }

    @Test func `walks by perspective and along the tree ask for their own step alone`() throws {
        let ground = try ground(
            ["a", "b", "c", "d"], edges: [("a", "b"), ("a", "c"), ("a", "d")], links: [("b", "a"), ("c", "a")])
        let views = [PerspectiveEntry(node: id("b"), context: nil, weight: -1)]
        for var sampler in [
            try ground.sampler(.perspective, start: .node, perspectives: views),
            try ground.sampler(.tree, start: .everyEdge),
        ] {
            var random = Random(seed: 4)
            var (tokens, targets) = ([Int32](repeating: 0, count: 80), [Int32](repeating: 0, count: 80))
            var (offsets, answers) = ([Int32](repeating: 0, count: 81), [Int32]())
            sampler.fill(
                tokens: &tokens, targets: &targets, offsets: &offsets, answers: &answers, batch: 20, context: 4,
                using: &random)
            #expect(answers == targets.filter { $0 != WalkSampler.noTarget } && !answers.isEmpty)
        }
    }

    @Test func `a view in a context holds for steps from there alone`() throws {
        let ground = try ground(["a", "b", "c"], edges: [("a", "b"), ("a", "c"), ("c", "b"), ("c", "a")])
        let views = [
            PerspectiveEntry(node: id("b"), context: id("a"), weight: -1),
            PerspectiveEntry(node: id("nowhere"), context: nil, weight: 1),
        ]
        var sampler = try ground.sampler(.perspective, start: .node, perspectives: views)
        var random = Random(seed: 7)
        func share(from name: String) throws -> Double {
            let start = try #require(ground.vocabulary.index(ofNode: id(name)))
            let walks = (0..<4_000).map { _ in sampler.walk(from: start, hops: 1, using: &random) }
            return Double(walks.count { names($0, in: ground)[2] == "b" }) / 4_000
        }
        // From a: b weighs 0.01 of 2.01 (c is reached by two edges). From c: 1 of 3 (a by two edges).
        #expect(try share(from: "a") < 0.02)
        #expect(abs(try share(from: "c") - 1.0 / 3) < 0.05)
    }

    @Test(arguments: [1.01, -1.5, .infinity, -.infinity, .nan])
    func `a weight out of range is refused`(weight: Double) throws {
        let ground = try ground(["a", "b"], edges: [("a", "b")])
        let error = #expect(throws: GraphError.self) {
            try ground.sampler(
                .perspective, start: .node,
                perspectives: [PerspectiveEntry(node: id("a"), context: nil, weight: weight)])
        }
        #expect(error?.description.contains("from -1 to 1") == true)
    }

    @Test(arguments: WalkRule.allCases) func `a scope limits the start and every step`(rule: WalkRule) throws {
        let ground = try ground(
            ["root", "a", "a1", "a2", "b"], edges: [("b", "a1"), ("a1", "a2"), ("a2", "b")],
            links: [("a", "root"), ("a1", "a"), ("a2", "a"), ("b", "root")])
        let scope = (path: try PathScope("root.a"), nodes: Set(["a", "a1", "a2"].map(id)))
        for start in WalkStart.allCases {
            var sampler = try ground.sampler(rule, start: start, scope: scope)
            var random = Random(seed: 8)
            for _ in 0..<100 {
                let walk = names(sampler.walk(hops: 6, using: &random), in: ground)
                #expect(!walk.contains("b") && !walk.contains("root"), "\(walk)")
            }
        }
    }

    @Test func `what cannot be walked is said, by cause`() throws {
        let bare = try ground(["a"])
        #expect(throws: GraphError.nothingToSample(nodes: 1)) { try bare.sampler(.random, start: .everyEdge) }
        #expect(throws: GraphError.noTree(nodes: 1)) { try bare.sampler(.tree, start: .everyEdge) }
        let flat = try ground(["a", "b", "c"], edges: [("a", "b")])
        #expect(throws: GraphError.noTree(nodes: 3)) { try flat.sampler(.tree, start: .everyEdge) }
        let path = try PathScope("x.y")
        #expect(throws: GraphError.emptyScope("x.y")) {
            try flat.sampler(.random, start: .everyEdge, scope: (path, []))
        }
        #expect(throws: GraphError.noStepInScope("x.y", nodes: 2)) {
            try flat.sampler(.random, start: .everyEdge, scope: (path, [id("a"), id("c")]))
        }
        let onlyTree = try ground(["a", "b"], links: [("a", "b")])
        #expect(throws: GraphError.nothingToSample(nodes: 2)) { try onlyTree.sampler(.edge, start: .everyEdge) }
    }

    @Test(arguments: WalkRule.allCases) func `the same seed gives the same walks`(rule: WalkRule) throws {
        let ground = try folder()
        func run() throws -> [[Int32]] {
            var sampler = try ground.sampler(
                rule, start: .everyEdge,
                perspectives: [PerspectiveEntry(node: id("a"), context: nil, weight: 0.5)])
            var random = Random(seed: 11)
            return (0..<100).map { _ in sampler.walk(hops: 3, using: &random) }
        }
        #expect(try run() == run())
    }

    @Test func `a link to a graph node that is missing, or a second parent, is refused`() throws {
        #expect(throws: GraphError.unknownToken(id("b"))) { try ground(["a"], links: [("a", "b")]) }
        let twice = try ground(["a", "b", "c"], links: [("a", "b"), ("a", "c")])
        #expect(throws: GraphError.twoParents(id("a"))) { try twice.sampler(.tree, start: .node) }
    }
}

@Suite struct PathScopeTests {
    @Test func `paths of labels are scopes`() throws {
        for text in ["a", "docs.chapter_2.Z9", String(repeating: "x", count: 255)] {
            #expect(try PathScope(text).description == text)
        }
    }

    @Test func `what is no path is told by label`() {
        let faults: [(String, ScopeFault)] = [
            ("", .empty), ("a..b", .emptyLabel(2)), (".a", .emptyLabel(1)), ("a.", .emptyLabel(2)),
            ("a.b c", .character(2, " ")), ("größe", .character(1, "ö")), ("a'); DROP TABLE x", .character(1, "'")),
            ("a\0", .character(1, "\0")), ("*", .character(1, "*")),
            ("x." + String(repeating: "y", count: 256), .longLabel(2, count: 256)),
            (Array(repeating: "a", count: 1_001).joined(separator: "."), .tooDeep(labels: 1_001)),
        ]
        for (text, fault) in faults {
            #expect(throws: GraphError.scope(fault)) { try PathScope(text) }
        }
    }
}

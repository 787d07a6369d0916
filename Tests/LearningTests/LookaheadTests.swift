import Testing

@testable import Learning

@Suite struct LookaheadTests {
    @Test func `a round begins half a move beyond the merged weights, the first where they are`() {
        var lookahead = Lookahead()
        let first = Parameters(dense: [1, -2], tokens: [0, 4, 8])
        #expect(lookahead.start(from: first) == first)
        let second = Parameters(dense: [2, -2], tokens: [-1, 4, 10])
        #expect(lookahead.start(from: second) == Parameters(dense: [2.5, -2], tokens: [-1.5, 4, 11]))
        #expect(lookahead.start(from: second) == second, "what rests is not pushed on")
    }

    @Test func `owners who divide repeat a move once between them`() {
        // Three owners, none of which learns anything: what each sends is its third of half the last move.
        let (before, base) = (Parameters(dense: [1], tokens: [3]), Parameters(dense: [2], tokens: [0]))
        let sent = (0..<3).reduce(into: (dense: Float(0), tokens: Float(0))) { sum, _ in
            var lookahead = Lookahead()
            _ = lookahead.start(from: before)
            let trained = lookahead.start(from: base)
            sum.dense += (trained.dense[0] - base.dense[0]) / 3
            sum.tokens += (trained.tokens[0] - base.tokens[0]) / 3
        }
        #expect(abs(sent.dense - 0.5) < 1e-6 && abs(sent.tokens + 1.5) < 1e-6)
    }
}

@Suite struct StandardRecipeTests {
    @Test(arguments: [
        // edges, graph nodes, steps: small graphs have the least, dense ones half as many passes again.
        (0, 0, 15), (6, 4, 15), (1_740, 135, 15), (2_849, 104, 37), (1_999, 104, 26), (5_200, 400, 45),
        (90_000, 12_000, 500),
    ])
    func `steps follow from the size of a graph and from how many edges a graph node has`(
        edges: Int, nodes: Int, steps: Int
    ) {
        #expect(StandardRecipe.steps(edges: edges, nodes: nodes) == steps)
    }

    @Test func `the largest graph does not overflow`() {
        #expect(StandardRecipe.steps(edges: 1 << 30, nodes: 1 << 24) == 500)
    }
}

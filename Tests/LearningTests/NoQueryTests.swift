import Learning
import Testing

@Suite struct NoQueryTests {
    @Test func `a site without a graph is asked nothing, and that is no error`() throws {
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        let parameters = Parameters(dense: Array(repeating: 0, count: shape.denseCount), tokens: [])
        let ranking = try evaluate(shape: shape, parameters: parameters, candidates: 0, queries: [])
        #expect(ranking.queries == 0 && ranking.mrr == nil && ranking.hits10 == nil)
    }
}

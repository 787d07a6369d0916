import Testing
import Wire

@testable import Rules

@Suite struct CountingTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `counts equal those of trying everything`(seed: UInt64) {
        let sketch = Sketch(nodes: 9, relations: 3, edges: 30, seed: seed)
        var measure = RuleMeasure(sketch.graph)
        var random = Random(seed: seed)
        func directed() -> Int32 { Int32(random.below(6)) }
        func node() -> Int32 { Int32(random.below(9)) }
        for _ in 0..<20 {
            let rules = [
                Rule(head: Int32(random.below(3)), path: (0...random.below(3)).map { _ in directed() }),
                Rule(head: directed(), concluded: node(), body: directed(), known: node()),
                Rule(head: directed(), concluded: node(), body: directed(), known: nil),
            ]
            for rule in rules { #expect(measure.counts(rule) == sketch.naiveCounts(rule), "\(rule)") }
        }
    }

    @Test func `variables are different graph nodes`() {
        var sketch = Sketch(nodes: 4, relations: 1)
        for tail in 1...3 as ClosedRange<Int32> { sketch.add(0, 0, tail) }
        var measure = RuleMeasure(sketch.graph)
        // h(X,A), h⁻¹(A,B), h(B,Y) would conclude each h(X,Y) from itself.
        #expect(measure.counts(Rule(head: 0, path: [0, 1, 0])) == RuleCounts(body: 0, support: 0))
    }

    @Test func `a sample of starts counts less and trusts less`() {
        var sketch = Sketch(nodes: 200, relations: 2)
        for x in 0..<100 as Range<Int32> {
            sketch.add(x, 0, x + 100)
            sketch.add(x, 1, x + 100)
        }
        var measure = RuleMeasure(sketch.graph)
        let rule = Rule(head: 0, path: [1])
        let whole = measure.counts(rule)
        let part = measure.counts(rule, RuleMeasure.Limits(starts: 10, edges: .max), seed: 3)
        #expect(whole == RuleCounts(body: 100, support: 100))
        #expect(part == RuleCounts(body: 10, support: 10))
        #expect(part.confidence < whole.confidence)
        #expect(measure.counts(rule, RuleMeasure.Limits(starts: .max, edges: 30)).body <= 30, "bounded")
    }

    @Test func `few cases are trusted less than many`() {
        #expect(RuleCounts(body: 0, support: 0).confidence == 0)
        #expect(RuleCounts(body: 5, support: 5).confidence == 0.5)
        #expect(RuleCounts(body: 95, support: 95).confidence == 0.95)
    }
}

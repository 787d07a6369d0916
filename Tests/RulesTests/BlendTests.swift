import Testing
import Wire

@testable import Rules

@Suite struct BlendTests {
    /// A ring of relation 0 whose edges relation 1 repeats; a third of relation 1 is held out.
    private static func ring() -> (RuleGraph, [MinedRule], heldOut: [(Int32, Int32)]) {
        var sketch = Sketch(nodes: 60, relations: 2)
        var heldOut: [(Int32, Int32)] = []
        for x in 0..<60 as Range<Int32> {
            sketch.add(x, 0, (x + 1) % 60)
            if x % 3 == 0 { heldOut.append((x, (x + 1) % 60)) } else { sketch.add(x, 1, (x + 1) % 60) }
        }
        return (sketch.graph, [MinedRule(Rule(head: 1, path: [0]), RuleCounts(body: 60, support: 40))], heldOut)
    }

    private static func examples(_ rules: [MinedRule], model: (Int32, Int32) -> Float) -> [BlendExample] {
        let (graph, _, heldOut) = ring()
        var answerer = RuleAnswerer(graph, RuleSet(rules, for: graph))
        return heldOut.map { x, y in
            answerer.ask(x, 1)
            var scores = (0..<Int32(60)).map { model($0, y) }
            return scores.withUnsafeMutableBufferPointer {
                BlendExample(directed: 1, answer: y, others: [], scores: $0, answerer)
            }
        }
    }

    /// A model that knows nothing.
    private static func noise(_ candidate: Int32, _: Int32) -> Float {
        Float((candidate &* 7_919) % 61) / 30
    }

    @Test func `rules that are right get a voice, and the answer the first place`() {
        let (graph, rules, heldOut) = Self.ring()
        let blend = RuleBlend(Self.examples(rules, model: Self.noise))
        #expect(!blend.isModelAlone)
        #expect(blend.gain.blended > 0.9 && blend.gain.alone < 0.5)
        #expect(blend.weights.allSatisfy { $0 >= 0 }, "evidence never speaks against a candidate")
        var answerer = RuleAnswerer(graph, RuleSet(rules, for: graph))
        for (x, y) in heldOut {
            answerer.ask(x, 1)
            var scores = (0..<Int32(60)).map { Self.noise($0, y) }
            scores.withUnsafeMutableBufferPointer { blend.rescore($0, answerer, directed: 1) }
            #expect(scores.indices.max { scores[$0] < scores[$1] } == Int(y))
        }
    }

    @Test func `beside a model that knows better wrong rules stay silent`() {
        let (graph, _, _) = Self.ring()
        // Two steps on: never true.
        let wrong = [MinedRule(Rule(head: 1, path: [0, 0]), RuleCounts(body: 60, support: 40))]
        let blend = RuleBlend(Self.examples(wrong) { $0 == $1 ? 1 : 0 })
        var answerer = RuleAnswerer(graph, RuleSet(wrong, for: graph))
        answerer.ask(0, 1)
        var scores = (0..<60).map { Float($0 == 1 ? 1 : 0) }
        scores.withUnsafeMutableBufferPointer { blend.rescore($0, answerer, directed: 1) }
        #expect(scores.indices.max { scores[$0] < scores[$1] } == 1)
    }

    @Test func `without examples the model speaks alone`() {
        #expect(RuleBlend([]).isModelAlone)
        #expect(RuleBlend() == RuleBlend([]))
    }

    @Test func `the same examples give the same bits`() {
        let (_, rules, _) = Self.ring()
        #expect(
            RuleBlend(Self.examples(rules, model: Self.noise)) == RuleBlend(Self.examples(rules, model: Self.noise)))
    }
}

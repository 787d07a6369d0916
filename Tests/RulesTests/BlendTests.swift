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

    /// Questions of relation 1 about a graph in which it leads two nodes on. The model scores 0 what this site taught it
    /// and what another did, which leads three on, and -0.6 the answers that nobody taught.
    private static func shared(sites: Int, others: ClosedRange<Int32> = 3...3) -> [BlendExample] {
        var sketch = Sketch(nodes: 60, relations: 2)
        for x in 0..<60 as Range<Int32> {
            sketch.add(x, 0, (x + 7) % 60)
            sketch.add(x, 1, (x + 2) % 60)
        }
        let graph = sketch.graph
        let rules = [MinedRule(Rule(head: 1, path: [0]), RuleCounts(body: 60, support: 40))]
        var answerer = RuleAnswerer(graph, RuleSet(rules, for: graph))
        return (0..<60 as Range<Int32>).map { x in
            answerer.ask(x, 1)
            var scores = (0..<60 as Range<Int32>).map { candidate -> Float in
                let step = (candidate - x + 60) % 60
                return step == 2 || others.contains(step) ? 0 : step == 1 ? -0.6 : -9
            }
            return scores.withUnsafeMutableBufferPointer {
                BlendExample(
                    directed: 1, answer: (x + 1) % 60, others: [(x + 2) % 60], taught: graph.reached(from: x, along: 1),
                    sites: sites, scores: $0, answerer)
            }
        }
    }

    @Test(
        arguments: [(0, Int32(3), 0.5), (1, 3, 1), (2, 3, 1), (1, 4, 0.5), (2, 4, 1), (1, 6, 0.25)]
            as [(Int, Int32, Double)])
    func `what scores like own facts counts less as an error, the more sites may have taught it`(
        sites: Int, last: Int32, alone: Double
    ) {
        let blend = RuleBlend(Self.shared(sites: sites, others: 3...last))
        #expect(blend.gain.alone == alone)
    }

    @Test func `what nobody scores like own facts is as wrong as ever`() {
        for example in SharedKnowledge.discounted(Self.shared(sites: 2)) {
            let scores = (1..<example.count).map { example.features[$0 * RuleBlend.featureCount] }
            #expect(scores.contains(0) && scores.contains(-9))
            for (candidate, score) in scores.enumerated() {
                #expect(example.wrong[candidate + 1] == (score == 0 ? 0 : 1))
            }
            #expect(example.wrong[0] == 1, "the answer")
        }
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

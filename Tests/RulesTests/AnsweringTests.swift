import Testing
import Wire

@testable import Rules

@Suite struct AnsweringTests {
    /// All conclusions of all rules for (x, directed, ?), by trying every candidate.
    private func naive(_ sketch: Sketch, _ rules: [MinedRule], _ x: Int32, _ directed: Int32) -> [Int32: [Int32]] {
        let graph = sketch.graph
        let walker = PathWalker(graph)
        var fired: [Int32: [Int32]] = [:]
        let inverse = graph.inverse(of: directed)
        for (number, mined) in rules.enumerated() {
            let rule = mined.rule
            for y in 0..<Int32(sketch.nodes) {
                func holds(_ node: Int32) -> Bool {
                    let known = rule.known.map { [$0] } ?? Array(0..<Int32(sketch.nodes))
                    return known.contains { sketch.has(node, rule.body, $0) }
                }
                var fires = false
                if rule.form == .path {
                    fires =
                        rule.head == directed && walker.grounding(rule, from: x, to: y) != nil
                        || rule.head == inverse && walker.grounding(rule, from: y, to: x) != nil
                } else {
                    fires =
                        rule.head == directed && rule.concluded == y && holds(x)
                        || rule.head == inverse && rule.concluded == x && holds(y)
                }
                if fires { fired[y, default: []].append(Int32(number)) }
            }
        }
        return fired.mapValues { Array($0.prefix(RuleAnswerer.kept)) }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `an answer holds the best rules that fire for each candidate, in both directions`(seed: UInt64) {
        let sketch = Sketch(nodes: 9, relations: 3, edges: 34, seed: seed)
        var miner = RuleMiner(sketch.graph, seed: seed)
        miner.mine(rounds: 4)
        let set = RuleSet(miner.rules, for: sketch.graph)
        var answerer = RuleAnswerer(sketch.graph, set)
        for x in 0..<9 as Range<Int32> {
            for directed in 0..<6 as Range<Int32> {
                answerer.ask(x, directed)
                var found: [Int32: [Int32]] = [:]
                for (slot, candidate) in answerer.candidates.enumerated() {
                    found[candidate] = Array(answerer.rules(ofCandidateAt: slot))
                }
                #expect(found == naive(sketch, set.rules, x, directed), "\(x) \(directed)")
            }
        }
    }

    @Test func `evidence is a noisy or`() {
        var sketch = Sketch(nodes: 20, relations: 3)
        for x in 0..<5 as Range<Int32> {
            sketch.add(x, 0, x + 10)
            sketch.add(x, 1, x + 10)
            sketch.add(x, 2, x + 10)
        }
        let rules = [1, 2].map { MinedRule(Rule(head: 0, path: [$0]), RuleCounts(body: 5, support: 5)) }
        var answerer = RuleAnswerer(sketch.graph, RuleSet(rules, for: sketch.graph))
        answerer.ask(0, 0)
        let evidence = answerer.evidence(ofCandidateAt: answerer.slot(of: 10)!)
        #expect(abs(evidence.probability - 0.75) < 1e-6 && evidence.best == 0.5)
        #expect(evidence.pathStrength == evidence.strength)
        #expect(answerer.rank(of: 10, filtered: []) == 1)
        // The other 19 are equal, but for one that is true as well.
        #expect(answerer.rank(of: 3, filtered: [10]) == 1 + 18.0 / 2)
        #expect(answerer.rank(of: 3, filtered: []) == 2 + 18.0 / 2)
    }

    @Test func `rules about what the graph lacks are left out`() {
        let graph = Sketch(nodes: 3, relations: 1).graph
        let counts = RuleCounts(body: 5, support: 5)
        let foreign = [
            Rule(head: 1, path: [0]), Rule(head: 0, path: [7]),
            Rule(head: 0, concluded: 9, body: 0, known: 1), Rule(head: 0, concluded: 0, body: 0, known: 3),
        ]
        // Head 1 is an inverse relation: no head of a path.
        #expect(RuleSet(foreign.map { MinedRule($0, counts) }, for: graph).rules.isEmpty)
    }
}

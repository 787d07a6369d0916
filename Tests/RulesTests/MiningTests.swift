import Testing
import Wire

@testable import Rules

@Suite struct MiningTests {
    /// Families: 0 parent, 1 grandparent, 2 lives-in, 3 speaks, 4 noise. Grandparents are parents' parents, but for some;
    /// who lives in node 0 speaks node 1.
    private static func families() -> Sketch {
        var sketch = Sketch(nodes: 122, relations: 5)
        var random = Random(seed: 5)
        for family in 0..<30 as Range<Int32> {
            let (a, b, c) = (2 + 4 * family, 3 + 4 * family, 4 + 4 * family)
            sketch.add(a, 0, b)
            sketch.add(b, 0, c)
            if family % 10 != 9 { sketch.add(a, 1, c) }
            sketch.add(a, 2, family % 2)
            if family % 2 == 0 { sketch.add(a, 3, 1) }
            for _ in 0..<3 { sketch.add(Int32(random.below(122)), 4, Int32(random.below(122))) }
        }
        return sketch
    }

    private static func mined(_ graph: RuleGraph, rounds: Int, seed: UInt64 = 1) -> [MinedRule] {
        var miner = RuleMiner(graph, seed: seed)
        miner.mine(rounds: rounds)
        return miner.rules
    }

    @Test func `rules that were planted are found, with the counts that the graph has`() {
        let sketch = Self.families()
        let rules = Self.mined(sketch.graph, rounds: 4)
        let planted = [
            (Rule(head: 1, path: [0, 0]), RuleCounts(body: 30, support: 27)),
            (Rule(head: 3, concluded: 1, body: 2, known: 0), RuleCounts(body: 15, support: 15)),
        ]
        for (rule, counts) in planted {
            #expect(rules.contains(MinedRule(rule, counts)), "\(rule)")
        }
        for mined in rules { #expect(sketch.naiveCounts(mined.rule) == mined.counts, "\(mined.rule)") }
        #expect(rules.allSatisfy { $0.counts.support >= 2 })
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `every rule of a random graph has the counts of trying everything`(seed: UInt64) {
        let sketch = Sketch(nodes: 10, relations: 3, edges: 45, seed: seed)
        let rules = Self.mined(sketch.graph, rounds: 5, seed: seed)
        #expect(rules.contains { $0.rule.length == 3 })
        for mined in rules { #expect(sketch.naiveCounts(mined.rule) == mined.counts, "\(mined.rule)") }
        #expect(Set(rules.map(\.rule)).count == rules.count, "each once")
        #expect(!rules.contains { $0.rule.form == .path && $0.rule.steps == [$0.rule.head] }, "no tautology")
    }

    @Test func `the same seed and steps give the same rules, and mining in pieces as well`() {
        let graph = Self.families().graph
        let once = Self.mined(graph, rounds: 6)
        var pieces = RuleMiner(graph, seed: 1)
        for _ in 0..<6 { pieces.mine(rounds: 1) }
        #expect(pieces.rules == once)
        #expect(Self.mined(graph, rounds: 6) == once)
    }

    @Test func `more steps never lose a rule that is among the best`() {
        let graph = Self.families().graph
        let early = Self.mined(graph, rounds: 3)
        let late = Set(Self.mined(graph, rounds: 8))
        #expect(early.allSatisfy(late.contains))
    }

    @Test func `mining ends where it is told to`() {
        var miner = RuleMiner(Self.families().graph, seed: 1)
        var steps = 0
        miner.mine(rounds: 100) {
            steps += 1
            return steps > 7
        }
        #expect(miner.miners.map(\.steps).reduce(0, +) == 7)
    }

    @Test func `an empty graph has no rules`() {
        #expect(Self.mined(Sketch(nodes: 0, relations: 0).graph, rounds: 3) == [])
        #expect(Self.mined(Sketch(nodes: 3, relations: 2).graph, rounds: 3) == [])
    }
}

import Graph
import Wire

@testable import Rules

/// A graph of triples by small numbers, and the same as a set.
struct Sketch {
    let nodes: Int
    let relations: Int
    private(set) var triples: Set<[Int32]> = []

    init(nodes: Int, relations: Int) {
        self.nodes = nodes
        self.relations = relations
    }

    /// A graph of random triples.
    init(nodes: Int, relations: Int, edges: Int, seed: UInt64) {
        self.init(nodes: nodes, relations: relations)
        var random = Random(seed: seed)
        for _ in 0..<edges {
            add(Int32(random.below(nodes)), Int32(random.below(relations)), Int32(random.below(nodes)))
        }
    }

    mutating func add(_ head: Int32, _ relation: Int32, _ tail: Int32) { triples.insert([head, relation, tail]) }

    /// Whether `directed` leads from x to y.
    func has(_ x: Int32, _ directed: Int32, _ y: Int32) -> Bool {
        directed < Int32(relations)
            ? triples.contains([x, directed, y]) : triples.contains([y, directed - Int32(relations), x])
    }

    var graph: RuleGraph {
        RuleGraph(
            try! GraphIndex(
                nodeCount: nodes, relationCount: relations,
                triples: triples.map { IndexTriple(head: $0[0], relation: $0[1] + Int32(nodes), tail: $0[2]) }))
    }

    /// Counts by trying every assignment of every variable.
    func naiveCounts(_ rule: Rule) -> RuleCounts {
        let all = 0..<Int32(nodes)
        var counts = RuleCounts(body: 0, support: 0)
        func add(_ holds: Bool, _ head: Bool) {
            counts.body += holds ? 1 : 0
            counts.support += holds && head ? 1 : 0
        }
        guard rule.form == .path else {
            for x in all {
                let known = rule.known.map { [$0] } ?? Array(all)
                add(known.contains { has(x, rule.body, $0) }, has(x, rule.head, rule.concluded!))
            }
            return counts
        }
        let steps = rule.steps
        for x in all {
            for y in all where y != x {
                let holds =
                    switch steps.count {
                    case 1: has(x, steps[0], y)
                    case 2: all.contains { $0 != x && $0 != y && has(x, steps[0], $0) && has($0, steps[1], y) }
                    default:
                        all.contains { a in
                            a != x && a != y && has(x, steps[0], a)
                                && all.contains { b in
                                    b != x && b != y && b != a && has(a, steps[1], b) && has(b, steps[2], y)
                                }
                        }
                    }
                add(holds, has(x, rule.head, y))
            }
        }
        return counts
    }
}

/// Answers (x, d, ?) from rules. Scratch memory of one thread: 12 bytes a graph node.
///
/// Of each candidate the ``kept`` best rules are remembered by kind, in flat arrays: a question of a hub has thousands of
/// candidates.
public struct RuleAnswerer: Sendable {
    /// Rules remembered for one candidate.
    public static let kept = 8
    /// Edges that one question may read.
    public static let defaultBudget = 300_000

    let graph: RuleGraph
    let set: RuleSet
    private var walker: PathWalker
    private var slotOf: [Int32]
    /// Candidates of the last question, in the order in which they were found.
    public private(set) var candidates: [Int32] = []
    private var rules: [Int32] = []
    private var counts: [Int32] = []

    public init(_ graph: RuleGraph, _ set: RuleSet) {
        self.graph = graph
        self.set = set
        walker = PathWalker(graph)
        slotOf = [Int32](repeating: -1, count: graph.nodeCount)
    }

    /// The rules of a candidate of the last question, best first.
    public func rules(ofCandidateAt slot: Int) -> ArraySlice<Int32> {
        rules[slot * Self.kept..<slot * Self.kept + Int(counts[slot])]
    }

    /// The place of a candidate of the last question.
    public func slot(of candidate: Int32) -> Int? {
        let slot = slotOf[Int(candidate)]
        return slot < 0 ? nil : Int(slot)
    }

    /// Collects what fires for (x, d, ?). Better rules are tried first; where the budget ends, the rest is silent.
    ///
    /// - Parameter directed: the relation from `x` to the answer.
    public mutating func ask(_ x: Int32, _ directed: Int32, budget: Int = defaultBudget) {
        for candidate in candidates { slotOf[Int(candidate)] = -1 }
        candidates.removeAll(keepingCapacity: true)
        rules.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        concludeConstants(x, directed)
        concludeHolders(x, directed, budget: budget / 2)
        followPaths(x, directed, budget: budget)
    }

    private mutating func followPaths(_ x: Int32, _ directed: Int32, budget: Int) {
        var budget = budget
        let isForward = directed < Int32(graph.relationCount)
        for number in set.paths[Int(isForward ? directed : graph.inverse(of: directed))] {
            let rule = set.rules[Int(number)].rule
            if isForward {
                walker.walk(rule, from: x, budget: &budget)
            } else {
                walker.walk(backwards: rule, from: x, budget: &budget)
            }
            for at in walker.ends.indices { fire(number, walker.ends[at]) }
            if budget <= 0 { return }
        }
    }

    /// d(X,c) ⇐ b(X,k) with X = x: the edges of x tell which.
    private mutating func concludeConstants(_ x: Int32, _ directed: Int32) {
        guard !set.range(head: directed).isEmpty else { return }
        for group in graph.groups(of: x) {
            let body = graph.groupRelation[group]
            conclude(set.range(head: directed, body: body, known: -1))
            for at in graph.members(ofGroup: group) {
                conclude(set.range(head: directed, body: body, known: graph.neighbours[at]))
            }
        }
    }

    private mutating func conclude(_ range: Range<Int>) {
        for at in range {
            let number = set.byBody[at]
            fire(number, set.rules[Int(number)].rule.concluded!)
        }
    }

    /// d⁻¹(X,c) ⇐ b(X,k) with c = x: all X that have b(X,k).
    private mutating func concludeHolders(_ x: Int32, _ directed: Int32, budget: Int) {
        var budget = budget
        for at in set.range(head: graph.inverse(of: directed), concluded: x) {
            let number = set.byConcluded[at]
            let rule = set.rules[Int(number)].rule
            let holders =
                rule.known.map { graph.reached(from: $0, along: graph.inverse(of: rule.body)) }
                ?? graph.sources[graph.sourceRange(rule.body)]
            budget -= holders.count
            for holder in holders { fire(number, holder) }
            if budget <= 0 { return }
        }
    }

    /// Puts a rule among the best of a candidate.
    private mutating func fire(_ number: Int32, _ candidate: Int32) {
        var slot = Int(slotOf[Int(candidate)])
        if slot < 0 {
            slot = candidates.count
            slotOf[Int(candidate)] = Int32(slot)
            candidates.append(candidate)
            counts.append(0)
            for _ in 0..<Self.kept { rules.append(.max) }
        }
        let first = slot * Self.kept
        var at = Int(counts[slot])
        if at == Self.kept {
            // Numbers ascend with quality falling.
            guard rules[first + at - 1] > number else { return }
            at -= 1
        } else {
            counts[slot] += 1
        }
        while at > 0, rules[first + at - 1] > number {
            rules[first + at] = rules[first + at - 1]
            at -= 1
        }
        rules[first + at] = number
    }
}

extension RuleAnswerer {
    /// The graph nodes by which a rule's body holds for an answer to (x, directed, ?), from `x` on: A path's nodes in
    /// order; for rules with a constant the one whose edge counts and what it leads to.
    ///
    /// - Returns: empty if the rule does not fire.
    public func grounding(_ number: Int32, _ x: Int32, _ directed: Int32, _ answer: Int32) -> [Int32] {
        let rule = set.rules[Int(number)].rule
        if rule.form == .path {
            let isForward = directed < Int32(graph.relationCount)
            let nodes = walker.grounding(rule, from: isForward ? x : answer, to: isForward ? answer : x) ?? []
            return isForward ? nodes : nodes.reversed()
        }
        let holder = rule.head == directed && rule.concluded == answer ? x : answer
        guard let known = rule.known ?? graph.reached(from: holder, along: rule.body).first else { return [] }
        return graph.contains(holder, rule.body, known) ? [holder, known] : []
    }
}

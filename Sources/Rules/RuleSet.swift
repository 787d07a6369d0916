internal import Search
internal import Wire

/// Rules in the order in which questions need them. 24 bytes a rule, and 12 more with a constant.
public struct RuleSet: Sendable {
    /// Best first; a rule's number is its place here.
    public let rules: [MinedRule]
    /// -ln(1 - confidence) of each rule.
    let strengths: [Float]
    /// Numbers of paths by the relation that they conclude, best first.
    let paths: [[Int32]]
    /// Numbers of rules with a constant by (head, body, known), best first; known is -1 for any.
    let byBody: [Int32]
    /// Numbers of rules with a constant by (head, concluded), best first.
    let byConcluded: [Int32]
    /// Where a head's rules begin in ``byBody`` and ``byConcluded``, which hold the same rules.
    let headStart: [Int32]

    /// Rules that name what `graph` lacks are left out; of the same rule the first counts.
    ///
    /// - Parameter rules: best first.
    public init(_ rules: [MinedRule], for graph: RuleGraph) {
        let directed = Int32(graph.directedCount)
        let nodes = -1..<Int32(graph.nodeCount)
        var known: Set<Rule> = []
        let usable = rules.filter { mined in
            let rule = mined.rule
            let heads = rule.form == .path ? directed / 2 : directed
            return 0..<heads ~= rule.head && rule.steps.allSatisfy { 0..<directed ~= $0 }
                && nodes ~= (rule.concluded ?? -1) && nodes ~= (rule.known ?? -1) && known.insert(rule).inserted
        }
        self.rules = usable
        strengths = usable.map { Float(-logarithm(1 - $0.counts.confidence)) }
        var paths = [[Int32]](repeating: [], count: graph.relationCount)
        var constants: [Int32] = []
        for (at, mined) in usable.enumerated() {
            if mined.rule.form == .path {
                paths[Int(mined.rule.head)].append(Int32(at))
            } else {
                constants.append(Int32(at))
            }
        }
        self.paths = paths
        // (head, body, known) and (head, concluded); ties keep the better rule first.
        byBody = constants.sorted {
            let (a, b) = (usable[Int($0)].rule, usable[Int($1)].rule)
            return (a.head, a.body, a.known ?? -1, $0) < (b.head, b.body, b.known ?? -1, $1)
        }
        byConcluded = constants.sorted {
            let (a, b) = (usable[Int($0)].rule, usable[Int($1)].rule)
            return (a.head, a.concluded!, $0) < (b.head, b.concluded!, $1)
        }
        var starts = [Int32](repeating: 0, count: Int(directed) + 1)
        for at in constants { starts[Int(usable[Int(at)].rule.head) + 1] += 1 }
        for at in 0..<Int(directed) { starts[at + 1] += starts[at] }
        headStart = starts
    }

    func isPath(_ number: Int32) -> Bool { rules[Int(number)].rule.form == .path }

    /// Positions in ``byBody`` and ``byConcluded`` of the rules that conclude `head`.
    func range(head: Int32) -> Range<Int> { Int(headStart[Int(head)])..<Int(headStart[Int(head) + 1]) }

    /// The part of ``byBody`` for a body.
    func range(head: Int32, body: Int32, known: Int32) -> Range<Int> {
        let low = bound(range(head: head), byBody) { ($0.body, $0.known ?? -1) < (body, known) }
        var high = low
        let end = range(head: head).upperBound
        while high < end {
            let rule = rules[Int(byBody[high])].rule
            guard rule.body == body, rule.known ?? -1 == known else { break }
            high += 1
        }
        return low..<high
    }

    /// The part of ``byConcluded`` for a conclusion.
    func range(head: Int32, concluded: Int32) -> Range<Int> {
        let all = range(head: head)
        let first = bound(all, byConcluded) { $0.concluded! < concluded }
        return first..<bound(all, byConcluded) { $0.concluded! <= concluded }
    }

    private func bound(_ range: Range<Int>, _ order: [Int32], _ isBelow: (Rule) -> Bool) -> Int {
        range.partitioningIndex { !isBelow(rules[Int(order[$0])].rule) }
    }
}

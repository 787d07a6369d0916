/// Follows paths through a graph and remembers where they ended. Scratch memory of one thread: 4 bytes a graph node.
struct PathWalker {
    private let graph: RuleGraph
    /// The turn in which a graph node was last an end.
    private var seen: [UInt32]
    private var turn: UInt32 = 0
    /// Distinct ends of the last walk, in the order in which they were found.
    private(set) var ends: [Int32] = []

    init(_ graph: RuleGraph) {
        self.graph = graph
        seen = [UInt32](repeating: 0, count: graph.nodeCount)
    }

    /// Whether `y` was an end of the last walk.
    func isEnd(_ y: Int32) -> Bool { seen[Int(y)] == turn }

    /// All y for which the body holds with X = x, every variable another graph node.
    ///
    /// - Parameter budget: edges that may still be read; what they do not reach is left out.
    mutating func walk(_ rule: Rule, from x: Int32, budget: inout Int) {
        walk(steps: rule.step, from: x, budget: &budget)
    }

    /// The same from Y, for the other direction.
    mutating func walk(backwards rule: Rule, from y: Int32, budget: inout Int) {
        let (one, two, three) = rule.step
        let first = graph.inverse(of: one)
        if two < 0 {
            walk(steps: (first, -1, -1), from: y, budget: &budget)
        } else if three < 0 {
            walk(steps: (graph.inverse(of: two), first, -1), from: y, budget: &budget)
        } else {
            walk(
                steps: (graph.inverse(of: three), graph.inverse(of: two), first), from: y, budget: &budget)
        }
    }

    private mutating func walk(steps: (Int32, Int32, Int32), from x: Int32, budget: inout Int) {
        turn &+= 1
        if turn == 0 {
            for at in seen.indices { seen[at] = 0 }
            turn = 1
        }
        ends.removeAll(keepingCapacity: true)
        let first = graph.range(x, steps.0)
        budget -= first.count
        for at in first {
            let a = graph.neighbours[at]
            if a == x { continue }
            if steps.1 < 0 {
                reach(a)
                continue
            }
            let second = graph.range(a, steps.1)
            budget -= second.count + 1
            for at in second {
                let b = graph.neighbours[at]
                if b == x || b == a { continue }
                if steps.2 < 0 {
                    reach(b)
                    continue
                }
                let third = graph.range(b, steps.2)
                budget -= third.count + 1
                for at in third {
                    let y = graph.neighbours[at]
                    if y != x, y != a, y != b { reach(y) }
                }
                if budget <= 0 { return }
            }
            if budget <= 0 { return }
        }
    }

    @inline(__always)
    private mutating func reach(_ y: Int32) {
        guard seen[Int(y)] != turn else { return }
        seen[Int(y)] = turn
        ends.append(y)
    }

    /// The first path by which the body holds between `x` and `y`: X, A, B, Y as far as there are, or nil.
    func grounding(_ rule: Rule, from x: Int32, to y: Int32) -> [Int32]? {
        guard x != y else { return nil }
        let (one, two, three) = rule.step
        if two < 0 { return graph.contains(x, one, y) ? [x, y] : nil }
        for at in graph.range(x, one) {
            let a = graph.neighbours[at]
            if a == x || a == y { continue }
            if three < 0 {
                if graph.contains(a, two, y) { return [x, a, y] }
                continue
            }
            for at in graph.range(a, two) {
                let b = graph.neighbours[at]
                if b != x, b != a, b != y, graph.contains(b, three, y) { return [x, a, b, y] }
            }
        }
        return nil
    }
}

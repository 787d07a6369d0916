internal import Wire

/// Counts what a graph says about rules: exactly where that is cheap, on a sample of X where it is not.
public struct RuleMeasure: Sendable {
    /// How much one count may cost.
    public struct Limits: Sendable, Equatable {
        /// Values of X that are tried; more are sampled without repetition.
        public var starts: Int
        /// Edges that are read.
        public var edges: Int

        public init(starts: Int, edges: Int) {
            self.starts = starts
            self.edges = edges
        }

        /// Everything: for graphs and rules where that ends.
        public static let exact = Limits(starts: .max, edges: .max)
        /// For mining: enough for a confidence within some hundredths.
        public static let mining = Limits(starts: 300, edges: 20_000)
        /// For questions of other sites: a second at most.
        public static let verifying = Limits(starts: 20_000, edges: 20_000_000)
    }

    let graph: RuleGraph
    private var walker: PathWalker

    public init(_ graph: RuleGraph) {
        self.graph = graph
        walker = PathWalker(graph)
    }

    /// Counts of a rule. With sampled X they are those of the sample, so that a rule seen less often is trusted less.
    ///
    /// - Parameter seed: of the sample.
    public mutating func counts(_ rule: Rule, _ limits: Limits = .exact, seed: UInt64 = 1) -> RuleCounts {
        switch rule.form {
        case .path: path(rule, limits, seed: seed)
        case .constant: constant(rule, head: rule.head, concluded: rule.concluded!, known: rule.known!)
        case .any: any(rule, concluded: rule.concluded!)
        }
    }

    private mutating func path(_ rule: Rule, _ limits: Limits, seed: UInt64) -> RuleCounts {
        let all = graph.sourceRange(rule.step.0)
        var counts = RuleCounts(body: 0, support: 0)
        var budget = limits.edges
        var random = Random(seed: seed)
        let sampled = all.count > limits.starts
        // Every k-th from a random place: distinct, in one pass.
        let tries = min(all.count, limits.starts)
        let first = sampled ? random.below(all.count) : 0
        for index in 0..<tries {
            let at = sampled ? (first + index * all.count / tries) % all.count : index
            let x = graph.sources[all.lowerBound + at]
            walker.walk(rule, from: x, budget: &budget)
            counts.body += walker.ends.count
            if !walker.ends.isEmpty {
                for at in graph.range(x, rule.head) where graph.neighbours[at] != x {
                    if walker.isEnd(graph.neighbours[at]) { counts.support += 1 }
                }
            }
            if budget <= 0 { break }
        }
        return counts
    }

    /// X that have b(X,k), and of them those with h(X,c).
    private func constant(_ rule: Rule, head: Int32, concluded: Int32, known: Int32) -> RuleCounts {
        let holders = graph.reached(from: known, along: graph.inverse(of: rule.body))
        return RuleCounts(
            body: holders.count,
            support: Self.common(holders, graph.reached(from: concluded, along: graph.inverse(of: head))))
    }

    private func any(_ rule: Rule, concluded: Int32) -> RuleCounts {
        let holders = graph.sources[graph.sourceRange(rule.body)]
        return RuleCounts(
            body: holders.count,
            support: Self.common(holders, graph.reached(from: concluded, along: graph.inverse(of: rule.head))))
    }

    /// How many are in both; both ascend.
    private static func common(_ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>) -> Int {
        var (i, j, count) = (a.startIndex, b.startIndex, 0)
        while i < a.endIndex, j < b.endIndex {
            if a[i] == b[j] {
                count += 1
                i += 1
                j += 1
            } else if a[i] < b[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return count
    }
}

public import Wire

extension WalkSampler {
    /// The target of a position without loss.
    public static let noTarget: Int32 = -1

    /// Fills one training batch: a walk of up to T + 1 tokens for each of B rows.
    ///
    /// ```
    /// tokens[b·T + t]   token t of walk b; 0 behind its end
    /// targets[b·T + t]  token t + 1 of walk b if that is a graph node, else -1
    /// ```
    ///
    /// A causal model never sees the padding from a position that has a target. T = 2 trains exactly
    /// (h, r) -> t; an odd T spends its last position on a relation without loss.
    ///
    /// - Parameters:
    ///   - tokens: shape (B, T), row-major, of the size batch · context; likewise `targets`. Nothing is allocated
    ///     after the first call.
    ///   - batch: B, at least 1.
    ///   - context: T, at least 2, the shortest that holds a target.
    /// - Returns: the number of positions that have a target, at least B.
    @discardableResult
    public mutating func fill(
        tokens: inout [Int32], targets: inout [Int32], batch: Int, context: Int, using random: inout Random
    ) -> Int {
        precondition(batch >= 1 && context >= 2, "a batch has a row, a row has a head and a relation")
        precondition(tokens.count == batch * context && targets.count == batch * context, "buffers are (B, T)")
        let nodeCount = Int32(graph.nodeCount)
        var targetCount = 0
        for row in 0..<batch {
            write(tokens: context + 1, using: &random)
            let base = row * context
            for at in 0..<context {
                tokens[base + at] = at < scratch.count ? scratch[at] : 0
                let isTarget = at + 1 < scratch.count && scratch[at + 1] < nodeCount
                targets[base + at] = isTarget ? scratch[at + 1] : Self.noTarget
                if isTarget { targetCount += 1 }
            }
        }
        return targetCount
    }

    /// Fills a batch like ``fill(tokens:targets:batch:context:using:)`` and adds to each position that has a target
    /// all graph nodes which would be right there: the known answers of (graph node, relation).
    ///
    /// A target alone pushes the other known answers down; all answers together do not, and a question shows
    /// them each time it comes. Where steps are not equally likely, or go where no edge leads, the walk's own step is
    /// the only answer.
    ///
    /// ```
    /// offsets[i] ..< offsets[i + 1]   the answers of position i, with its target among them; none without a target
    /// ```
    ///
    /// - Parameters:
    ///   - offsets: of the size batch · context + 1.
    ///   - answers: replaced; its memory is used again.
    /// - Complexity: O(log degree + answers) a target, beside the walks.
    @discardableResult
    public mutating func fill(
        tokens: inout [Int32], targets: inout [Int32], offsets: inout [Int32], answers: inout [Int32], batch: Int,
        context: Int, using random: inout Random
    ) -> Int {
        let count = fill(tokens: &tokens, targets: &targets, batch: batch, context: context, using: &random)
        precondition(offsets.count == batch * context + 1, "one more offset than positions")
        answers.removeAll(keepingCapacity: true)
        for at in 0..<batch * context {
            offsets[at] = Int32(answers.count)
            guard targets[at] != Self.noTarget else { continue }
            if stepsAreAlike { graph.append(answersOf: tokens[at - 1], tokens[at], to: &answers) }
            if answers.count == Int(offsets[at]) { answers.append(targets[at]) }
        }
        offsets[batch * context] = Int32(answers.count)
        return count
    }
}

extension GraphIndex {
    /// Appends the right answers of (node, relation, ?), or (?, relation, node) for an inverse relation, ascending.
    func append(answersOf node: Int32, _ relation: Int32, to answers: inout [Int32]) {
        let isInverse = Int(relation) >= nodeCount + relationCount
        if isInverse {
            answers += heads(of: node, relation - Int32(relationCount))
        } else {
            answers += tails(of: node, relation)
        }
    }
}

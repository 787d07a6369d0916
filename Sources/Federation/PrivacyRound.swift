internal import Learning
public import Wire

/// What a site does to a round before it builds the delta (docs/privacy.md).
extension TrainingRound {
    /// The round without the rows of some tokens: what is not announced must not be sent.
    ///
    /// - Parameters:
    ///   - tokens: those to be kept, a subset of ``tokens`` in the same order.
    ///   - shares: of these tokens; those of the round before may be anything.
    public func restricted(to kept: [TokenID], shares: [RowShare], dim: Int) -> TrainingRound {
        guard kept != tokens else {
            var round = self
            round.shares = shares
            return round
        }
        var round = self
        round.tokens = kept
        round.shares = shares
        round.base.tokens = []
        round.trained.tokens = []
        round.base.tokens.reserveCapacity(kept.count * dim)
        round.trained.tokens.reserveCapacity(kept.count * dim)
        var next = kept.makeIterator()
        var wanted = next.next()
        for (row, token) in tokens.enumerated() where token == wanted {
            let range = row * dim..<(row + 1) * dim
            round.base.tokens += base.tokens[range]
            round.trained.tokens += trained.tokens[range]
            wanted = next.next()
        }
        precondition(wanted == nil, "the tokens kept are a part of the round's, in their order")
        return round
    }

    /// The round with its change clipped and noised as the policy says; everything later only rounds it.
    ///
    /// ```
    /// change  = (trained - base) · damping / owners        dense rows: / members
    /// row     = row · min(1, rowClip / ‖row‖)
    /// all     = all · min(1, clip / ‖all‖)
    /// sent    = all + noise · clip · N(0, 1)               every weight, changed or not
    /// trained = base + sent · owners / damping
    /// ```
    /// Residuals are added behind it and hold what quantisation cut off values that were noised before: they
    /// reveal nothing more. Which rows are sent, and how many, follows from noised values as well.
    ///
    /// - Parameter generator: a generator that nobody can guess, used for nothing else.
    /// - Throws: ``FederationError`` for a round that ``RoundBuilder`` would refuse.
    /// - Complexity: O(parameters), about 40 ns each with noise.
    public func protected(
        by policy: PrivacyPolicy, spec: ModelSpec, using generator: inout some RandomNumberGenerator
    ) throws(FederationError) -> TrainingRound {
        try validate(shape: spec.shape)
        guard policy.clip != nil || policy.rowClip != nil, damping > 0 else { return self }
        var dense = try changes(base.dense, trained.dense, name: "dense")
        var rows = try changes(base.tokens, trained.tokens, name: "token_emb")
        let dim = spec.shape.dim
        let denseScale = damping / Double(members)
        for index in dense.indices { dense[index] *= denseScale }
        for (row, share) in shares.enumerated() {
            let scale = damping / Double(share.owners)
            for index in row * dim..<(row + 1) * dim { rows[index] *= scale }
        }
        if let limit = policy.rowClip {
            for tensor in spec.layout.tensors {
                for row in 0..<tensor.spec.rows {
                    let start = tensor.spec.offset + row * tensor.spec.columns
                    clip(&dense, start..<start + tensor.spec.columns, to: limit)
                }
            }
            for row in shares.indices { clip(&rows, row * dim..<(row + 1) * dim, to: limit) }
        }
        if let limit = policy.clip {
            let norm = (squares(dense[...]) + squares(rows[...])).squareRoot()
            let factor = norm > limit ? limit / norm : 1
            let deviation = policy.noise * limit
            var gaussian = Gaussian()
            for index in dense.indices {
                dense[index] *= factor
                if deviation > 0 { dense[index] += deviation * gaussian.next(using: &generator) }
            }
            for index in rows.indices {
                rows[index] *= factor
                if deviation > 0 { rows[index] += deviation * gaussian.next(using: &generator) }
            }
        }
        var round = self
        for index in dense.indices {
            round.trained.dense[index] = Float(Double(base.dense[index]) + dense[index] / denseScale)
        }
        for (row, share) in shares.enumerated() {
            let scale = damping / Double(share.owners)
            for index in row * dim..<(row + 1) * dim {
                round.trained.tokens[index] = Float(Double(base.tokens[index]) + rows[index] / scale)
            }
        }
        return round
    }

    private func changes(_ base: [Float], _ trained: [Float], name: String) throws(FederationError) -> [Double] {
        var changes: [Double] = []
        changes.reserveCapacity(base.count)
        for index in base.indices {
            let change = Double(trained[index]) - Double(base[index])
            guard change.isFinite else { throw .notFinite(name: name, index: index) }
            changes.append(change)
        }
        return changes
    }

    private func clip(_ values: inout [Double], _ range: Range<Int>, to limit: Double) {
        let norm = squares(values[range]).squareRoot()
        guard norm > limit else { return }
        for index in range { values[index] *= limit / norm }
    }

    private func squares(_ values: ArraySlice<Double>) -> Double {
        var sum = 0.0
        for value in values { sum += value * value }
        return sum
    }
}

internal import Learning
public import Wire

/// Token rows as vectors that every node finds alike.
extension MergedModel {
    /// The merged rows of some tokens, less the mean of all rows that somebody has trained; nil for a token that nobody
    /// has: where its row starts says nothing.
    ///
    /// What rows have in common (training moves them all away from what is asked seldom) would make everything look
    /// alike. Integers in units of 2^-32, the division rounds towards zero: equal at all nodes that have applied the same
    /// ops. O((trained rows + tokens) · dim).
    public func centredRows(_ tokens: [TokenID]) -> [[Int64]?] {
        let dim = spec.shape.dim
        var sum = [Int64](repeating: 0, count: dim)
        var trained = 0
        for token in accumulators.trainedTokens {
            let row = row(token)
            for column in 0..<dim { sum[column] &+= row[column] }
            trained += 1
        }
        guard trained > 0 else { return tokens.map { _ in nil } }
        let mean = sum.map { $0 / Int64(trained) }
        return tokens.map { token in
            guard accumulators.isTrained(token) else { return nil }
            return zip(row(token), mean).map { $0 &- $1 }
        }
    }

    private func row(_ token: TokenID) -> [Int64] {
        zip(initializer.row(token), accumulators.row(token)).map { $0 &+ $1 }
    }
}

extension Accumulators {
    /// Tokens whose rows are not zero, in no order that is the same everywhere.
    var trainedTokens: [TokenID] { names.tokens.filter(isTrained) }

    func isTrained(_ token: TokenID) -> Bool { names.find(token).map { rowSlice($0).contains { $0 != 0 } } ?? false }
}

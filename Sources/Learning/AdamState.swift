/// Adam's memory of one model. It stays at its site and survives restarts.
public struct AdamState: Hashable, Sendable {
    /// First and second moments of one array of weights.
    public struct Moments: Hashable, Sendable {
        public var first: [Float]
        public var second: [Float]

        public init(first: [Float], second: [Float]) {
            self.first = first
            self.second = second
        }

        public static func zeros(_ count: Int) -> Moments {
            let zeros = [Float](repeating: 0, count: count)
            return Moments(first: zeros, second: zeros)
        }
    }

    /// Moments of ``Parameters/dense``.
    public var dense: Moments
    /// Moments of ``Parameters/tokens``.
    public var tokens: Moments
    /// Steps taken, for the bias correction.
    public var steps: Int

    public init(dense: Moments, tokens: Moments, steps: Int) {
        self.dense = dense
        self.tokens = tokens
        self.steps = steps
    }

    /// The memory of a model that has not been trained.
    public static func fresh(shape: ModelShape, vocabulary: Int) -> AdamState {
        AdamState(dense: .zeros(shape.denseCount), tokens: .zeros(vocabulary * shape.dim), steps: 0)
    }

    func check(shape: ModelShape, vocabulary: Int) throws(LearningError) {
        let arrays = [
            ("dense first moments", dense.first, shape.denseCount),
            ("dense second moments", dense.second, shape.denseCount),
            ("token first moments", tokens.first, vocabulary * shape.dim),
            ("token second moments", tokens.second, vocabulary * shape.dim),
        ]
        for (name, array, expected) in arrays where array.count != expected {
            throw .wrongCount(name: name, found: array.count, expected: expected)
        }
        guard steps >= 0 else { throw .outOfRange(name: "steps", value: "\(steps)", allowed: "0 or more") }
    }
}

/// Rows of width `dim` in a new order: row i is old row `rows[i]`, or zeros where that is -1.
func reordered(_ table: [Float], dim: Int, rows: [Int32]) -> [Float] {
    var result = [Float](repeating: 0, count: rows.count * dim)
    for (row, old) in rows.enumerated() where old >= 0 {
        for column in 0..<dim { result[row * dim + column] = table[Int(old) * dim + column] }
    }
    return result
}

/// Reads contexts and scores what may come next; no training. Not `Sendable`: one owner at a time.
public final class Predictor {
    public let shape: ModelShape
    public let vocabulary: Int
    /// Graph nodes: the first E local token indices are scored.
    public let candidates: Int

    private let parameters: Parameters
    private let pass: Pass
    private let targets = Buffer<Int32>()
    private let tokens = Buffer<Int32>()

    /// - Throws: ``LearningError/wrongCount(name:found:expected:)`` for weights of another shape.
    public init(
        shape: ModelShape, parameters: Parameters, candidates: Int, kernel: KernelVariant = .best
    ) throws(LearningError) {
        guard parameters.dense.count == shape.denseCount else {
            throw .wrongCount(name: "dense weights", found: parameters.dense.count, expected: shape.denseCount)
        }
        vocabulary = parameters.tokens.count / shape.dim
        guard vocabulary * shape.dim == parameters.tokens.count else {
            throw .wrongCount(
                name: "token weights", found: parameters.tokens.count, expected: vocabulary * shape.dim)
        }
        try checkSizes(vocabulary: vocabulary, candidates: candidates, threads: 1)
        self.shape = shape
        self.candidates = candidates
        self.parameters = parameters
        pass = Pass(shape: shape, kernels: try Kernels(kernel))
    }

    /// Scores of all candidates after `context`, of which the last C tokens are read.
    ///
    /// - Returns: E unnormalised log-probabilities.
    /// - Throws: ``LearningError`` for an empty context or a token outside the vocabulary.
    public func logits(context: [Int32]) throws(LearningError) -> [Float] {
        try check(context)
        var result: [Float] = []
        score([context][...]) { _, scores in result = Array(scores) }
        return result
    }

    /// The `k` most probable next tokens, best first; ties by token index.
    ///
    /// - Returns: at most `k` tokens, each with its probability among the candidates and its logit.
    /// - Throws: as ``logits(context:)``, and ``LearningError/notFinite(_:)`` for weights that are no numbers.
    public func topK(
        _ k: Int, context: [Int32]
    ) throws(LearningError) -> [(token: Int32, probability: Float, logit: Float)] {
        try check(context)
        var result: [(token: Int32, probability: Float, logit: Float)] = []
        var isFinite = true
        score([context][...]) { _, scores in
            // As integers: a sum in floats would wait for itself.
            let extreme = scores.reduce(0) { max($0, $1.bitPattern & 0x7FFF_FFFF) }
            isFinite = extreme < Float.infinity.bitPattern
            guard isFinite else { return }
            let best = largest(k, of: scores)
            pass.kernels.softmax(scores.count, scores.baseAddress!)
            result = best.map { ($0.token, scores[Int($0.token)], $0.score) }
        }
        guard isFinite else { throw .notFinite("scores") }
        return result
    }

    /// - Throws: for an empty context or a token outside the vocabulary.
    func check(_ context: [Int32]) throws(LearningError) {
        guard !context.isEmpty else {
            throw .outOfRange(name: "context", value: "empty", allowed: "at least one token")
        }
        for (index, token) in context.enumerated() where token < 0 || Int(token) >= vocabulary {
            throw .unknownToken(index: index, token: Int(token), vocabulary: vocabulary)
        }
    }

    /// How many scores are above a bound, and how many equal it.
    func compare(_ scores: UnsafeMutableBufferPointer<Float>, with bound: Float) -> (above: Int, equal: Int) {
        pass.kernels.compare(scores.count, scores.baseAddress!, bound)
    }

    /// Probabilities in place of scores.
    func softmax(_ scores: UnsafeMutableBufferPointer<Float>) {
        pass.kernels.softmax(scores.count, scores.baseAddress!)
    }

    /// Scores many contexts at once and hands out each row of logits (E).
    ///
    /// Shorter contexts are filled up on the right: what follows the asked position is masked.
    func score(_ contexts: ArraySlice<[Int32]>, _ body: (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
        let T = min(shape.context, contexts.reduce(1) { max($0, $1.count) })
        let rows = contexts.count * T
        let (tokens, targets) = (tokens.reserve(rows), targets.reserve(rows))
        for (index, context) in contexts.enumerated() {
            let read = context.suffix(T)
            for t in 0..<T {
                tokens[index * T + t] = t < read.count ? read[read.startIndex + t] : 0
                targets[index * T + t] = t == read.count - 1 ? 0 : -1
            }
        }
        pass.ask(rows: rows, T: T, targets: targets, candidates: candidates)
        parameters.dense.withUnsafeBufferPointer { dense in
            parameters.tokens.withUnsafeBufferPointer { table in
                let weights = Pass.Weights(dense: dense.baseAddress!, tokens: table.baseAddress!)
                pass.forward(tokens, weights, nil)
                var first = 0
                while first < pass.Q {
                    let count = min(Pass.logitRows, pass.Q - first)
                    let z = pass.logits(first, count, candidates, weights)
                    for row in 0..<count {
                        let start = z + row * candidates
                        body(first + row, UnsafeMutableBufferPointer(start: start, count: candidates))
                    }
                    first += count
                }
            }
        }
    }
}

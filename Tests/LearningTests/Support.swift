import Learning
import Wire

/// ‖a - b‖ / ‖b‖.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let size = b.reduce(0) { $0 + $1 * $1 }
    return (difference / max(size, 1e-300)).squareRoot()
}

func randomMatrix(_ rows: Int, _ columns: Int, _ random: inout Random, scale: Double = 1) -> Matrix {
    (0..<rows).map { _ in (0..<columns).map { _ in (random.unit() * 2 - 1) * scale } }
}

/// Weights away from the start, where zero projections would hide most gradients.
func randomParameters(_ shape: ModelShape, vocabulary: Int, seed: UInt64) -> Parameters {
    var random = Random(seed: seed)
    var parameters = Parameters.zeros(shape: shape, vocabulary: vocabulary)
    for index in parameters.dense.indices { parameters.dense[index] = Float(random.unit() - 0.5) * 0.6 }
    for spec in shape.tensors where spec.rows == 1 {
        for index in spec.range { parameters.dense[index] = Float(0.5 + random.unit()) }
    }
    for index in parameters.tokens.indices { parameters.tokens[index] = Float(random.unit() - 0.5) }
    return parameters
}

/// Random tokens; targets at every other position and here and there elsewhere.
func randomBatch(B: Int, T: Int, vocabulary: Int, candidates: Int, seed: UInt64) -> Batch {
    var random = Random(seed: seed)
    let tokens = (0..<B * T).map { _ in Int32(random.below(vocabulary)) }
    let targets = (0..<B * T).map { index -> Int32 in
        (index % T) % 2 == 1 || random.chance(0.2) ? Int32(random.below(candidates)) : -1
    }
    return Batch(tokens: tokens, targets: targets, B: B, T: T)
}

/// One to four answers, here and there none or the same one twice.
func randomLists(B: Int, T: Int, vocabulary: Int, candidates: Int, weighted: Bool, seed: UInt64) -> Batch {
    var random = Random(seed: seed)
    let tokens = (0..<B * T).map { _ in Int32(random.below(vocabulary)) }
    var answers = Batch.Answers(offsets: [0], tokens: [])
    for _ in 0..<B * T {
        let count = random.chance(0.3) ? 0 : 1 + random.below(4)
        for _ in 0..<count {
            answers.tokens.append(Int32(random.below(candidates)))
            if weighted { answers.weights.append(Float(0.1 + random.unit())) }
        }
        answers.offsets.append(Int32(answers.tokens.count))
    }
    return Batch(tokens: tokens, answers: answers, B: B, T: T)
}

extension ModelShape {
    /// For tests that need no particular one.
    static let small = try! ModelShape(dim: 16, heads: 2, layers: 2, context: 8)
}

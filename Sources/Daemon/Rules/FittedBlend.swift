internal import API
internal import Identity
internal import Learning
internal import Rules

/// The weights that a blend belongs to.
struct BlendKey: Hashable, Sendable {
    let model: ModelID
    let weights: Weights
}

/// What rules count beside a model, and the weights that this was fitted to.
struct FittedBlend: Sendable {
    let blend: RuleBlend
    let weights: WeightsSketch
}

/// A few thousand of a model's weights, by which one sees how far it has moved since.
struct WeightsSketch: Sendable, CustomStringConvertible {
    /// Read at each question: few enough to cost nothing beside it.
    private static let most = 4_096
    /// Relative distance up to which weights count as the same model.
    static let near = 0.02

    private let values: [Float]

    var description: String { "\(values.count) weights" }

    init(_ parameters: Parameters) {
        values = Self.some(parameters.dense) + Self.some(parameters.tokens)
    }

    private static func some(_ all: [Float]) -> [Float] {
        stride(from: 0, to: all.count, by: max(1, all.count * 2 / most)).map { all[$0] }
    }

    /// Whether what was fitted to these weights does for others. A vocabulary of another size is another model.
    func isNear(_ other: WeightsSketch) -> Bool {
        guard values.count == other.values.count else { return false }
        var (moved, size) = (0.0, 0.0)
        for (mine, theirs) in zip(values, other.values) {
            moved += Double((mine - theirs) * (mine - theirs))
            size += Double(mine * mine)
        }
        return moved <= Self.near * Self.near * size
    }
}

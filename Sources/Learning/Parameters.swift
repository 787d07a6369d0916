internal import Wire

/// The weights of one model, flat.
public struct Parameters: Hashable, Sendable {
    /// All dense tensors, in the order and at the offsets of ``ModelShape/tensors``.
    public var dense: [Float]
    /// Token rows (V, d), row-major by local token index; also the output head.
    public var tokens: [Float]

    public init(dense: [Float], tokens: [Float]) {
        self.dense = dense
        self.tokens = tokens
    }

    /// Whether both arrays have the counts of a model.
    public func fits(shape: ModelShape, vocabulary: Int) -> Bool {
        dense.count == shape.denseCount && tokens.count == vocabulary * shape.dim
    }

    public static func zeros(shape: ModelShape, vocabulary: Int) -> Parameters {
        Parameters(
            dense: Array(repeating: 0, count: shape.denseCount),
            tokens: Array(repeating: 0, count: vocabulary * shape.dim))
    }

    /// Seeded start for a model that stands alone (tests, baselines); a shared model starts from
    /// its model id instead, see ``InitialValue``.
    public static func initial(shape: ModelShape, vocabulary: Int, seed: UInt64) -> Parameters {
        var random = Random(seed: seed)
        var parameters = Parameters.zeros(shape: shape, vocabulary: vocabulary)
        for spec in shape.tensors {
            for index in spec.range { parameters.dense[index] = spec.initial.draw(&random) }
        }
        let row = InitialValue.uniform(halfWidth: ModelShape.embeddingHalfWidth)
        for index in parameters.tokens.indices { parameters.tokens[index] = row.draw(&random) }
        return parameters
    }
}

extension InitialValue {
    /// One value in units of 1, exact in integers until the last conversion.
    func draw(_ random: inout Random) -> Float {
        switch self {
        case .zero: return 0
        case .one: return 1
        case .uniform(let halfWidth):
            let units = Int64(random.next() >> 31) - (1 << 32)  // -2^32 ..< 2^32
            return Float(units >> 8) * Float(halfWidth) * 0x1p-56
        }
    }
}

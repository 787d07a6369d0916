/// How a weight starts, in the integer units of the accumulators (2^-32), so that every
/// node can derive the same bits.
public enum InitialValue: Hashable, Sendable {
    case zero
    case one
    /// Uniform in `-halfWidth ... halfWidth`, units of 2^-32.
    case uniform(halfWidth: Int64)
}

/// One dense tensor: a name, a shape and its place in the flat array.
public struct TensorSpec: Hashable, Sendable {
    public var name: String
    /// Input features; 1 for a vector.
    public var rows: Int
    /// Output features; contiguous in memory.
    public var columns: Int
    /// Index of the first element in ``Parameters/dense``.
    public var offset: Int
    public var initial: InitialValue

    public var count: Int { rows * columns }
    public var range: Range<Int> { offset..<offset + count }
}

/// The size of a micro-GPT. A value of this type is always within its ranges.
///
/// Parameters = V·d + C·d + L·(12d² + 2d) + d for vocabulary V, dim d, context C, layers L.
public struct ModelShape: Hashable, Sendable {
    /// Width of the residual stream, d.
    public let dim: Int
    /// Attention heads; divides `dim`.
    public let heads: Int
    /// Transformer layers, L.
    public let layers: Int
    /// Positions the model knows, C; longer inputs keep their last C tokens.
    public let context: Int

    /// The bounds of one kind of shape.
    struct Limits {
        let dim: ClosedRange<Int>
        let heads: ClosedRange<Int>
        let layers: ClosedRange<Int>
        let context: ClosedRange<Int>

        /// What a site may create by ordinary means.
        static let usual = Limits(dim: 16...128, heads: 1...8, layers: 1...2, context: 8...64)
        /// What `beyondDefaults` accepts: benchmarks and big machines.
        static let wide = Limits(dim: 4...1024, heads: 1...64, layers: 1...24, context: 2...1024)
    }

    /// A shape within the usual ranges: dim 16-128, heads 1-8 dividing dim, layers 1-2, context 8-64.
    ///
    /// - Throws: ``LearningError/outOfRange(name:value:allowed:)``
    public init(dim: Int, heads: Int, layers: Int, context: Int) throws(LearningError) {
        self = try ModelShape.checked(dim, heads, layers, context, .usual)
    }

    /// A shape within wide ranges (dim 4-1024, heads 1-64, layers 1-24, context 2-1024), for
    /// benchmarks and experiments.
    ///
    /// - Throws: ``LearningError/outOfRange(name:value:allowed:)``
    public static func beyondDefaults(
        dim: Int, heads: Int, layers: Int, context: Int
    ) throws(LearningError) -> ModelShape {
        try checked(dim, heads, layers, context, .wide)
    }

    private init(unchecked dim: Int, _ heads: Int, _ layers: Int, _ context: Int) {
        self.dim = dim
        self.heads = heads
        self.layers = layers
        self.context = context
    }

    private static func checked(
        _ dim: Int, _ heads: Int, _ layers: Int, _ context: Int, _ limits: Limits
    ) throws(LearningError) -> ModelShape {
        let named = [
            ("dim", dim, limits.dim), ("heads", heads, limits.heads),
            ("layers", layers, limits.layers), ("context", context, limits.context),
        ]
        for (name, value, range) in named where !range.contains(value) {
            throw .outOfRange(name: name, value: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        guard dim % heads == 0 else {
            throw .outOfRange(name: "heads", value: "\(heads)", allowed: "a divisor of dim \(dim)")
        }
        return ModelShape(unchecked: dim, heads, layers, context)
    }

    /// Width of one head.
    public var headDim: Int { dim / heads }
    /// Width of the MLP's hidden layer.
    public var hidden: Int { 4 * dim }

    /// The dense tensors in flat order: `pos_emb`, then per layer `q_proj k_proj v_proj o_proj ff_up
    /// ff_down norm1 norm2`, then `final_norm`. Every matrix is stored [in][out].
    public var tensors: [TensorSpec] {
        var specs: [TensorSpec] = []
        var offset = 0
        func add(_ name: String, _ rows: Int, _ columns: Int, _ initial: InitialValue) {
            specs.append(TensorSpec(name: name, rows: rows, columns: columns, offset: offset, initial: initial))
            offset += rows * columns
        }
        add("pos_emb", context, dim, .uniform(halfWidth: ModelShape.positionHalfWidth))
        for layer in 0..<layers {
            for name in ["q_proj", "k_proj", "v_proj"] {
                add("layer\(layer).\(name)", dim, dim, .uniform(halfWidth: projectionHalfWidth))
            }
            add("layer\(layer).o_proj", dim, dim, .zero)
            add("layer\(layer).ff_up", dim, hidden, .uniform(halfWidth: projectionHalfWidth))
            add("layer\(layer).ff_down", hidden, dim, .zero)
            add("layer\(layer).norm1", 1, dim, .one)
            add("layer\(layer).norm2", 1, dim, .one)
        }
        add("final_norm", 1, dim, .one)
        return specs
    }

    /// Numbers in ``Parameters/dense``.
    public var denseCount: Int { context * dim + layers * (12 * dim * dim + 2 * dim) + dim }

    /// All numbers of a model with this vocabulary.
    public func parameterCount(vocabulary: Int) -> Int { vocabulary * dim + denseCount }

    /// Start of a token row: uniform in ±0.125, units of 2^-32. Measured on umls-shared3, umls-fed3
    /// (three seeds, test MRR): ±0.0625 .937 .947, ±0.125 .939 .954, ±0.25 .933 .948.
    public static let embeddingHalfWidth: Int64 = 1 << 29
    /// Start of a position: uniform in ±2^-6, small beside the rows it is added to.
    static let positionHalfWidth: Int64 = 1 << 26

    /// Start of a projection: uniform with about the variance 1/(4 dim), as the nearest power of two at
    /// or below √(3/(4 dim)), units of 2^-32. Measured like the token rows: twice this .940 .954, this
    /// .946 .958, half of it .943 .958.
    var projectionHalfWidth: Int64 {
        var shift = 0
        while 4 * dim > 3 << (2 * shift) { shift += 1 }
        return 1 << Int64(32 - shift)
    }
}

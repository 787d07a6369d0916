public import Learning
public import Wire

/// Error feedback: what quantisation and the choice of rows cut off a site's deltas so far, units of
/// 2^-32. It goes into the site's next op and is never sent by itself.
///
/// It holds nothing that scaling, damping or clipping removed: feeding that back would restore the
/// plain sum (design §6). A quantised row leaves at most half a step of its shift; a row that was not
/// sent leaves at most the model's row cap. So residuals do not grow without bound.
public struct Residuals: Equatable, Sendable {
    /// In the order of `Parameters.dense`.
    public internal(set) var dense: [Int64]
    /// The vocabulary that ``rows`` follows.
    public internal(set) var tokens: [TokenID]
    /// (tokens, dim), row-major.
    public internal(set) var rows: [Int64]

    /// Nothing kept yet.
    public init(shape: ModelShape) {
        dense = Array(repeating: 0, count: shape.denseCount)
        tokens = []
        rows = []
    }

    /// The rows in the order of another vocabulary: new tokens start at zero, those that are gone are
    /// dropped.
    mutating func align(to vocabulary: [TokenID], dim: Int) {
        guard tokens != vocabulary else { return }
        let places = Dictionary(zip(tokens, tokens.indices), uniquingKeysWith: { first, _ in first })
        var aligned = Array(repeating: Int64(0), count: vocabulary.count * dim)
        for (row, token) in vocabulary.enumerated() {
            guard let old = places[token] else { continue }
            aligned.replaceSubrange(row * dim..<(row + 1) * dim, with: rows[old * dim..<(old + 1) * dim])
        }
        tokens = vocabulary
        rows = aligned
    }
}

/// For the site's own store: `[1, dense, tokens, rows]`, numbers little-endian, tokens 16 bytes each.
extension Residuals {
    private static let maxBytes = 1 << 31

    public var bytes: Bytes {
        var encoder = CBOREncoder(reserving: 8 * (dense.count + rows.count) + 16 * tokens.count + 32)
        encoder.array(4)
        encoder.uint(ModelSpec.foldVersion)
        encoder.bytes(dense.withUnsafeBufferPointer(LittleEndian.bytes))
        encoder.bytes(RowAnnouncement.pack(tokens))
        encoder.bytes(rows.withUnsafeBufferPointer(LittleEndian.bytes))
        return encoder.bytes
    }

    /// Reads what ``bytes`` wrote for a model of the same shape.
    ///
    /// - Throws: ``FederationError`` for anything else.
    public init(bytes: Bytes, shape: ModelShape) throws(FederationError) {
        var decoder = try openBody(.residuals, bytes, items: 4)
        let (dense, tokens, rows) = try reading(.residuals) { () throws(CBORError) in
            let fields = (
                try decoder.bytes(max: Residuals.maxBytes), try decoder.bytes(max: Residuals.maxBytes),
                try decoder.bytes(max: Residuals.maxBytes)
            )
            try decoder.end()
            return fields
        }
        guard tokens.count.isMultiple(of: 16) else {
            throw .wrongLength(name: "residual tokens", found: tokens.count, expected: tokens.count / 16 * 16)
        }
        self.tokens = RowAnnouncement.unpack(tokens)
        self.dense = try LittleEndian.values(dense, count: shape.denseCount, name: "dense residuals")
        self.rows = try LittleEndian.values(rows, count: tokens.count / 16 * shape.dim, name: "residual rows")
    }
}

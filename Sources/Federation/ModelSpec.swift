public import Learning

/// What a model is: the body of its create-model op, whose op id names the model.
///
/// A value of this type is always within its bounds, so whoever holds one may allocate for it.
public struct ModelSpec: Hashable, Sendable {
    /// The fold that this binary knows: how bodies are read, judged and merged.
    public static let foldVersion: UInt64 = 1
    /// Bytes of a model's or an agent's name.
    static let nameBytes = 1...64
    /// Dense weights of a model: 24 MiB of accumulators, and all of them fit one delta even as int16.
    static let maxDenseCount = 3 << 20
    /// ``initialScale`` of a model that starts as its shape says.
    public static let unitScale = 256
    static let scales = 1...4096

    /// What the model is called by its agent; 1-64 bytes without control characters.
    public let name: String
    /// The named owner of the model at its creator's site; 1-64 bytes without control characters.
    public let agent: String
    public let shape: ModelShape
    public let caps: Caps
    /// Scales the random starting values of the shape, in units of 1/256.
    public let initialScale: Int

    let layout: DenseLayout

    /// - Throws: ``FederationError/outOfRange(name:value:allowed:)`` for the first field outside its bounds.
    public init(
        name: String, agent: String, shape: ModelShape, caps: Caps = .standard, initialScale: Int = unitScale
    ) throws(FederationError) {
        for (field, text) in [("model name", name), ("agent name", agent)] {
            guard ModelSpec.nameBytes.contains(text.utf8.count) else {
                throw .outOfRange(name: field, value: "of \(text.utf8.count) bytes", allowed: "1 to 64 bytes")
            }
            guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
                throw .outOfRange(
                    name: field, value: "with a control character", allowed: "letters, digits, marks and spaces")
            }
        }
        guard shape.denseCount <= ModelSpec.maxDenseCount else {
            throw .outOfRange(
                name: "shape", value: "of \(shape.denseCount) dense weights",
                allowed: "at most \(ModelSpec.maxDenseCount)")
        }
        guard ModelSpec.scales.contains(initialScale) else {
            throw .outOfRange(name: "initial scale", value: "\(initialScale)", allowed: "1 to 4096, in units of 1/256")
        }
        self.name = name
        self.agent = agent
        self.shape = shape
        self.caps = caps
        self.initialScale = initialScale
        layout = DenseLayout(shape: shape)
    }
}

extension ModelSpec {
    /// What one op may change. Part of the spec, so that every receiver judges alike.
    ///
    /// Small caps bound what a poisoned op can do; large ones leave the first rounds, in which rows
    /// move most, unclipped.
    public struct Caps: Hashable, Sendable {
        /// 2^14 as a weight; with it every value of a row fits ``Delta/maxShift`` and int8.
        static let rowNorms: ClosedRange<UInt64> = 1...1 << 46
        static let opNorms: ClosedRange<UInt64> = 1...1 << 56
        static let rowCounts = 1...1 << 20

        /// Largest L2 norm of one row, units of 2^-32.
        public let maxRowNorm: UInt64
        /// Largest L2 norm of all rows of one op, units of 2^-32.
        public let maxOpNorm: UInt64
        /// Most token rows of one op.
        public let maxRows: Int

        /// - Throws: ``FederationError/outOfRange(name:value:allowed:)``
        public init(maxRowNorm: UInt64, maxOpNorm: UInt64, maxRows: Int) throws(FederationError) {
            guard Caps.rowNorms.contains(maxRowNorm) else {
                throw .outOfRange(name: "row norm cap", value: "\(maxRowNorm)", allowed: "1 to 2^46, in units of 2^-32")
            }
            guard Caps.opNorms.contains(maxOpNorm) else {
                throw .outOfRange(name: "op norm cap", value: "\(maxOpNorm)", allowed: "1 to 2^56, in units of 2^-32")
            }
            guard Caps.rowCounts.contains(maxRows) else {
                throw .outOfRange(name: "rows per op", value: "\(maxRows)", allowed: "1 to 2^20")
            }
            self.init(unchecked: maxRowNorm, maxOpNorm, maxRows)
        }

        private init(unchecked rowNorm: UInt64, _ opNorm: UInt64, _ rows: Int) {
            maxRowNorm = rowNorm
            maxOpNorm = opNorm
            maxRows = rows
        }

        /// Row norm 16, op norm 1024, 65,536 rows. A row of 64 weights that Adam moves by 3e-3 in one
        /// direction for 200 steps has norm 4.8.
        public static let standard = Caps(unchecked: 1 << 36, 1 << 42, 1 << 16)
    }
}

internal import Learning
public import Wire

/// ```
/// [1, name, agent, [dim, heads, layers, context], [max row norm, max op norm, max rows], initial scale]
/// ```
/// The version in front is that of the fold.
extension ModelSpec {
    /// Longest valid body, with room to spare.
    static let maxBodyBytes = 512

    /// Reads the body of a create-model op.
    ///
    /// - Throws: ``FederationError`` unless `body` is the canonical encoding of a spec within its bounds.
    public init(body: Bytes) throws(FederationError) {
        guard body.count <= ModelSpec.maxBodyBytes else {
            throw .outOfRange(
                name: "create-model body", value: "of \(body.count) bytes", allowed: "at most \(ModelSpec.maxBodyBytes)"
            )
        }
        let decoder = try openBody(.modelSpec, body, items: 6)
        let fields = try reading(.modelSpec) { () throws(CBORError) in try Fields(decoder) }
        let shape: ModelShape
        do {
            shape = try .beyondDefaults(
                dim: fields.shape[0], heads: fields.shape[1], layers: fields.shape[2], context: fields.shape[3])
        } catch {
            throw .outOfRange(name: "shape", value: "\(fields.shape)", allowed: "another: \(error)")
        }
        try self.init(
            name: fields.name, agent: fields.agent, shape: shape,
            caps: Caps(maxRowNorm: fields.rowNorm, maxOpNorm: fields.opNorm, maxRows: fields.rows),
            initialScale: fields.scale)
    }

    /// The canonical body of the op that creates this model.
    public var body: Bytes {
        var encoder = CBOREncoder()
        encoder.array(6)
        encoder.uint(ModelSpec.foldVersion)
        encoder.text(name)
        encoder.text(agent)
        encoder.array(4)
        for number in [shape.dim, shape.heads, shape.layers, shape.context] { encoder.uint(UInt64(number)) }
        encoder.array(3)
        encoder.uint(caps.maxRowNorm)
        encoder.uint(caps.maxOpNorm)
        encoder.uint(UInt64(caps.maxRows))
        encoder.uint(UInt64(initialScale))
        return encoder.bytes
    }

    /// The items behind the version, syntax only.
    private struct Fields {
        let name, agent: String
        let shape: [Int]
        let rowNorm, opNorm: UInt64
        let rows, scale: Int

        init(_ opened: CBORDecoder) throws(CBORError) {
            var decoder = opened
            name = try decoder.text(max: ModelSpec.nameBytes.upperBound)
            agent = try decoder.text(max: ModelSpec.nameBytes.upperBound)
            try decoder.array(exactly: 4)
            var shape: [Int] = []
            for _ in 0..<4 { shape.append(try decoder.count(max: 1 << 20)) }
            self.shape = shape
            try decoder.array(exactly: 3)
            rowNorm = try decoder.uint()
            opNorm = try decoder.uint()
            rows = try decoder.count(max: 1 << 32)
            scale = try decoder.count(max: 1 << 32)
            try decoder.end()
        }
    }
}

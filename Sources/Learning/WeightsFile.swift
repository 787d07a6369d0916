public import Wire

/// A model's weights as a safetensors file: which tensor is called what, and what the metadata say.
///
/// ```
/// token_emb               [V, d]     a row for each token of the vocabulary; also the output head, transposed
/// pos_emb                 [C, d]
/// layers.N.q_proj …       [d, d]     k_proj, v_proj, o_proj; every matrix is [in, out]: y = x · W
/// layers.N.ff_up          [d, 4d]
/// layers.N.ff_down        [4d, d]
/// layers.N.norm1, norm2   [d]        gains of RMSNorm before attention and before the MLP
/// final_norm              [d]
/// ```
public struct WeightsFile: Equatable, Sendable {
    /// Names what the other fields of the metadata mean.
    public static let format = "shoal-micro-gpt/1"

    public let shape: ModelShape
    /// Tokens, V.
    public let vocabulary: Int
    public let header: SafetensorsHeader

    /// A file to be written.
    ///
    /// - Parameter metadata: what is to be said besides the shape; it must not name a field of the shape.
    public init(shape: ModelShape, vocabulary: Int, metadata: [String: String]) {
        self.shape = shape
        self.vocabulary = vocabulary
        var fields = Self.fields(shape, vocabulary: vocabulary)
        fields.merge(metadata) { own, _ in preconditionFailure("the shape says \(own)") }
        header = SafetensorsHeader(tensors: Self.tensors(shape, vocabulary: vocabulary), metadata: fields)
    }

    /// The header of a file that holds weights of this shape.
    ///
    /// A file of another program need not have metadata; those that it has must not contradict the shape.
    ///
    /// - Throws: ``SafetensorsError`` for another model's file.
    public init(_ header: SafetensorsHeader, shape: ModelShape) throws(SafetensorsError) {
        guard let table = header.tensors.first(where: { $0.name == "token_emb" }) else {
            throw .missing(tensor: "token_emb")
        }
        guard table.shape.count == 2, table.shape[1] == shape.dim else {
            throw .shape(tensor: "token_emb", found: table.shape, expected: [table.shape.first ?? 0, shape.dim])
        }
        let vocabulary = table.shape[0]
        for (field, expected) in Self.fields(shape, vocabulary: vocabulary).sorted(by: { $0.key < $1.key }) {
            guard let found = header.metadata[field], found != expected else { continue }
            throw .foreign(field: field, found: found, expected: expected)
        }
        let expected = Self.tensors(shape, vocabulary: vocabulary)
        for (name, shape) in expected {
            guard let tensor = header.tensors.first(where: { $0.name == name }) else { throw .missing(tensor: name) }
            guard tensor.shape == shape else { throw .shape(tensor: name, found: tensor.shape, expected: shape) }
        }
        if let other = header.tensors.first(where: { tensor in !expected.contains { $0.name == tensor.name } }) {
            throw .unknown(tensor: other.name)
        }
        self.shape = shape
        self.vocabulary = vocabulary
        self.header = header
    }

    private static func fields(_ shape: ModelShape, vocabulary: Int) -> [String: String] {
        [
            "format": format, "dim": "\(shape.dim)", "heads": "\(shape.heads)", "layers": "\(shape.layers)",
            "context": "\(shape.context)", "vocabulary": "\(vocabulary)", "norm_epsilon": "\(Pass.normEpsilon)",
            "activation": "relu", "matrices": "in,out", "head": "token_emb",
        ]
    }

    private static func tensors(_ shape: ModelShape, vocabulary: Int) -> [(name: String, shape: [Int])] {
        [("token_emb", [vocabulary, shape.dim])]
            + shape.tensors.map { spec in
                (fileName(of: spec), spec.rows == 1 ? [spec.columns] : [spec.rows, spec.columns])
            }
    }

    /// `layers.0.q_proj` for `layer0.q_proj`.
    private static func fileName(of spec: TensorSpec) -> String {
        guard spec.name.hasPrefix("layer") else { return spec.name }
        return "layers.\(spec.name.dropFirst("layer".count))"
    }
}

extension WeightsFile {
    /// The numbers of a tensor of the header, little-endian.
    public func data(of tensor: SafetensorsHeader.Tensor, in parameters: Parameters) -> Bytes {
        let values = place(of: tensor).map { parameters.dense[$0] } ?? parameters.tokens[...]
        return Bytes(unsafeUninitializedCapacity: 4 * values.count) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (at, value) in values.enumerated() {
                raw.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * at, as: UInt32.self)
            }
            filled = 4 * values.count
        }
    }

    /// Reads all weights.
    ///
    /// - Parameter read: the bytes of a range of the data; as many as asked for.
    /// - Throws: what `read` throws; ``SafetensorsError/notFinite(tensor:index:)``.
    public func parameters(_ read: (Range<Int>) throws -> Bytes) throws -> Parameters {
        var parameters = Parameters(dense: Array(repeating: 0, count: shape.denseCount), tokens: [])
        for tensor in header.tensors {
            let bytes = try read(tensor.bytes)
            precondition(bytes.count == tensor.bytes.count, "a reader gives what it is asked for")
            let values = bytes.withUnsafeBytes { raw in
                (0..<tensor.count).map { at in
                    Float(
                        bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * at, as: UInt32.self)))
                }
            }
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw SafetensorsError.notFinite(tensor: tensor.name, index: index)
            }
            if let range = place(of: tensor) {
                parameters.dense.replaceSubrange(range, with: values)
            } else {
                parameters.tokens = values
            }
        }
        return parameters
    }

    /// Where a dense tensor lies among the parameters; nil for the token rows.
    private func place(of tensor: SafetensorsHeader.Tensor) -> Range<Int>? {
        shape.tensors.first { Self.fileName(of: $0) == tensor.name }?.range
    }
}

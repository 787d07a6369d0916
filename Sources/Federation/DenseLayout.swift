internal import Learning

/// Where the rows of the dense tensors lie: a delta numbers them through, tensor after tensor.
///
/// ```
/// row      0 ..< C          pos_emb, d columns each
///          C ..< C + d      layer0.q_proj
///          …                a vector (norm) is one row
/// ```
struct DenseLayout: Hashable, Sendable {
    struct Tensor: Hashable, Sendable {
        let spec: TensorSpec
        /// Number of the tensor's first row.
        let firstRow: Int
        var rows: Range<Int> { firstRow..<firstRow + spec.rows }
    }

    let tensors: [Tensor]
    /// Rows of all tensors.
    let rowCount: Int

    init(shape: ModelShape) {
        var first = 0
        var tensors: [Tensor] = []
        for spec in shape.tensors {
            tensors.append(Tensor(spec: spec, firstRow: first))
            first += spec.rows
        }
        self.tensors = tensors
        rowCount = first
    }
}

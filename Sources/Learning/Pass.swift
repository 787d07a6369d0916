/// One walk through the model, forward and back, with the memory it needs.
///
/// The last layer computes queries, output projection, MLP and head only for the rows that
/// are asked for (Q of the B·T rows): with relation and node tokens taking turns that is half.
/// Sizes in the comments: M = B·T rows, Q asked rows, d = dim, E candidates.
final class Pass {
    /// The weights of one model, borrowed for one pass.
    struct Weights {
        let dense: ConstFloats
        let tokens: ConstFloats
    }

    /// Gradients, added to.
    struct Gradients {
        let dense: Floats
        let tokens: Floats
    }

    /// Which activations fall out; a stream of masks for one step of one shard.
    struct Dropout {
        let threshold: UInt32
        let scale: Float
        let stream: UInt64

        /// `nil` when nothing drops.
        init?(rate: Float, stream: UInt64) {
            guard rate > 0 else { return nil }
            threshold = UInt32(Double(rate) * 0x1p32)
            scale = 1 / (1 - rate)
            self.stream = stream
        }

        /// The key of one place in the model.
        func key(_ site: Int) -> UInt32 {
            var z = stream &+ UInt64(site + 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return UInt32(truncatingIfNeeded: z >> 32)
        }
    }

    /// What the way back needs of one layer. The last layer's rows are Q from `q` on, except k and v.
    final class Activations {
        let x = Buffer<Float>(), inverse1 = Buffer<Float>(), normed = Buffer<Float>()  // M
        let k = Buffer<Float>(), v = Buffer<Float>()  // M
        let asked = Buffer<Float>(), q = Buffer<Float>(), probabilities = Buffer<Float>()  // Q
        let attended = Buffer<Float>(), x2 = Buffer<Float>(), inverse2 = Buffer<Float>()  // Q
        let normed2 = Buffer<Float>(), hidden = Buffer<Float>()  // Q, the last 4d wide
    }

    /// As in the seed design.
    static let normEpsilon: Float = 1e-5

    let shape: ModelShape
    let layout: Layout
    let kernels: Kernels
    let layers: [Activations]
    let allRows = Buffer<Int32>(), askedRows = Buffer<Int32>(), targets = Buffer<Int32>()
    let last = Buffer<Float>(), lastInverse = Buffer<Float>(), lastNormed = Buffer<Float>()  // Q
    let logits = Buffer<Float>()  // a chunk of Q rows, E wide
    let dx = Buffer<Float>(), dAsked = Buffer<Float>(), dNormed = Buffer<Float>()  // M or Q
    let dq = Buffer<Float>(), dk = Buffer<Float>(), dv = Buffer<Float>()
    let branch = Buffer<Float>(), dHidden = Buffer<Float>()
    let scratch = Buffer<Float>(Kernels.scratch)

    /// Rows of this pass; set by ``ask``.
    var M = 0
    var T = 0
    var Q = 0

    init(shape: ModelShape, kernels: Kernels) {
        self.shape = shape
        self.kernels = kernels
        layout = Layout(shape)
        layers = (0..<shape.layers).map { _ in Activations() }
    }

    /// Prepares a pass over `rows` rows that asks for those with a target.
    func ask(rows: Int, T: Int, targets wanted: ConstInts) {
        (M, self.T, Q) = (rows, T, 0)
        let (all, asked, kept) = (allRows.reserve(rows), askedRows.reserve(rows), targets.reserve(rows))
        for row in 0..<rows {
            all[row] = Int32(row)
            guard wanted[row] >= 0 else { continue }
            asked[Q] = Int32(row)
            kept[Q] = wanted[row]
            Q += 1
        }
    }

    func isLast(_ layer: Int) -> Bool { layer == shape.layers - 1 }

    /// Query rows of a layer: all, but for the last.
    func queryRows(_ layer: Int) -> (count: Int, rows: ConstInts) {
        isLast(layer) ? (Q, ConstInts(askedRows.start)) : (M, ConstInts(allRows.start))
    }

    // MARK: Products of a linear layer, weights (inputs, outputs)

    /// y (rows, outputs) = x (rows, inputs) · w.
    func linear(_ rows: Int, _ inputs: Int, _ outputs: Int, _ x: ConstFloats, _ w: ConstFloats, _ y: Floats) {
        kernels.multiply(rows, outputs, inputs, x, inputs, 1, w, outputs, 1, y, outputs, false, scratch.start)
    }

    /// dx (rows, inputs) = or += dy (rows, outputs) · wᵀ.
    func linearInput(
        _ rows: Int, _ inputs: Int, _ outputs: Int, _ dy: ConstFloats, _ w: ConstFloats, _ dx: Floats,
        adding: Bool = false
    ) {
        kernels.multiply(rows, inputs, outputs, dy, outputs, 1, w, 1, outputs, dx, inputs, adding, scratch.start)
    }

    /// dw (inputs, outputs) += xᵀ · dy.
    func linearWeights(
        _ rows: Int, _ inputs: Int, _ outputs: Int, _ x: ConstFloats, _ dy: ConstFloats, _ dw: Floats
    ) {
        kernels.multiply(inputs, outputs, rows, x, 1, inputs, dy, outputs, 1, dw, outputs, true, scratch.start)
    }
}

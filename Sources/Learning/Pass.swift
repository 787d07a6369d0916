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

    /// ``Batch/Answers``, borrowed for one pass; offsets count from the batch's first answer.
    struct AnswerLists {
        let offsets: ConstInts
        let tokens: ConstInts
        /// `nil`: all alike.
        let weights: ConstFloats?

        /// From a later row on.
        func from(row: Int) -> AnswerLists {
            AnswerLists(offsets: offsets + row, tokens: tokens, weights: weights)
        }

        /// Copies one row's answers and their shares.
        ///
        /// - Returns: how many.
        func copy(_ row: Int, _ answers: UnsafeMutablePointer<Int32>, _ shares: Floats) -> Int {
            let range = Int(offsets[row])..<Int(offsets[row + 1])
            var sum: Float = 0
            for (i, at) in range.enumerated() {
                answers[i] = tokens[at]
                shares[i] = weights?[at] ?? 1
                sum += shares[i]
            }
            for i in 0..<range.count { shares[i] /= sum }
            return range.count
        }
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
    let allRows = Buffer<Int32>(), askedRows = Buffer<Int32>()  // M, Q
    let answerStarts = Buffer<Int32>(), answers = Buffer<Int32>(), shares = Buffer<Float>()  // Q + 1, answers
    let last = Buffer<Float>(), lastInverse = Buffer<Float>(), lastNormed = Buffer<Float>()  // Q
    let logits = Buffer<Float>()  // for those who only ask
    let dx = Buffer<Float>(), dAsked = Buffer<Float>(), dNormed = Buffer<Float>()  // M or Q
    let dq = Buffer<Float>(), dk = Buffer<Float>(), dv = Buffer<Float>()
    let branch = Buffer<Float>(), dHidden = Buffer<Float>()
    let scratch = Buffer<Float>(Kernels.scratch), attentionWork = Buffer<Float>()

    let headMemory = HeadMemory()

    /// Rows of this pass; set by ``ask``.
    var M = 0
    var T = 0
    var Q = 0
    /// Asked rows that the head takes at once.
    var chunkRows = 1

    init(shape: ModelShape, kernels: Kernels) {
        self.shape = shape
        self.kernels = kernels
        layout = Layout(shape)
        layers = (0..<shape.layers).map { _ in Activations() }
    }

    /// Prepares a pass over `rows` rows that asks for those with a target.
    ///
    /// - Parameters:
    ///   - lists: all answers of each row where there may be more than its target.
    ///   - candidates: rows that the head multiplies with.
    ///   - slots: where a candidate lies among them; `nil`: at its own index.
    func ask(
        rows: Int, T: Int, targets: ConstInts, lists: AnswerLists? = nil, candidates: Int, slots: ConstInts? = nil
    ) {
        (M, self.T, Q) = (rows, T, 0)
        let (all, asked, starts) = (allRows.reserve(rows), askedRows.reserve(rows), answerStarts.reserve(rows + 1))
        let total = lists.map { Int($0.offsets[rows] - $0.offsets[0]) } ?? rows
        let (answers, shares) = (answers.reserve(total), shares.reserve(total))
        var count = 0
        starts[0] = 0
        for row in 0..<rows {
            all[row] = Int32(row)
            guard targets[row] >= 0 else { continue }
            asked[Q] = Int32(row)
            if let lists {
                count += lists.copy(row, answers + count, shares + count)
            } else {
                (answers[count], shares[count]) = (targets[row], 1)
                count += 1
            }
            Q += 1
            starts[Q] = Int32(count)
        }
        if let slots {
            for index in 0..<count { answers[index] = slots[Int(answers[index])] }
        }
        if Q > 0 { chunkRows = Pass.chunkRows(Q, candidates) }
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

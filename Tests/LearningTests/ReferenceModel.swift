import Learning

/// The whole micro-GPT in Double, from the layers of ``Reference``, one walk at a time.
///
/// Unlike the fast one it computes every row of the last layer, asked or not.
struct ReferenceModel {
    let shape: ModelShape
    var dense: [Double]
    var tokens: Matrix
    let candidates: Int
    let smoothing: Double
    /// Dropout factors (walk, site, row, column); `nil` = nothing drops. Sites: 0 embedding, then
    /// attention and MLP of each layer.
    var masks: ((_ walk: Int, _ site: Int) -> Matrix)?

    init(_ shape: ModelShape, _ parameters: Parameters, candidates: Int, smoothing: Double) {
        self.shape = shape
        dense = parameters.dense.map(Double.init)
        tokens = stride(from: 0, to: parameters.tokens.count, by: shape.dim).map { start in
            parameters.tokens[start..<start + shape.dim].map(Double.init)
        }
        self.candidates = candidates
        self.smoothing = smoothing
    }

    struct Gradient {
        var dense: [Double]
        var tokens: Matrix
    }

    private func tensor(_ name: String) -> (spec: TensorSpec, rows: Matrix) {
        let spec = shape.tensors.first { $0.name == name }!
        let rows = (0..<spec.rows).map { row in
            Array(dense[spec.offset + row * spec.columns..<spec.offset + (row + 1) * spec.columns])
        }
        return (spec, rows)
    }

    /// What the way back needs of one layer.
    private struct Saved {
        var x, normed, q, k, v, attended, x2, normed2, hidden: Matrix
    }

    private func mask(_ walk: Int, _ site: Int, _ x: Matrix) -> Matrix {
        masks.map { Reference.masked(x, $0(walk, site)) } ?? x
    }

    private func forward(_ walk: Int, _ walkTokens: ArraySlice<Int32>) -> (layers: [Saved], last: Matrix) {
        let positions = tensor("pos_emb").rows
        var x = walkTokens.enumerated().map { t, token in
            zip(tokens[Int(token)], positions[t]).map { $0 + $1 }
        }
        x = mask(walk, 0, x)
        var layers: [Saved] = []
        for layer in 0..<shape.layers {
            func w(_ name: String) -> Matrix { tensor("layer\(layer).\(name)").rows }
            let normed = Reference.norm(x, w("norm1")[0])
            let (q, k, v) = (
                Reference.product(normed, w("q_proj")), Reference.product(normed, w("k_proj")),
                Reference.product(normed, w("v_proj"))
            )
            let attended = Reference.attention(q, k, v, heads: shape.heads)
            let branch = mask(walk, 1 + 2 * layer, Reference.product(attended, w("o_proj")))
            let x2 = Reference.sum(x, branch)
            let normed2 = Reference.norm(x2, w("norm2")[0])
            let hidden = Reference.relu(Reference.product(normed2, w("ff_up")))
            layers.append(
                Saved(
                    x: x, normed: normed, q: q, k: k, v: v, attended: attended, x2: x2, normed2: normed2, hidden: hidden
                ))
            x = Reference.sum(x2, mask(walk, 2 + 2 * layer, Reference.product(hidden, w("ff_down"))))
        }
        return (layers, x)
    }

    private func logits(_ normed: [Double]) -> [Double] {
        (0..<candidates).map { e in zip(normed, tokens[e]).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    /// Scores after each position of one walk.
    func logits(_ walkTokens: [Int32]) -> Matrix {
        Reference.norm(forward(0, walkTokens[...]).last, tensor("final_norm").rows[0]).map { logits($0) }
    }

    /// The mean smoothed loss.
    func loss(_ batch: Batch) -> Double {
        var (sum, count) = (0.0, 0)
        for walk in 0..<batch.B {
            let range = walk * batch.T..<(walk + 1) * batch.T
            let normed = Reference.norm(forward(walk, batch.tokens[range]).last, tensor("final_norm").rows[0])
            for t in 0..<batch.T where batch.targets[range.lowerBound + t] >= 0 {
                let answers = batch.distribution(range.lowerBound + t)
                sum += Reference.crossEntropy(logits(normed[t]), answers: answers, smoothing: smoothing)
                count += 1
            }
        }
        return sum / Double(count)
    }

    /// The gradient of ``loss(_:)``.
    func gradient(_ batch: Batch) -> Gradient {
        var gradient = Gradient(
            dense: Array(repeating: 0, count: dense.count), tokens: zeros(tokens.count, shape.dim))
        let scale = 1 / Double(batch.targets.count { $0 >= 0 })
        for walk in 0..<batch.B { backward(walk, batch, scale, &gradient) }
        return gradient
    }

    private func backward(_ walk: Int, _ batch: Batch, _ scale: Double, _ gradient: inout Gradient) {
        let range = walk * batch.T..<(walk + 1) * batch.T
        let (layers, last) = forward(walk, batch.tokens[range])
        let gain = tensor("final_norm").rows[0]
        let normed = Reference.norm(last, gain)
        var dNormed = zeros(batch.T, shape.dim)
        for t in 0..<batch.T where batch.targets[range.lowerBound + t] >= 0 {
            let answers = batch.distribution(range.lowerBound + t)
            let dz = Reference.crossEntropyBackward(logits(normed[t]), answers: answers, smoothing: smoothing)
            for e in 0..<candidates {
                for j in 0..<shape.dim {
                    dNormed[t][j] += scale * dz[e] * tokens[e][j]
                    gradient.tokens[e][j] += scale * dz[e] * normed[t][j]
                }
            }
        }
        let end = Reference.normBackward(dNormed, last, gain)
        add("final_norm", [end.dGain], &gradient)
        var dx = end.dx
        for layer in (0..<shape.layers).reversed() { dx = backward(walk, layer, layers[layer], dx, &gradient) }
        dx = mask(walk, 0, dx)
        add("pos_emb", dx, &gradient)
        for (t, token) in batch.tokens[range].enumerated() {
            for j in 0..<shape.dim { gradient.tokens[Int(token)][j] += dx[t][j] }
        }
    }

    private func backward(
        _ walk: Int, _ layer: Int, _ saved: Saved, _ dOut: Matrix, _ gradient: inout Gradient
    ) -> Matrix {
        func w(_ name: String) -> Matrix { tensor("layer\(layer).\(name)").rows }
        func linear(_ name: String, _ x: Matrix, _ dy: Matrix) -> Matrix {
            add("layer\(layer).\(name)", Reference.product(Reference.transposed(x), dy), &gradient)
            return Reference.product(dy, Reference.transposed(w(name)))
        }
        let dDown = mask(walk, 2 + 2 * layer, dOut)
        let dHidden = Reference.reluBackward(linear("ff_down", saved.hidden, dDown), saved.hidden)
        let norm2 = Reference.normBackward(linear("ff_up", saved.normed2, dHidden), saved.x2, w("norm2")[0])
        add("layer\(layer).norm2", [norm2.dGain], &gradient)
        let dx2 = Reference.sum(dOut, norm2.dx)
        let dAttended = linear("o_proj", saved.attended, mask(walk, 1 + 2 * layer, dx2))
        let d = Reference.attentionBackward(dAttended, saved.q, saved.k, saved.v, heads: shape.heads)
        let dNormed = Reference.sum(
            Reference.sum(linear("q_proj", saved.normed, d.dq), linear("k_proj", saved.normed, d.dk)),
            linear("v_proj", saved.normed, d.dv))
        let norm1 = Reference.normBackward(dNormed, saved.x, w("norm1")[0])
        add("layer\(layer).norm1", [norm1.dGain], &gradient)
        return Reference.sum(dx2, norm1.dx)
    }

    /// Adds rows to a tensor's gradient, from its first row on.
    private func add(_ name: String, _ rows: Matrix, _ gradient: inout Gradient) {
        let spec = tensor(name).spec
        for (i, row) in rows.enumerated() {
            for (j, value) in row.enumerated() { gradient.dense[spec.offset + i * spec.columns + j] += value }
        }
    }
}

extension Batch {
    /// What the loss of one asked position compares with, smoothing apart.
    func distribution(_ position: Int) -> Reference.Answers {
        guard let answers else { return [(Int(targets[position]), 1)] }
        let range = Int(answers.offsets[position])..<Int(answers.offsets[position + 1])
        let weights = range.map { answers.weights.isEmpty ? 1 : Double(answers.weights[$0]) }
        let sum = weights.reduce(0, +)
        return zip(range, weights).map { (Int(answers.tokens[$0]), $1 / sum) }
    }
}

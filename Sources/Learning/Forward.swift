extension Pass {
    /// From tokens to the normed output of the asked rows, in `lastNormed` (Q, d).
    ///
    /// - Parameters:
    ///   - tokens: (M), every one below the vocabulary.
    ///   - dropout: `nil` outside training.
    func forward(_ tokens: ConstInts, _ weights: Weights, _ dropout: Dropout?) {
        let d = shape.dim
        let x = layers[0].x.reserve(M * d)
        kernels.embed(M, T, d, tokens, weights.tokens, weights.dense + layout.positions, x)
        drop(M * d, x, 0, dropout)
        for layer in 0..<shape.layers {
            let rows = queryRows(layer).count
            let out = (isLast(layer) ? last : layers[layer + 1].x).reserve(rows * d)
            attend(layer, weights, dropout)
            think(layer, weights, dropout, out)
        }
        kernels.normForward(
            Q, d, last.start, weights.dense + layout.finalNorm, Pass.normEpsilon,
            lastNormed.reserve(max(Q, headRows) * d),
            lastInverse.reserve(Q))
    }

    /// x2 = x + dropout(attention(norm(x)) · o) for the layer's query rows.
    private func attend(_ index: Int, _ weights: Weights, _ dropout: Dropout?) {
        let (d, layer, at, w) = (shape.dim, layers[index], layout.layers[index], weights.dense)
        let (count, rows) = queryRows(index)
        let normed = layer.normed.reserve(M * d)
        kernels.normForward(
            M, d, layer.x.start, w + at.norm1, Pass.normEpsilon, normed, layer.inverse1.reserve(M))
        linear(M, d, d, normed, w + at.k, layer.k.reserve(M * d))
        linear(M, d, d, normed, w + at.v, layer.v.reserve(M * d))
        let x2 = layer.x2.reserve(count * d)
        var asked = normed
        if isLast(index) {
            asked = layer.asked.reserve(count * d)
            kernels.gather(count, d, rows, normed, asked)
            kernels.gather(count, d, rows, layer.x.start, x2)
        } else {
            x2.update(from: layer.x.start, count: count * d)
        }
        linear(count, d, d, asked, w + at.q, layer.q.reserve(count * d))
        let attended = layer.attended.reserve(count * d)
        kernels.attentionForward(
            count, T, shape.heads, shape.headDim, rows, layer.q.start, layer.k.start, layer.v.start,
            layer.probabilities.reserve(count * shape.heads * Kernels.attentionStride(T)), attended,
            attentionWork.reserve(Kernels.attentionWorkspace(T, shape.headDim)))
        let out = branch.reserve(count * d)
        linear(count, d, d, attended, w + at.o, out)
        drop(count * d, out, 1 + 2 * index, dropout)
        kernels.add(count * d, out, x2)
    }

    /// out = x2 + dropout(relu(norm(x2) · up) · down).
    private func think(_ index: Int, _ weights: Weights, _ dropout: Dropout?, _ out: Floats) {
        let (d, hidden, layer, at) = (shape.dim, shape.hidden, layers[index], layout.layers[index])
        let (w, count) = (weights.dense, queryRows(index).count)
        let normed = layer.normed2.reserve(count * d)
        kernels.normForward(
            count, d, layer.x2.start, w + at.norm2, Pass.normEpsilon, normed, layer.inverse2.reserve(count))
        let inner = layer.hidden.reserve(count * hidden)
        linear(count, d, hidden, normed, w + at.up, inner)
        kernels.reluForward(count * hidden, inner)
        linear(count, hidden, d, inner, w + at.down, out)
        drop(count * d, out, 2 + 2 * index, dropout)
        kernels.add(count * d, layer.x2.start, out)
    }

    func drop(_ count: Int, _ x: Floats, _ site: Int, _ dropout: Dropout?) {
        guard let dropout else { return }
        kernels.dropout(count, x, x, dropout.key(site), dropout.threshold, dropout.scale)
    }

    // MARK: Logits, for those who only ask

    /// Asked rows whose logits are made at once.
    static let logitRows = 128

    /// Logits (count, E) of the asked rows from `first` on.
    func logits(_ first: Int, _ count: Int, _ candidates: Int, _ weights: Weights) -> Floats {
        let (d, out) = (shape.dim, logits.reserve(count * candidates))
        // One context: reading the token rows is the work, and packing them would double it.
        guard count > 1 else {
            kernels.rowProducts(candidates, d, lastNormed.start + first * d, weights.tokens, out)
            return out
        }
        kernels.multiply(
            count, candidates, d, lastNormed.start + first * d, d, 1, weights.tokens, 1, d, out, candidates, false,
            scratch.start)
        return out
    }
}

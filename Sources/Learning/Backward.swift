extension Pass {
    /// The way back of ``forward``, with the same arguments.
    ///
    /// - Parameter headGradient: of the head's rows, written; the smoothing's share apart.
    /// - Returns: the sum of -log probability of the targets.
    func backward(
        _ tokens: ConstInts, _ weights: Weights, _ dropout: Dropout?, _ objective: Objective, _ gradients: Gradients,
        head headGradient: Floats
    ) -> Double {
        let d = shape.dim
        let dNormed = dNormed.reserve(max(M, headRows) * d)
        let loss = head(objective, headGradient, dNormed)
        // d(last): Q rows.
        var dOut = dAsked.reserve(M * d)
        zero(dOut, Q * d)
        kernels.normBackward(
            Q, d, dNormed, last.start, weights.dense + layout.finalNorm, lastInverse.start, dOut,
            gradients.dense + layout.finalNorm)
        for layer in (0..<shape.layers).reversed() {
            thinkBackward(layer, weights, dropout, gradients, dOut)
            dOut = attendBackward(layer, weights, dropout, gradients, dOut)
        }
        drop(M * d, dOut, 0, dropout)
        kernels.embedBackward(
            M, T, d, tokens, dOut, gradients.tokens, gradients.dense + layout.positions)
        return loss
    }

    /// dOut (rows, d): gradient of the layer's output, becomes that of x2.
    private func thinkBackward(
        _ index: Int, _ weights: Weights, _ dropout: Dropout?, _ gradients: Gradients, _ dOut: Floats
    ) {
        let (d, hidden, layer, at) = (shape.dim, shape.hidden, layers[index], layout.layers[index])
        let (w, g, count) = (weights.dense, gradients.dense, queryRows(index).count)
        let dBranch = dropped(count * d, dOut, 2 + 2 * index, dropout)
        linearWeights(count, hidden, d, layer.hidden.start, dBranch, g + at.down)
        let dHidden = dHidden.reserve(count * hidden)
        linearInput(count, hidden, d, dBranch, w + at.down, dHidden)
        kernels.reluBackward(count * hidden, layer.hidden.start, dHidden)
        linearWeights(count, d, hidden, layer.normed2.start, dHidden, g + at.up)
        let dNormed = dNormed.start
        linearInput(count, d, hidden, dHidden, w + at.up, dNormed)
        kernels.normBackward(
            count, d, dNormed, layer.x2.start, w + at.norm2, layer.inverse2.start, dOut, g + at.norm2)
    }

    /// dX2 (rows, d): gradient of x2.
    ///
    /// - Returns: the gradient of the layer's input (M, d).
    private func attendBackward(
        _ index: Int, _ weights: Weights, _ dropout: Dropout?, _ gradients: Gradients, _ dX2: Floats
    ) -> Floats {
        let (d, layer, at) = (shape.dim, layers[index], layout.layers[index])
        let (w, g) = (weights.dense, gradients.dense)
        let (count, rows) = queryRows(index)
        let dBranch = dropped(count * d, dX2, 1 + 2 * index, dropout)
        linearWeights(count, d, d, layer.attended.start, dBranch, g + at.o)
        let dAttended = dNormed.start
        linearInput(count, d, d, dBranch, w + at.o, dAttended)
        let (dq, dk, dv) = (dq.reserve(count * d), dk.reserve(M * d), dv.reserve(M * d))
        zero(dk, M * d)
        zero(dv, M * d)
        kernels.attentionBackward(
            count, T, shape.heads, shape.headDim, rows, layer.q.start, layer.k.start, layer.v.start,
            layer.probabilities.start, dAttended, dq, dk, dv, attentionWork.start)
        let asked = isLast(index) ? layer.asked.start : layer.normed.start
        linearWeights(count, d, d, asked, dq, g + at.q)
        linearWeights(M, d, d, layer.normed.start, dk, g + at.k)
        linearWeights(M, d, d, layer.normed.start, dv, g + at.v)
        let dNormed = dNormed.start
        var dX = dX2
        linearInput(M, d, d, dk, w + at.k, dNormed)
        linearInput(M, d, d, dv, w + at.v, dNormed, adding: true)
        if isLast(index) {
            let dQuery = branch.reserve(count * d)
            linearInput(count, d, d, dq, w + at.q, dQuery)
            kernels.scatterAdd(count, d, rows, dQuery, dNormed)
            dX = dx.reserve(M * d)
            zero(dX, M * d)
            kernels.scatterAdd(count, d, rows, dX2, dX)
        } else {
            linearInput(M, d, d, dq, w + at.q, dNormed, adding: true)
        }
        kernels.normBackward(
            M, d, dNormed, layer.x.start, w + at.norm1, layer.inverse1.start, dX, g + at.norm1)
        return dX
    }

    /// `gradient` through the mask of a branch; the gradient itself also goes straight on.
    private func dropped(_ count: Int, _ gradient: Floats, _ site: Int, _ dropout: Dropout?) -> ConstFloats {
        guard let dropout else { return ConstFloats(gradient) }
        let out = branch.reserve(count)
        kernels.dropout(count, gradient, out, dropout.key(site), dropout.threshold, dropout.scale)
        return ConstFloats(out)
    }

    private func zero(_ x: Floats, _ count: Int) { x.update(repeating: 0, count: count) }
}

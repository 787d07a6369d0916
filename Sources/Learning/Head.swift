/// The output head and its loss, chunk by chunk of the asked rows.
extension Pass {
    /// What the loss needs besides weights.
    struct Objective {
        let candidates: Int
        let smoothing: Float
        /// 1 / number of counted positions of the whole batch.
        let scale: Float
    }

    /// What the head keeps of one chunk; see `Sources/KernelsBaseline/Head.swift`.
    final class HeadMemory {
        let exponentials = Buffer<Float>(), tops = Buffer<Float>(), sums = Buffer<Float>()
        let columnSum = Buffer<Float>(), work = Buffer<Float>()
        /// Sum of all asked rows, (d): smoothing's share of every candidate's gradient, but for a factor.
        let askedSum = Buffer<Float>()
    }

    /// Rows of all chunks, filled up.
    var headRows: Int { chunkRows * ((Q + chunkRows - 1) / chunkRows) }

    /// Loss, dNormed (Q, d) and the candidate rows' share as output head, but for that of the smoothing, which
    /// ``HeadMemory/askedSum`` holds. The candidates' gradients are written, not added to.
    ///
    /// `lastNormed` and `dNormed` have room for ``headRows`` rows.
    func head(_ weights: Weights, _ objective: Objective, _ gradients: Gradients, _ dNormed: Floats) -> Double {
        let (d, candidates, rows, memory) = (shape.dim, objective.candidates, chunkRows, headMemory)
        let e = memory.exponentials.reserve(candidates * rows)
        let tops = memory.tops.reserve(Kernels.headTops(rows, candidates))
        let sums = memory.sums.reserve(rows)
        let work = memory.work.reserve(Kernels.headWorkspace(rows, d))
        let columnSum = objective.smoothing > 0 ? memory.columnSum.reserve(d) : nil
        (lastNormed.start + Q * d).update(repeating: 0, count: (headRows - Q) * d)
        var loss = 0.0
        var first = 0
        while first < Q {
            let asked = min(rows, Q - first)
            let (h, mixed) = (lastNormed.start + first * d, dNormed + first * d)
            kernels.headForward(
                rows, d, candidates, h, weights.tokens, e, tops, sums, mixed, first == 0 ? columnSum : nil, work)
            kernels.headBackward(
                rows, asked, d, candidates, h, e, tops, sums, objective.scale, gradients.tokens, first > 0, work)
            let finalTops = tops + Kernels.headTops(rows, candidates) - rows
            loss += kernels.headAnswers(
                asked, d, candidates, h, weights.tokens, finalTops, sums, answerStarts.start + first, answers.start,
                shares.start, objective.smoothing, objective.scale, columnSum.map { ConstFloats($0) }, mixed,
                gradients.tokens)
            first += rows
        }
        if columnSum != nil {
            let sum = memory.askedSum.reserve(d)
            sum.update(repeating: 0, count: d)
            kernels.sumRows(Q, d, lastNormed.start, sum)
        }
        return loss
    }

    /// Asked rows per chunk for a softmax over `candidates`: few enough for the exponentials to stay in the cache
    /// (8 MB), enough for a product to be worth it, and all chunks about alike.
    static func chunkRows(_ asked: Int, _ candidates: Int) -> Int {
        let multiple = Kernels.headRowMultiple
        let most = max(multiple, min(128, (1 << 21) / candidates / multiple * multiple))
        let chunks = (asked + most - 1) / most
        return ((asked + chunks - 1) / chunks + multiple - 1) / multiple * multiple
    }
}

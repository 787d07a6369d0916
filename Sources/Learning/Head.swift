/// The output head and its loss, chunk by chunk of the asked rows.
extension Pass {
    /// What the loss needs besides weights.
    struct Objective {
        /// All candidates, E.
        let candidates: Int
        let smoothing: Float
        /// 1 / number of counted positions of the whole batch.
        let scale: Float
        /// What stands for the candidates in this step.
        let table: HeadTable

        /// Smoothing's share of one candidate, times scale.
        var uniform: Float { smoothing / Float(candidates) * scale }
    }

    /// The rows that the head multiplies with: those of all candidates, or a sample of them.
    struct HeadTable {
        /// (count, d).
        let rows: ConstFloats
        let count: Int
        /// The first rows, which stand for themselves; the others stand for `weight` candidates each.
        let plain: Int
        let weight: Float
        /// Where a candidate's row lies; `nil`: at its own index.
        let slots: ConstInts?

        static func whole(_ tokens: ConstFloats, _ candidates: Int) -> HeadTable {
            HeadTable(rows: tokens, count: candidates, plain: candidates, weight: 1, slots: nil)
        }
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

    /// Loss, dNormed (Q, d) and the head rows' gradient, but for that of the smoothing, of which
    /// ``HeadMemory/askedSum`` holds a part.
    ///
    /// - Parameter gradient: (count of the table, d); written, not added to.
    func head(_ objective: Objective, _ gradient: Floats, _ dNormed: Floats) -> Double {
        let (d, rows, memory, table) = (shape.dim, chunkRows, headMemory, objective.table)
        let e = memory.exponentials.reserve(table.count * rows)
        let tops = memory.tops.reserve(Kernels.headTops(rows, table.count))
        let finalTops = tops + Kernels.headTops(rows, table.count) - rows
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
                rows, d, table.count, table.plain, table.weight, h, table.rows, e, tops, sums, mixed,
                first == 0 ? columnSum : nil, work)
            kernels.headBackward(
                rows, asked, d, table.count, h, e, tops, sums, objective.scale, gradient, first > 0, work)
            loss += kernels.headAnswers(
                asked, d, h, table.rows, finalTops, sums, answerStarts.start + first, answers.start, shares.start,
                objective.smoothing, objective.scale, objective.uniform, columnSum.map { ConstFloats($0) }, mixed,
                gradient)
            first += rows
        }
        if columnSum != nil {
            let sum = memory.askedSum.reserve(d)
            sum.update(repeating: 0, count: d)
            kernels.sumRows(Q, d, 1, lastNormed.start, sum)
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

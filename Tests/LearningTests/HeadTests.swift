import Testing
import Wire

@testable import Learning

/// The fused head of every variant that this processor runs, against softmax and products in Double.
@Suite struct HeadTests {
    struct Size: CustomTestStringConvertible {
        let asked, d, candidates: Int
        var scale = 1.0
        var testDescription: String { "\(asked) rows, dim \(d), \(candidates) candidates, logits x \(scale)" }
    }
    /// Below and above one register, one panel and one block, and logits far apart.
    static let sizes = [
        Size(asked: 1, d: 16, candidates: 2), Size(asked: 3, d: 20, candidates: 37),
        Size(asked: 32, d: 32, candidates: 128), Size(asked: 45, d: 64, candidates: 129),
        Size(asked: 64, d: 33, candidates: 400), Size(asked: 63, d: 48, candidates: 4_200),
        Size(asked: 5, d: 16, candidates: 700, scale: 40),
    ]

    struct Outcome {
        var loss: Double
        var dh: Matrix
        var dTable: Matrix
    }

    /// Runs the three kernels over one chunk, the smoothing's share of the table included.
    func run(
        _ kernels: Kernels, _ size: Size, _ h: Matrix, _ table: Matrix, _ answers: [Reference.Answers],
        smoothing: Float, scale: Float, adding: Float? = nil, plain: Int? = nil, weight: Float = 1
    ) -> Outcome {
        let (d, candidates, asked) = (size.d, size.candidates, size.asked)
        let rows = (asked + Kernels.headRowMultiple - 1) / Kernels.headRowMultiple * Kernels.headRowMultiple
        let flatTable = table.flatMap { $0.map(Float.init) }
        let own = h.flatMap { $0.map(Float.init) } + [Float](repeating: 0, count: (rows - asked) * d)
        let (e, tops) = (Buffer<Float>(candidates * rows), Buffer<Float>(Kernels.headTops(rows, candidates)))
        let (sums, mixed, column) = (Buffer<Float>(rows), Buffer<Float>(rows * d), Buffer<Float>(d))
        let (work, askedSum) = (Buffer<Float>(Kernels.headWorkspace(rows, d)), Buffer<Float>(d))
        var dTable = [Float](repeating: adding ?? .nan, count: candidates * d)
        var starts: [Int32] = [0]
        for list in answers { starts.append(starts.last! + Int32(list.count)) }
        let uniform = smoothing / Float(candidates) * scale
        let loss = withExtendedLifetime((e, tops, sums, mixed, column, work)) {
            kernels.headForward(
                rows, d, candidates, plain ?? candidates, weight, own, flatTable, e.start, tops.start, sums.start,
                mixed.start, column.start,
                work.start)
            kernels.headBackward(
                rows, asked, d, candidates, own, e.start, tops.start, sums.start, scale, &dTable, adding != nil,
                work.start)
            let final = tops.start + Kernels.headTops(rows, candidates) - rows
            let loss = kernels.headAnswers(
                asked, d, own, flatTable, final, sums.start, starts,
                answers.flatMap { $0.map { Int32($0.token) } }, answers.flatMap { $0.map { Float($0.share) } },
                smoothing, scale, uniform, column.start, mixed.start, &dTable)
            kernels.sumRows(asked, d, 1, own, askedSum.start)
            kernels.addToRows(candidates, d, -uniform, askedSum.start, &dTable)
            return loss
        }
        func matrix(_ count: Int, _ at: (Int) -> Float) -> Matrix {
            (0..<count).map { row in (0..<d).map { Double(at(row * d + $0)) } }
        }
        return Outcome(
            loss: loss, dh: matrix(asked) { mixed.start[$0] }, dTable: matrix(candidates) { dTable[$0] })
    }

    /// One answer, several, and the same one twice.
    func randomAnswers(_ count: Int, _ candidates: Int, _ random: inout Random) -> [Reference.Answers] {
        (0..<count).map { row in
            let tokens = (0...row % 3).map { _ in random.below(candidates) } + (row % 5 == 4 ? [0, 0] : [])
            let weights = tokens.map { _ in 0.1 + random.unit() }
            return zip(tokens, weights).map { ($0, $1 / weights.reduce(0, +)) }
        }
    }

    @Test(arguments: KernelVariant.supported, sizes) func `loss and gradients equal the twin's`(
        kernel: KernelVariant, size: Size
    ) throws {
        var random = Random(seed: 21)
        let h = randomMatrix(size.asked, size.d, &random, scale: size.scale)
        let table = randomMatrix(size.candidates, size.d, &random)
        let answers = randomAnswers(size.asked, size.candidates, &random)
        let found = run(try Kernels(kernel), size, h, table, answers, smoothing: 0.1, scale: 0.25)
        let logits = Reference.product(h, Reference.transposed(table))
        let dz = zip(logits, answers).map { row, answers in
            Reference.crossEntropyBackward(row, answers: answers, smoothing: 0.1).map { $0 * 0.25 }
        }
        let expected = zip(logits, answers).reduce(0) {
            $0 + Reference.crossEntropy($1.0, answers: $1.1, smoothing: 0)
        }
        #expect(abs(found.loss - expected) < 2e-5 * max(1, abs(expected)) * size.scale)
        #expect(relativeError(found.dh.flatMap { $0 }, Reference.product(dz, table).flatMap { $0 }) < 1e-4)
        let dTable = Reference.product(Reference.transposed(dz), h)
        #expect(relativeError(found.dTable.flatMap { $0 }, dTable.flatMap { $0 }) < 1e-4)
        let added = run(try Kernels(kernel), size, h, table, answers, smoothing: 0.1, scale: 0.25, adding: 2)
        let difference = zip(added.dTable, found.dTable).flatMap { zip($0, $1).map { $0 - $1 - 2 } }
        #expect(difference.allSatisfy { abs($0) < 1e-4 })
    }

    @Test(arguments: KernelVariant.supported) func `a candidate that stands for three equals it three times`(
        kernel: KernelVariant
    ) throws {
        let (size, plain) = (Size(asked: 5, d: 16, candidates: 200), 90)
        var random = Random(seed: 22)
        let (h, table) = (randomMatrix(5, 16, &random), randomMatrix(200, 16, &random))
        let answers: [Reference.Answers] = (0..<5).map { [($0 * 17, 1)] }
        let found = run(
            try Kernels(kernel), size, h, table, answers, smoothing: 0, scale: 1, plain: plain, weight: 3)
        let rest = Array(table[plain...])
        let logits = Reference.product(h, Reference.transposed(table + rest + rest))
        let dz = zip(logits, answers).map { Reference.crossEntropyBackward($0, answers: $1, smoothing: 0) }
        let expected = zip(logits, answers).reduce(0) {
            $0 + Reference.crossEntropy($1.0, answers: $1.1, smoothing: 0)
        }
        #expect(abs(found.loss - expected) < 1e-4)
        let dh = Reference.product(dz, table + rest + rest)
        #expect(relativeError(found.dh.flatMap { $0 }, dh.flatMap { $0 }) < 1e-4)
        let three = Reference.product(Reference.transposed(dz), h)
        let dTable = (0..<200).map { row in
            row < plain ? three[row] : zip(zip(three[row], three[row + 110]), three[row + 220]).map { $0.0 + $0.1 + $1 }
        }
        #expect(relativeError(found.dTable.flatMap { $0 }, dTable.flatMap { $0 }) < 1e-4)
    }

    @Test(arguments: KernelVariant.supported) func `a logit beyond all others leaves finite gradients`(
        kernel: KernelVariant
    ) throws {
        let size = Size(asked: 2, d: 16, candidates: 300)
        var (h, table) = (zeros(2, 16), zeros(300, 16))
        (h[0][0], h[1][0]) = (1, -1)
        // In the first block for one row, in the last for the other: the others' shares vanish.
        (table[3][0], table[299][0]) = (1e4, -1e4)
        let found = run(try Kernels(kernel), size, h, table, [[(3, 1)], [(299, 1)]], smoothing: 0, scale: 1)
        #expect(abs(found.loss) < 1e-3)
        #expect((found.dh + found.dTable).allSatisfy { $0.allSatisfy { abs($0) < 1e-3 } })
    }
}

import Glibc
import Testing
import Wire

@testable import Learning

/// Every kernel of every variant that this processor runs, against loops in Double.
@Suite struct KernelTests {
    static let variants = KernelVariant.supported

    struct Size: CustomTestStringConvertible {
        let m, n, k: Int
        var testDescription: String { "\(m)x\(n)x\(k)" }
    }
    static let sizes = [
        (1, 1, 1), (8, 32, 16), (7, 33, 5), (13, 31, 300), (64, 64, 64), (65, 17, 513), (3, 135, 64), (256, 24, 8),
    ].map { Size(m: $0, n: $1, k: $2) }

    func floats(_ matrix: Matrix) -> [Float] { matrix.flatMap { $0.map(Float.init) } }

    /// Runs `body` with aligned scratch.
    func withScratch<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
        let scratch = Buffer<Float>(Kernels.scratch)
        return withExtendedLifetime(scratch) { body(scratch.start) }
    }

    @Test(arguments: variants, sizes) func `a product in all its layouts equals plain loops`(
        variant: KernelVariant, size: Size
    ) throws {
        let kernels = try Kernels(variant)
        let (m, n, k) = (size.m, size.n, size.k)
        var random = Random(seed: 1)
        let (a, b) = (randomMatrix(m, k, &random), randomMatrix(k, n, &random))
        let expected = Reference.product(a, b).flatMap { $0 }
        // Error of a sum of k products of numbers up to 1, each rounded at most once more.
        let bound = 1.2e-7 * Double(k + 2)
        for (aTransposed, bTransposed) in [(false, false), (false, true), (true, false), (true, true)] {
            let (x, y) = (
                floats(aTransposed ? Reference.transposed(a) : a), floats(bTransposed ? Reference.transposed(b) : b)
            )
            for adding in [false, true] {
                var c = [Float](repeating: 0.5, count: m * n)
                withScratch { scratch in
                    kernels.multiply(
                        m, n, k, x, aTransposed ? 1 : k, aTransposed ? m : 1, y, bTransposed ? 1 : n,
                        bTransposed ? k : 1, &c, n, adding, scratch)
                }
                let worst = zip(c, expected).map { abs(Double($0) - (adding ? 0.5 : 0) - $1) }.max()!
                #expect(worst <= bound, "transposed \(aTransposed) \(bTransposed), adding \(adding)")
            }
        }
    }

    @Test(arguments: variants, [1, 3, 4, 37]) func `a context's scores equal the product's`(
        variant: KernelVariant, rows: Int
    ) throws {
        var random = Random(seed: 8)
        for d in [4, 20, 64] {
            let (table, x) = (randomMatrix(rows, d, &random), randomMatrix(1, d, &random))
            var found = [Float](repeating: .nan, count: rows)
            try Kernels(variant).rowProducts(rows, d, floats(x), floats(table), &found)
            let expected = Reference.product(x, Reference.transposed(table))[0]
            #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1.2e-7 * Double(d + 2) })
        }
    }

    @Test(arguments: variants) func `scores above and equal are counted, and what is no number is neither`(
        variant: KernelVariant
    ) throws {
        let kernels = try Kernels(variant)
        for count in [1, 5, 16, 37, 100] {
            var scores = (0..<count).map { Float($0 % 5) }
            for bound: Float in [-1, 0, 2, 4, .infinity] {
                let found = kernels.compare(count, scores, bound)
                #expect(found.above == scores.count { $0 > bound } && found.equal == scores.count { $0 == bound })
            }
            (scores[0], scores[count - 1]) = (.nan, -.nan)
            if count > 5 { (scores[1], scores[2]) = (.infinity, -.infinity) }
            let found = kernels.compare(count, scores, 2)
            #expect(found.above == scores.count { $0 > 2 } && found.equal == scores.count { $0 == 2 })
        }
    }

    @Test(arguments: variants) func `softmax stays finite for hostile logits`(variant: KernelVariant) throws {
        let kernels = try Kernels(variant)
        var extreme: [Float] = [3e38, -3e38, 0, 88, -200, 3e38] + [Float](repeating: -3e38, count: 20)
        kernels.softmax(extreme.count, &extreme)
        #expect(abs(extreme.reduce(0, +) - 1) < 1e-5)
        #expect(extreme[0] == 0.5 && extreme[5] == 0.5)
    }

    @Test(arguments: variants) func `exp agrees with libm`(variant: KernelVariant) throws {
        let kernels = try Kernels(variant)
        // Two logits x and 0: their softmax is 1/(1+e^-x).
        for x in stride(from: -80.0, through: 80, by: 0.37) {
            var pair = [Float(x), 0]
            kernels.softmax(2, &pair)
            let expected = 1 / (1 + exp(-Double(Float(x))))
            #expect(abs(Double(pair[0]) - expected) <= 4e-7 * expected + 1e-37)
        }
    }

    @Test(arguments: variants, [4, 16, 20, 64]) func `the norm and its way back equal the twin`(
        variant: KernelVariant, d: Int
    ) throws {
        let kernels = try Kernels(variant)
        var random = Random(seed: 3)
        let (x, dy) = (randomMatrix(5, d, &random), randomMatrix(5, d, &random))
        let gain = randomMatrix(1, d, &random)
        var y = [Float](repeating: 0, count: 5 * d)
        var inverse = [Float](repeating: 0, count: 5)
        kernels.normForward(5, d, floats(x), floats(gain), 1e-5, &y, &inverse)
        #expect(relativeError(y.map(Double.init), Reference.norm(x, gain[0]).flatMap { $0 }) < 1e-6)
        var (dx, dGain) = ([Float](repeating: 1, count: 5 * d), [Float](repeating: 1, count: d))
        kernels.normBackward(5, d, floats(dy), floats(x), floats(gain), inverse, &dx, &dGain)
        let expected = Reference.normBackward(dy, x, gain[0])
        #expect(relativeError(dx.map { Double($0) - 1 }, expected.dx.flatMap { $0 }) < 1e-5)
        #expect(relativeError(dGain.map { Double($0) - 1 }, expected.dGain) < 1e-5)
    }

    @Test(arguments: variants, [(6, 8, 2), (6, 20, 5), (16, 32, 4), (6, 64, 4), (37, 24, 1), (64, 64, 2)])
    func `attention and its way back equal the twin`(
        variant: KernelVariant, size: (T: Int, d: Int, heads: Int)
    ) throws {
        let kernels = try Kernels(variant)
        let (T, d, heads) = (size.T, size.d, size.heads)
        var random = Random(seed: 4)
        let (q, k, v) = (randomMatrix(T, d, &random), randomMatrix(T, d, &random), randomMatrix(T, d, &random))
        let dOut = randomMatrix(T, d, &random)
        let rows = (0..<Int32(T)).map { $0 }
        var p = [Float](repeating: .nan, count: T * heads * Kernels.attentionStride(T))
        var work = [Float](repeating: .nan, count: Kernels.attentionWorkspace(T, d / heads))
        var out = [Float](repeating: 0, count: T * d)
        kernels.attentionForward(T, T, heads, d / heads, rows, floats(q), floats(k), floats(v), &p, &out, &work)
        #expect(
            relativeError(out.map(Double.init), Reference.attention(q, k, v, heads: heads).flatMap { $0 }) < 1e-6)
        var (dq, dk, dv) = (out, [Float](repeating: 0, count: T * d), [Float](repeating: 0, count: T * d))
        kernels.attentionBackward(
            T, T, heads, d / heads, rows, floats(q), floats(k), floats(v), p, floats(dOut), &dq, &dk, &dv,
            &work)
        let expected = Reference.attentionBackward(dOut, q, k, v, heads: heads)
        #expect(relativeError(dq.map(Double.init), expected.dq.flatMap { $0 }) < 1e-5)
        #expect(relativeError(dk.map(Double.init), expected.dk.flatMap { $0 }) < 1e-5)
        #expect(relativeError(dv.map(Double.init), expected.dv.flatMap { $0 }) < 1e-5)
    }

    @Test(arguments: variants) func `Adam takes the textbook step`(variant: KernelVariant) throws {
        let kernels = try Kernels(variant)
        var random = Random(seed: 5)
        let count = 37
        let g = randomMatrix(1, count, &random)[0]
        let start = randomMatrix(1, count, &random)[0]
        var w = start.map(Float.init)
        var (m, v) = ([Float](repeating: 0.1, count: count), [Float](repeating: 0.2, count: count))
        kernels.adam(count, &w, g.map(Float.init), &m, &v, 0.5, 0.9, 0.98, 0.01, 1.5, 1e-8, 0.001)
        for i in 0..<count {
            let first = 0.9 * 0.1 + 0.1 * 0.5 * g[i]
            let second = 0.98 * 0.2 + 0.02 * 0.25 * g[i] * g[i]
            let expected = start[i] - 0.01 * first / ((second * 1.5).squareRoot() + 1e-8) - 0.001 * start[i]
            #expect(abs(Double(m[i]) - first) < 1e-6)
            #expect(abs(Double(v[i]) - second) < 1e-6)
            #expect(abs(Double(w[i]) - expected) < 1e-6)
        }
    }

    @Test(arguments: variants) func `Adam does not move a weight that never had a gradient`(
        variant: KernelVariant
    ) throws {
        let kernels = try Kernels(variant)
        var w = [Float](repeating: 0.25, count: 35)
        var (m, v) = ([Float](repeating: 0, count: 35), [Float](repeating: 0, count: 35))
        let nothing = m
        kernels.adam(35, &w, nothing, &m, &v, 1, 0.9, 0.98, 0.01, 50, 1e-8, 0)
        #expect(w == [Float](repeating: 0.25, count: 35))
    }

    @Test func `every variant drops the same elements, about as many as asked`() throws {
        let ones = [Float](repeating: 1, count: 100_003)
        var first = ones
        Kernels.baseline.dropout(ones.count, ones, &first, 77, UInt32(0.25 * 0x1p32), 4 / 3)
        let share = Double(first.count { $0 == 0 }) / Double(ones.count)
        #expect(abs(share - 0.25) < 0.005)
        for variant in Self.variants {
            var other = ones
            try Kernels(variant).dropout(ones.count, ones, &other, 77, UInt32(0.25 * 0x1p32), 4 / 3)
            #expect(other == first)
        }
    }

    @Test(arguments: variants) func `rows and elements move as plain loops do`(variant: KernelVariant) throws {
        let kernels = try Kernels(variant)
        let d = 21
        var random = Random(seed: 6)
        let table = floats(randomMatrix(5, d, &random))
        let positions = floats(randomMatrix(2, d, &random))
        let tokens: [Int32] = [4, 0, 4, 2]
        var x = [Float](repeating: 0, count: 4 * d)
        kernels.embed(4, 2, d, tokens, table, positions, &x)
        for row in 0..<4 {
            for j in 0..<d {
                #expect(x[row * d + j] == table[Int(tokens[row]) * d + j] + positions[(row % 2) * d + j])
            }
        }
        var dTable = [Float](repeating: 0, count: 5 * d)
        var dPositions = [Float](repeating: 0, count: 2 * d)
        kernels.embedBackward(4, 2, d, tokens, x, &dTable, &dPositions)
        #expect(dTable[4 * d + 3] == x[3] + x[2 * d + 3] && dTable[d + 3] == 0)
        #expect(dPositions[d + 20] == x[d + 20] + x[3 * d + 20])
        var picked = [Float](repeating: 0, count: 2 * d)
        kernels.gather(2, d, [3, 1], x, &picked)
        #expect(Array(picked[..<d]) == Array(x[(3 * d)...]) && Array(picked[d...]) == Array(x[d..<2 * d]))
        kernels.scatterAdd(2, d, [3, 1], picked, &x)
        #expect(x[3 * d + 20] == 2 * picked[20] && x[d] == 2 * picked[d])
        var signs = (0..<37).map { Float($0 % 3) - 1 }
        kernels.reluForward(37, &signs)
        #expect(signs == (0..<37).map { max(0, Float($0 % 3) - 1) })
        var gradient = [Float](repeating: 2, count: 37)
        kernels.reluBackward(37, signs, &gradient)
        #expect(gradient == signs.map { $0 > 0 ? 2 : 0 })
        kernels.add(37, signs, &gradient)
        #expect(gradient == signs.map { $0 > 0 ? 3 : 0 })
        #expect(kernels.sumOfSquares(37, gradient) == Double(9 * signs.count { $0 > 0 }))
    }
}

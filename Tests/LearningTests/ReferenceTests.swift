import Learning
import Testing
import Wire

/// The twin against finite differences: if these hold, the twin may judge the float kernels.
@Suite struct ReferenceTests {
    /// Central differences of `f` at x.
    func differences(_ x: Matrix, step: Double = 1e-5, _ f: (Matrix) -> Double) -> [Double] {
        var x = x
        var result: [Double] = []
        for i in x.indices {
            for j in x[i].indices {
                let old = x[i][j]
                x[i][j] = old + step
                let above = f(x)
                x[i][j] = old - step
                let below = f(x)
                x[i][j] = old
                result.append((above - below) / (2 * step))
            }
        }
        return result
    }

    /// Σ a·b, the scalar that turns a layer into a function with a gradient.
    func inner(_ a: Matrix, _ b: Matrix) -> Double {
        zip(a, b).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    @Test func `the gradient of the norm has its projection term`() {
        var random = Random(seed: 1)
        let (x, dy) = (randomMatrix(5, 12, &random), randomMatrix(5, 12, &random))
        let gain = randomMatrix(1, 12, &random)
        let (dx, dGain) = Reference.normBackward(dy, x, gain[0])
        let byX = differences(x) { inner(Reference.norm($0, gain[0]), dy) }
        let byGain = differences(gain) { inner(Reference.norm(x, $0[0]), dy) }
        #expect(relativeError(dx.flatMap { $0 }, byX) < 1e-6)
        #expect(relativeError(dGain, byGain) < 1e-6)
    }

    @Test func `the gradient of attention reaches queries, keys and values`() {
        var random = Random(seed: 2)
        let (q, k, v) = (randomMatrix(5, 8, &random), randomMatrix(5, 8, &random), randomMatrix(5, 8, &random))
        let dOut = randomMatrix(5, 8, &random)
        let d = Reference.attentionBackward(dOut, q, k, v, heads: 2)
        let byQ = differences(q) { inner(Reference.attention($0, k, v, heads: 2), dOut) }
        let byK = differences(k) { inner(Reference.attention(q, $0, v, heads: 2), dOut) }
        let byV = differences(v) { inner(Reference.attention(q, k, $0, heads: 2), dOut) }
        #expect(relativeError(d.dq.flatMap { $0 }, byQ) < 1e-6)
        #expect(relativeError(d.dk.flatMap { $0 }, byK) < 1e-6)
        #expect(relativeError(d.dv.flatMap { $0 }, byV) < 1e-6)
    }

    @Test func `the gradient of a linear layer and of ReLU`() {
        var random = Random(seed: 3)
        let (x, w, dy) = (randomMatrix(4, 6, &random), randomMatrix(6, 5, &random), randomMatrix(4, 5, &random))
        func layer(_ x: Matrix, _ w: Matrix) -> Matrix { Reference.relu(Reference.product(x, w)) }
        let dProduct = Reference.reluBackward(dy, layer(x, w))
        let dx = Reference.product(dProduct, Reference.transposed(w))
        let dw = Reference.product(Reference.transposed(x), dProduct)
        #expect(relativeError(dx.flatMap { $0 }, differences(x) { inner(layer($0, w), dy) }) < 1e-6)
        #expect(relativeError(dw.flatMap { $0 }, differences(w) { inner(layer(x, $0), dy) }) < 1e-6)
    }

    @Test(arguments: [0, 0.1]) func `the gradient of the smoothed loss`(smoothing: Double) {
        var random = Random(seed: 4)
        let z = randomMatrix(1, 9, &random, scale: 3)
        let dz = Reference.crossEntropyBackward(z[0], answers: [(4, 0.75), (1, 0.25)], smoothing: smoothing)
        let expected = differences(z) {
            Reference.crossEntropy($0[0], answers: [(4, 0.75), (1, 0.25)], smoothing: smoothing)
        }
        #expect(relativeError(dz, expected) < 1e-6)
    }

    @Test(arguments: 1...2) func `the gradient of the whole model`(layers: Int) throws {
        let batch = randomBatch(B: 3, T: 4, vocabulary: 7, candidates: 5, seed: 6)
        try expectFiniteDifferences(layers: layers, batch)
    }

    @Test(arguments: [false, true]) func `the gradient of the whole model with several answers`(
        weighted: Bool
    ) throws {
        let batch = randomLists(B: 3, T: 4, vocabulary: 7, candidates: 5, weighted: weighted, seed: 7)
        try expectFiniteDifferences(layers: 1, batch)
    }

    func expectFiniteDifferences(layers: Int, _ batch: Batch) throws {
        let shape = try ModelShape.beyondDefaults(dim: 4, heads: 2, layers: layers, context: 4)
        let parameters = randomParameters(shape, vocabulary: 7, seed: 5)
        var model = ReferenceModel(shape, parameters, candidates: 5, smoothing: 0.1)
        let gradient = model.gradient(batch)
        let dense = [model.dense]
        let byDense = differences(dense) {
            model.dense = $0[0]
            return model.loss(batch)
        }
        model.dense = dense[0]
        let byTokens = differences(model.tokens) {
            model.tokens = $0
            return model.loss(batch)
        }
        #expect(relativeError(gradient.dense, byDense) < 1e-6)
        #expect(relativeError(gradient.tokens.flatMap { $0 }, byTokens) < 1e-6)
    }
}

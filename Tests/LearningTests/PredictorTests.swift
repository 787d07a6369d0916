import Testing
import Wire

@testable import Learning

@Suite struct PredictorTests {
    let parameters = randomParameters(.small, vocabulary: 12, seed: 1)

    func predictor(_ kernel: KernelVariant = .best) throws -> Predictor {
        try Predictor(shape: .small, parameters: parameters, candidates: 9, kernel: kernel)
    }

    @Test(arguments: KernelVariant.supported) func `scores equal the twin's`(kernel: KernelVariant) throws {
        let twin = ReferenceModel(.small, parameters, candidates: 9, smoothing: 0)
        for context in [[3], [11, 0], [1, 2, 3, 4, 5, 6, 7, 8]] as [[Int32]] {
            let scores = try predictor(kernel).logits(context: context).map(Double.init)
            #expect(relativeError(scores, twin.logits(context).last!) < 1e-5)
        }
    }

    @Test func `a long context keeps its last tokens`() throws {
        let long: [Int32] = [9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8]
        #expect(try predictor().logits(context: long) == predictor().logits(context: Array(long.suffix(8))))
    }

    @Test func `the most probable come first and sum to one`() throws {
        let all = try predictor().topK(100, context: [1, 10])
        #expect(all.count == 9)
        #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.probability >= $1.probability })
        #expect(try predictor().topK(2, context: [1, 10]).map(\.token) == all.prefix(2).map(\.token))
        #expect(try predictor().topK(0, context: [1]).isEmpty && predictor().topK(-5, context: [1]).isEmpty)
    }

    @Test func `the heap gives what sorting gives, ties by index`() throws {
        var random = Random(seed: 1)
        for count in [1, 2, 9, 200] {
            // Few values, so that many are equal.
            var scores = (0..<count).map { _ in Float(random.below(7)) }
            let sorted = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
            for k in [0, 1, 3, count - 1, count, count + 5] {
                let found = scores.withUnsafeMutableBufferPointer { largest(k, of: $0) }
                #expect(found.map { Int($0.token) } == Array(sorted.prefix(max(0, k))))
                #expect(found.allSatisfy { $0.score == scores[Int($0.token)] })
            }
        }
    }

    @Test(arguments: KernelVariant.supported, [Float.nan, -.nan, .infinity, -.infinity])
    func `a model that is no longer a number answers with an error`(kernel: KernelVariant, value: Float) throws {
        for inTokens in [true, false] {
            var broken = parameters
            if inTokens { broken.tokens[17] = value } else { broken.dense[Layout(.small).finalNorm + 1] = value }
            let predictor = try Predictor(shape: .small, parameters: broken, candidates: 9, kernel: kernel)
            #expect(throws: LearningError.notFinite("scores")) { try predictor.topK(3, context: [2, 3]) }
        }
    }

    @Test func `what does not fit is refused`() throws {
        let predictor = try predictor()
        #expect(throws: LearningError.outOfRange(name: "context", value: "empty", allowed: "at least one token")) {
            try predictor.logits(context: [])
        }
        #expect(throws: LearningError.unknownToken(index: 1, token: 12, vocabulary: 12)) {
            try predictor.logits(context: [0, 12])
        }
        var short = parameters
        short.dense.removeLast()
        #expect(throws: LearningError.self) { try Predictor(shape: .small, parameters: short, candidates: 9) }
        #expect(throws: LearningError.self) { try Predictor(shape: .small, parameters: parameters, candidates: 13) }
    }

    @Test func `a kernel that the processor lacks is refused, the best one runs`() throws {
        #expect(KernelVariant.supported.contains(.best) && KernelVariant.baseline.isSupported)
        for kernel in KernelVariant.allCases where !kernel.isSupported {
            #expect(throws: LearningError.unsupportedKernel(kernel)) {
                try Predictor(shape: .small, parameters: parameters, candidates: 9, kernel: kernel)
            }
        }
    }
}

import Testing
import Wire

@testable import Learning

@Suite struct SampledSoftmaxTests {
    static let (vocabulary, candidates) = (340, 300)

    func trainer(
        sampled: Int, above: Int = 100, threads: Int = 1, seed: UInt64 = 3, smoothing: Float = 0.1
    ) throws -> Trainer {
        var options = TrainingOptions()
        (options.sampledCandidates, options.sampledAbove) = (sampled, above)
        (options.dropout, options.labelSmoothing) = (0, smoothing)
        let trainer = try Trainer(
            shape: .small, vocabulary: Self.vocabulary, candidates: Self.candidates, options: options, seed: seed,
            threads: threads)
        trainer.leastWork = 1
        trainer.parameters = randomParameters(.small, vocabulary: Self.vocabulary, seed: 7)
        return trainer
    }

    func batch(_ seed: UInt64 = 8) -> Batch {
        randomLists(B: 6, T: 5, vocabulary: Self.vocabulary, candidates: Self.candidates, weighted: true, seed: seed)
    }

    @Test(arguments: [(50_000, false), (50_001, true)])
    func `beyond 50,000 candidates a step takes a sample, and below all, unless it is told otherwise`(
        candidates: Int, isSampled: Bool
    ) throws {
        var options = TrainingOptions()
        (options.sampledCandidates, options.dropout) = (1_024, 0)
        let trainer = try Trainer(
            shape: .small, vocabulary: candidates + 2, candidates: candidates, options: options, seed: 3, threads: 1)
        _ = try trainer.gradient(
            randomLists(B: 2, T: 4, vocabulary: candidates + 2, candidates: candidates, weighted: false, seed: 8))
        #expect(trainer.isSampled == isSampled)
    }

    @Test(arguments: 1...3) func `a sample of all candidates gives the whole gradient`(threads: Int) throws {
        let trainer = try trainer(sampled: 300, threads: threads)
        let twin = ReferenceModel(.small, trainer.parameters, candidates: Self.candidates, smoothing: 0.1)
        let (loss, gradient) = try trainer.gradient(batch())
        let expected = twin.gradient(batch())
        #expect(relativeError(gradient.dense.map(Double.init), expected.dense) < 1e-3)
        #expect(relativeError(gradient.tokens.map(Double.init), expected.tokens.flatMap { $0 }) < 1e-3)
        let plain = ReferenceModel(.small, trainer.parameters, candidates: Self.candidates, smoothing: 0)
        #expect(abs(Double(loss) - plain.loss(batch())) < 1e-4)
    }

    /// Without the weight of the drawn ones, the mean keeps an error of 0.3 however many are averaged.
    @Test func `many samples average to the whole gradient`() throws {
        let trainer = try trainer(sampled: 60)
        let expected = ReferenceModel(.small, trainer.parameters, candidates: Self.candidates, smoothing: 0.1)
            .gradient(batch())
        var sum = [Double](repeating: 0, count: Self.vocabulary * 16)
        for step in 0..<400 {
            trainer.globalStep = step
            for (index, value) in try trainer.gradient(batch()).gradient.tokens.enumerated() {
                sum[index] += Double(value) / 400
            }
        }
        #expect(relativeError(sum, expected.tokens.flatMap { $0 }) < 0.05)
    }

    @Test func `a row that was neither drawn nor read has no gradient, whatever came before`() throws {
        let trainer = try trainer(sampled: 20)
        for step in 0..<5 { try trainer.step(batch(UInt64(step))) }
        let batch = batch(9)
        let tokens = try trainer.gradient(batch).gradient.tokens
        let touched = (0..<Self.vocabulary).filter { row in
            tokens[row * 16..<(row + 1) * 16].contains { $0 != 0 }
        }
        let known = Set(batch.answers!.tokens).union(batch.tokens)
        #expect(touched.count > 20 && touched.count <= known.count + 20)
    }

    @Test(arguments: [1, 2]) func `the same seed draws the same`(threads: Int) throws {
        let (a, b) = (try trainer(sampled: 40, threads: threads), try trainer(sampled: 40, threads: threads))
        for step in 0..<6 { #expect(try a.step(batch(UInt64(step))) == b.step(batch(UInt64(step)))) }
        #expect(a.parameters == b.parameters)
        let other = try trainer(sampled: 40, threads: threads, seed: 4)
        for step in 0..<6 { try other.step(batch(UInt64(step))) }
        #expect(other.parameters != a.parameters)
    }

    @Test func `it starts above the bound and can be turned off`() throws {
        let whole = try trainer(sampled: 0, above: 100)
        let below = try trainer(sampled: 40, above: 300)
        let sampled = try trainer(sampled: 40, above: 299)
        let expected = try whole.gradient(batch()).gradient
        #expect(try below.gradient(batch()).gradient == expected)
        #expect(try sampled.gradient(batch()).gradient != expected)
    }

    @Test func `a vocabulary that grows between samples is drawn from as a whole`() throws {
        let trainer = try trainer(sampled: 40)
        try trainer.step(batch())
        let rows = (0..<Int32(Self.candidates)).map { $0 } + [-1, -1] + (300..<340).map { Int32($0) }
        try trainer.regrow(rows: rows, candidates: 302)
        let fresh = try Trainer(
            shape: .small, vocabulary: 342, candidates: 302, options: trainer.options, seed: 3)
        fresh.parameters = trainer.parameters
        fresh.globalStep = trainer.globalStep
        let next = randomBatch(B: 4, T: 5, vocabulary: 342, candidates: 302, seed: 5)
        #expect(try trainer.gradient(next) == fresh.gradient(next))
    }

    @Test func `training on samples lowers the whole loss`() throws {
        let trainer = try trainer(sampled: 32, smoothing: 0)
        func wholeLoss() -> Double {
            ReferenceModel(.small, trainer.parameters, candidates: Self.candidates, smoothing: 0).loss(batch())
        }
        let before = wholeLoss()
        for _ in 0..<300 { try trainer.step(batch()) }
        #expect(wholeLoss() < before / 3)
    }
}

import Testing
import Wire

@testable import Learning

/// The float model against its Double twin, tensor by tensor, for every kernel this processor runs.
@Suite struct GradientTests {
    static let shapes: [ModelShape] = [
        .small,
        try! ModelShape(dim: 64, heads: 4, layers: 1, context: 8),
        try! ModelShape(dim: 20, heads: 4, layers: 2, context: 8),  // no multiple of any register
        try! ModelShape(dim: 128, heads: 8, layers: 1, context: 8),
    ]

    func trainer(
        _ shape: ModelShape, dropout: Float = 0, threads: Int = 1, kernel: KernelVariant = .best
    ) throws -> Trainer {
        var options = TrainingOptions()
        options.dropout = dropout
        let trainer = try Trainer(
            shape: shape, vocabulary: 29, candidates: 21, options: options, seed: 3, threads: threads, kernel: kernel)
        trainer.leastWork = 1
        trainer.parameters = randomParameters(shape, vocabulary: 29, seed: 7)
        return trainer
    }

    func expectEqual(_ found: Parameters, _ expected: ReferenceModel.Gradient, _ shape: ModelShape) {
        for spec in shape.tensors {
            let error = relativeError(found.dense[spec.range].map(Double.init), Array(expected.dense[spec.range]))
            #expect(error < 1e-3, "\(spec.name): \(error)")
        }
        #expect(relativeError(found.tokens.map(Double.init), expected.tokens.flatMap { $0 }) < 1e-3)
    }

    @Test(arguments: shapes, KernelVariant.supported)
    func `the float gradient equals the twin's, tensor by tensor`(shape: ModelShape, kernel: KernelVariant) throws {
        let trainer = try trainer(shape, kernel: kernel)
        let batch = randomBatch(B: 4, T: 5, vocabulary: 29, candidates: 21, seed: 8)
        let twin = ReferenceModel(shape, trainer.parameters, candidates: 21, smoothing: 0.1)
        let (loss, gradient) = try trainer.gradient(batch)
        expectEqual(gradient, twin.gradient(batch), shape)
        let plain = ReferenceModel(shape, trainer.parameters, candidates: 21, smoothing: 0)
        #expect(abs(Double(loss) - plain.loss(batch)) < 1e-4, "the reported loss is without smoothing")
    }

    @Test(arguments: [false, true], KernelVariant.supported)
    func `several answers pull by their shares`(weighted: Bool, kernel: KernelVariant) throws {
        let trainer = try trainer(.small, threads: 2, kernel: kernel)
        let batch = randomLists(B: 7, T: 5, vocabulary: 29, candidates: 21, weighted: weighted, seed: 12)
        let twin = ReferenceModel(.small, trainer.parameters, candidates: 21, smoothing: 0.1)
        let (loss, gradient) = try trainer.gradient(batch)
        expectEqual(gradient, twin.gradient(batch), .small)
        let plain = ReferenceModel(.small, trainer.parameters, candidates: 21, smoothing: 0)
        #expect(abs(Double(loss) - plain.loss(batch)) < 1e-4, "the reported loss is without smoothing")
    }

    @Test func `lists of one answer are targets, to the bit`() throws {
        let (listed, plain) = (try trainer(.small, threads: 2), try trainer(.small, threads: 2))
        let batch = randomBatch(B: 7, T: 5, vocabulary: 29, candidates: 21, seed: 13)
        var offsets: [Int32] = [0]
        for target in batch.targets { offsets.append(offsets.last! + (target >= 0 ? 1 : 0)) }
        let answers = Batch.Answers(
            offsets: offsets, tokens: batch.targets.filter { $0 >= 0 },
            weights: batch.targets.filter { $0 >= 0 }.map { 1 + Float($0) })
        let lists = Batch(tokens: batch.tokens, answers: answers, B: batch.B, T: batch.T)
        #expect(lists.targets == batch.targets)
        #expect(try listed.gradient(lists) == plain.gradient(batch))
    }

    @Test(arguments: 1...3) func `threads divide the walks and not the result`(threads: Int) throws {
        let trainer = try trainer(.small, threads: threads)
        let batch = randomBatch(B: 7, T: 5, vocabulary: 29, candidates: 21, seed: 9)
        let twin = ReferenceModel(.small, trainer.parameters, candidates: 21, smoothing: 0.1)
        expectEqual(try trainer.gradient(batch).gradient, twin.gradient(batch), .small)
    }

    /// The same masks on both sides, rebuilt from the hash: the twin multiplies by them.
    @Test(arguments: KernelVariant.supported) func `dropout's way back uses the mask of its way forward`(
        kernel: KernelVariant
    ) throws {
        let (shape, T) = (ModelShape.small, 6)
        let trainer = try trainer(shape, dropout: 0.3, kernel: kernel)
        let batch = randomBatch(B: 5, T: T, vocabulary: 29, candidates: 21, seed: 10)
        let asked = batch.targets.indices.filter { batch.targets[$0] >= 0 }
        let dropout = try #require(Pass.Dropout(rate: 0.3, stream: trainer.dropoutStream))
        var twin = ReferenceModel(shape, trainer.parameters, candidates: 21, smoothing: 0.1)
        twin.masks = { walk, site in
            let lastLayer = site > 2 * (shape.layers - 1)
            let rows = lastLayer ? asked : Array(batch.tokens.indices)
            var mask = [Float](repeating: 1, count: rows.count * shape.dim)
            mask.withUnsafeMutableBufferPointer {
                Kernels.baseline.dropout(
                    $0.count, $0.baseAddress!, $0.baseAddress!, dropout.key(site), dropout.threshold, dropout.scale)
            }
            return (walk * T..<(walk + 1) * T).map { row in
                guard let at = rows.firstIndex(of: row) else { return Array(repeating: 1, count: shape.dim) }
                return mask[at * shape.dim..<(at + 1) * shape.dim].map(Double.init)
            }
        }
        expectEqual(try trainer.gradient(batch).gradient, twin.gradient(batch), shape)
    }

    @Test func `a vocabulary of many logit chunks has the same gradient`() throws {
        let shape = try ModelShape(dim: 16, heads: 2, layers: 1, context: 8)
        var options = TrainingOptions()
        options.dropout = 0
        let trainer = try Trainer(shape: shape, vocabulary: 4_101, candidates: 4_100, options: options, seed: 3)
        trainer.parameters = randomParameters(shape, vocabulary: 4_101, seed: 7)
        let batch = randomBatch(B: 14, T: 3, vocabulary: 4_101, candidates: 4_100, seed: 11)
        let twin = ReferenceModel(shape, trainer.parameters, candidates: 4_100, smoothing: 0.1)
        expectEqual(try trainer.gradient(batch).gradient, twin.gradient(batch), shape)
    }
}

import Federation
import Learning
import Testing
import Wire

@Suite struct ValuationTests {
    /// Sixty-four graph nodes and two relations; from n the first relation leads to n + 1, the second to n + 5.
    private static let nodes = 64
    private let tokens = Fixture.tokens(0..<nodes + 4)
    private let log = OwnerTable.LogName(author: Fixture.author(1), log: LogID(rawValue: 1))
    private let shape = try! ModelShape.beyondDefaults(dim: 20, heads: 2, layers: 1, context: 4)

    private func question(_ number: Int) -> LinkQuery {
        let (node, relation) = (number % Self.nodes, number / Self.nodes % 2)
        let answer = (node + (relation == 0 ? 1 : 5)) % Self.nodes
        return LinkQuery(context: [Int32(node), Int32(Self.nodes + relation)], answer: Int32(answer), filtered: [])
    }

    private var valuation: Valuation {
        Valuation(tokens: tokens, candidates: Self.nodes, queries: (0..<2 * Self.nodes).map(question))
    }

    private func model() throws -> MergedModel {
        var model = MergedModel(id: Fixture.model, spec: Fixture.spec(shape: shape))
        try model.apply(RowAnnouncement(model: model.id, tokens: tokens), author: log.author, log: log.log)
        return model
    }

    /// What a site sends that learns these very facts.
    private func honest(_ model: MergedModel, steps: Int = 40) throws -> Delta {
        var model = model
        let base = model.parameters(tokens: tokens)
        var options = TrainingOptions()
        (options.learningRate, options.warmupSteps) = (1e-2, 0)
        let trainer = try Trainer(
            shape: shape, vocabulary: tokens.count, candidates: Self.nodes, options: options, seed: 1)
        trainer.parameters = base
        let questions = (0..<2 * Self.nodes).map(question)
        let batch = Batch(
            tokens: questions.flatMap(\.context), targets: questions.flatMap { [-1, $0.answer] }, B: questions.count,
            T: 2)
        for _ in 0..<steps { try trainer.step(batch) }
        let round = TrainingRound(
            model: model.id, round: 1, steps: UInt64(steps), tokensSeen: 0, base: base, trained: trainer.parameters,
            tokens: tokens, shares: try model.owners.shares(of: tokens, in: log), members: 1)
        return try RoundBuilder(spec: model.spec).build(round, residuals: Residuals(shape: shape)).delta
    }

    @Test func `without a range all is as if it had never been, and the model itself is untouched`() throws {
        let before = try model()
        var random = Random(seed: 4)
        let deltas = (0..<6).map { _ in Fixture.delta(&random, shape: shape, announced: tokens.count) }
        var all = before
        for delta in deltas { try all.apply(delta, author: log.author, log: log.log) }
        var expected = before
        for delta in deltas[..<2] + deltas[4...] { try expected.apply(delta, author: log.author, log: log.log) }
        let digest = all.digest()
        var without = try all.without(deltas[2..<4].reversed(), log: log)
        #expect(without.digest() == expected.digest())
        #expect(all.digest() == digest && digest != without.digest())
    }

    @Test func `honest training is worth something, its opposite is not`() throws {
        let before = try model()
        let delta = try honest(before)
        var after = before
        try after.apply(delta, author: log.author, log: log.log)
        let gain = try #require(try valuation.gain(of: [delta], by: log, in: after))
        #expect(gain.microNats > 0 && gain.rawMicroNats > gain.microNats && gain.questions == 2 * Self.nodes)

        let opposite = Self.negated(try honest(after))
        try after.apply(opposite, author: log.author, log: log.log)
        let harm = try #require(try valuation.gain(of: [opposite], by: log, in: after))
        #expect(harm.microNats < 0)
    }

    private static func negated(_ delta: Delta) -> Delta {
        func negated(_ block: RowBlock) -> RowBlock {
            guard case .int8(let values) = block.values else { return block }
            return RowBlock(indices: block.indices, shifts: block.shifts, values: .int8(values.map { -$0 }))
        }
        var delta = delta
        (delta.dense, delta.rows) = (negated(delta.dense), negated(delta.rows))
        return delta
    }

    @Test func `an op that changes nothing the elector asks about is not measured`() throws {
        var model = try model()
        let strangers = Fixture.tokens(1_000..<1_010)
        let other = OwnerTable.LogName(author: Fixture.author(2), log: LogID(rawValue: 2))
        try model.apply(RowAnnouncement(model: model.id, tokens: strangers), author: other.author, log: other.log)
        var random = Random(seed: 5)
        let delta = Fixture.delta(&random, shape: shape, announced: strangers.count)
        try model.apply(delta, author: other.author, log: other.log)
        #expect(try valuation.gain(of: [delta], by: other, in: model) == nil)
        let few = Valuation(
            tokens: tokens, candidates: Self.nodes,
            queries: (0..<Valuation.leastQuestions - 1).map(question))
        #expect(try few.gain(of: [try honest(model)], by: log, in: model) == nil)
    }

    @Test func `a range that this log cannot have sent is refused`() throws {
        let model = try model()
        let delta = try honest(model)
        let nobody = OwnerTable.LogName(author: Fixture.author(3), log: LogID(rawValue: 3))
        #expect(throws: FederationError.self) { try model.without([delta], log: nobody) }
    }

    @Test func `noise is worth nothing, and gain is lessened by it`() {
        let zeros = [Double](repeating: 0, count: 100)
        let swinging = (0..<100).map { $0 % 2 == 0 ? 0.5 : -0.49 }
        let noise = MarginalGain(with: zeros, without: swinging)
        #expect(noise.microNats == 0 && noise.rawMicroNats == 5_000 && noise.standardError == 49_749)
        let sure = MarginalGain(with: zeros, without: zeros.map { $0 + 0.25 })
        #expect(sure.microNats == 250_000 && sure.standardError == 0)
        let harm = MarginalGain(with: zeros.map { $0 + 0.25 }, without: zeros)
        #expect(harm.microNats == -250_000)
        let absurd = MarginalGain(with: zeros, without: zeros.map { $0 + 1e30 })
        #expect(absurd.microNats == 64_000_000)
    }
}

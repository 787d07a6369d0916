internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Wire

/// One model on one set of triples: a site that learns alone, or the pooled model.
///
/// The weights that do best on validation triples count, as at a node.
struct LoneTraining {
    let vocabulary: LocalVocabulary
    private let plan: QualityPlan
    private let steps: Int
    private let validation: [LinkQuery]
    private let trainer: Trainer
    private var lessons: LessonSource
    private(set) var best: Parameters
    private var bestScore = -1.0
    private(set) var round = 0

    /// - Parameters:
    ///   - stepsPerRound: more than the plan's for a pooled model.
    ///   - place: of the site, so that sites draw different walks.
    init(
        _ triples: [TokenTriple], over vocabulary: LocalVocabulary, validation: [LinkQuery], _ plan: QualityPlan,
        stepsPerRound: Int, seed: UInt64, place: Int
    ) throws {
        self.vocabulary = vocabulary
        self.plan = plan
        steps = stepsPerRound
        self.validation = spread(validation, atMost: plan.validationLimit)
        let own = Seeds.own(seed, place)
        trainer = try Trainer(
            shape: plan.shape, vocabulary: vocabulary.count, candidates: vocabulary.nodeCount,
            options: plan.options(plannedSteps: plan.rounds * steps), seed: own, threads: plan.threads)
        lessons = try LessonSource(try GraphIndex(vocabulary, triples: triples), plan, seed: own)
        // A model of the network, without what anybody learned.
        var model = MergedModel(id: Seeds.model(seed), spec: try plan.spec)
        best = model.parameters(tokens: vocabulary.tokens)
        trainer.parameters = best
    }

    /// Trains one round.
    mutating func train() throws -> RoundFigures {
        var loss: Float = 0
        for _ in 0..<steps { loss += try trainer.step(lessons.next()) / Float(steps) }
        round += 1
        var figures = RoundFigures(round: round, loss: loss, epochs: Double(round * steps) / lessons.batchesPerEpoch)
        guard round % plan.measureEvery == 0 || round == plan.rounds else { return figures }
        let score = try evaluate(
            shape: plan.shape, parameters: trainer.parameters, candidates: vocabulary.nodeCount, queries: validation,
            threads: plan.threads
        ).mrr
        // Without validation triples the last weights count.
        if score ?? .infinity >= bestScore {
            bestScore = score ?? -1
            best = trainer.parameters
        }
        figures.validation = score
        return figures
    }

    /// The best weights for another, smaller vocabulary.
    func rows(of other: LocalVocabulary) -> Parameters {
        let dim = plan.shape.dim
        var rows: [Float] = []
        rows.reserveCapacity(other.count * dim)
        for row in other.mapping(to: vocabulary) { rows += best.tokens[Int(row) * dim..<(Int(row) + 1) * dim] }
        return Parameters(dense: best.dense, tokens: rows)
    }
}

extension LoneTraining {
    /// For a checkpoint; batches are drawn anew after it.
    var saved: SavedTraining {
        SavedTraining(
            round: round, parameters: trainer.parameters, adam: trainer.adam, best: best, bestScore: bestScore)
    }

    mutating func resume(_ saved: SavedTraining) throws {
        guard saved.parameters.fits(shape: plan.shape, vocabulary: vocabulary.count),
            saved.best.fits(shape: plan.shape, vocabulary: vocabulary.count)
        else { throw BenchmarkError.damagedCheckpoint }
        try trainer.resume(saved.adam)
        trainer.parameters = saved.parameters
        (round, best, bestScore) = (saved.round, saved.best, saved.bestScore)
        trainer.globalStep = round * steps
        lessons.restart(at: round)
    }
}

/// What a round of training tells.
public struct RoundFigures: Sendable {
    public var round: Int
    /// Mean over the round, nats.
    public var loss: Float
    /// How often every lesson was seen so far, on average over sites.
    public var epochs: Double
    /// MRR on validation triples, where it was measured.
    public var validation: Double?
    /// Bytes of the deltas of this round, on average over sites.
    public var bytes: Double?
}

/// Everything that must differ between sites and between seeds.
enum Seeds {
    /// Sites that drew the same walks and masks would make the same errors, which do not average out.
    static func own(_ seed: UInt64, _ place: Int) -> UInt64 {
        seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(place + 1) &* 0xD1B5_4A32_D192_ED03
    }

    /// Starting values follow from the model's id.
    static func model(_ seed: UInt64) -> ModelID { ModelID(Bytes(repeating: 0, count: 24) + seed.bigEndianBytes)! }
}

extension QualityPlan {
    var spec: ModelSpec {
        get throws { try ModelSpec(name: "quality", agent: "benchmark", shape: shape) }
    }
}

/// Every k-th of many.
func spread<Element>(_ elements: [Element], atMost limit: Int) -> [Element] {
    guard elements.count > limit else { return elements }
    return (0..<limit).map { elements[$0 * elements.count / limit] }
}

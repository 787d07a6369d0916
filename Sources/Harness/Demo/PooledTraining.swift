internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Terminal
internal import Wire

/// The model that one site with everybody's triples would train: what federation is measured against.
///
/// The same recipe and as many steps as all sites make together; the weights that do best on all sites'
/// validation triples count, as in isolated training.
struct PooledTraining {
    private let shape: ModelShape
    private let key: VocabularyKey
    private let dataset: Dataset
    private let vocabulary: LocalVocabulary
    private let everything: [TokenTriple]
    private var trainer: Trainer
    private var sampler: WalkSampler
    private var random: Random
    private var best: Parameters

    private static let tokens = 2 * StandardRecipe.hops

    init(_ dataset: Dataset, shape: ModelShape, plannedSteps: Int, seed: UInt64) throws {
        self.dataset = dataset
        self.shape = shape
        // Ids only have to be the same within this model.
        key = try VocabularyKey(Bytes(repeating: 1, count: VocabularyKey.byteCount))
        var known = TripleTable(key: key)
        for site in dataset.sites { try known.add(file: site.bytes(.train)) }
        vocabulary = try known.vocabulary()
        var all = TripleTable(key: key)
        try all.add(file: dataset.everything)
        everything = all.triples
        let start = try Self.start(shape, vocabulary)
        trainer = try Trainer(
            shape: shape, vocabulary: vocabulary.count, candidates: vocabulary.nodeCount,
            options: StandardRecipe.options(plannedSteps: plannedSteps), seed: seed, threads: Cluster.cores)
        trainer.parameters = start
        best = start
        sampler = try WalkSampler(
            try GraphIndex(vocabulary, triples: known.triples), kind: .random, start: .everyEdge)
        random = Random(seed: seed)
    }

    /// Starting values as a federated model of this shape has them.
    private static func start(_ shape: ModelShape, _ vocabulary: LocalVocabulary) throws -> Parameters {
        let spec = try ModelSpec(name: "pooled", agent: "demo", shape: shape)
        var model = MergedModel(id: ModelID(Bytes(repeating: 1, count: 32))!, spec: spec)
        return model.parameters(tokens: vocabulary.tokens)
    }

    /// Trains to the end. Takes every core.
    ///
    /// - Parameter tell: called after each round with its number and the mean loss.
    mutating func run(rounds: Int, stepsPerRound: Int, tell: (Int, Float) throws -> Void) throws {
        let valid = try dataset.sites.flatMap { try queries($0, .valid, over: vocabulary) }
        let count = StandardRecipe.batch * Self.tokens
        var batch = Batch(
            tokens: Array(repeating: 0, count: count), targets: Array(repeating: 0, count: count),
            B: StandardRecipe.batch, T: Self.tokens)
        var answers = Batch.Answers(offsets: Array(repeating: 0, count: count + 1), tokens: [])
        var bestScore = -1.0
        for round in 1..<rounds + 1 {
            var loss: Float = 0
            for _ in 0..<stepsPerRound {
                batch.answers = nil
                sampler.fill(
                    tokens: &batch.tokens, targets: &batch.targets, offsets: &answers.offsets, answers: &answers.tokens,
                    batch: batch.B, context: batch.T, using: &random)
                batch.answers = answers
                loss += try trainer.step(batch) / Float(stepsPerRound)
            }
            let score = try evaluate(
                shape: shape, parameters: trainer.parameters, candidates: vocabulary.nodeCount, queries: valid,
                threads: Cluster.cores
            ).mrr
            if score ?? .infinity >= bestScore {
                bestScore = score ?? -1
                best = trainer.parameters
            }
            try tell(round, loss)
        }
    }

    /// Asks the model as `site` would: its own test triples, its own graph nodes as candidates.
    func score(at site: SiteData) throws -> DemoScore {
        var known = TripleTable(key: key)
        try known.add(file: site.bytes(.train))
        let own = try known.vocabulary()
        let asked = try queries(site, .test, over: own)
        guard !asked.isEmpty else { return .none }
        var rows: [Float] = []
        for row in own.mapping(to: vocabulary) {
            rows += best.tokens[Int(row) * shape.dim..<(Int(row) + 1) * shape.dim]
        }
        let ranking = try evaluate(
            shape: shape, parameters: Parameters(dense: best.dense, tokens: rows), candidates: own.nodeCount,
            queries: asked, threads: Cluster.cores)
        return DemoScore(
            mrr: ranking.mrr, hits1: ranking.hits1, hits10: ranking.hits10, queries: ranking.queries)
    }

    private func queries(_ site: SiteData, _ split: Split, over vocabulary: LocalVocabulary) throws -> [LinkQuery] {
        var heldOut = TripleTable(key: key)
        try heldOut.add(file: site.bytes(split))
        let task = try HeldOutTask(
            heldOut: heldOut.triples, filter: everything, vocabulary: vocabulary, evaluation: .twoSided)
        return task.queries.map { LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered) }
    }
}

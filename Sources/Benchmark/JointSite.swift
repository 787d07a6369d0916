internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Wire

/// One site of ``JointTraining``: its graph, its trainer and its copy of the merged model.
final class JointSite {
    /// What a round of a site produced.
    struct Outcome {
        var bodies: [Bytes]
        var loss: Float
    }

    let vocabulary: LocalVocabulary
    private let tokens: [TokenID]
    /// Those of ``tokens`` that the plan's privacy settings let others see.
    private let shared: [TokenID]
    private let plan: QualityPlan
    private let members: Int
    /// Per round.
    private let steps: Int
    private let place: Int
    private let builder: RoundBuilder
    private var model: MergedModel
    private var residuals: Residuals
    private var round = 0
    /// Nil at a site that only listens.
    private let trainer: Trainer?
    private var lessons: LessonSource?
    /// Of false triples, for ``Conduct/flippedLabels``.
    private var falseLessons: LessonSource?
    private let triples: [TokenTriple]
    private let own: UInt64
    private var distortion: Random
    private var lookahead: Lookahead
    private var accountant = PrivacyAccountant()
    /// L2 norm of what each round changed, as it would be sent without privacy settings.
    private(set) var norms: [Double] = []

    init(_ data: QualityData, _ place: Int, _ plan: QualityPlan, members: Int, seed: UInt64) throws {
        let site = data.sites[place]
        let spec = try plan.spec
        (self.plan, self.place, self.members) = (plan, place, members)
        steps = plan.steps(of: site)
        vocabulary = site.vocabulary
        tokens = site.vocabulary.tokens
        builder = RoundBuilder(
            spec: spec, topRows: plan.topRows, coarser: plan.coarseness, minRows: plan.privacy.minRows)
        lookahead = Lookahead(share: plan.lookahead)
        model = MergedModel(id: Seeds.model(seed), spec: spec)
        residuals = Residuals(shape: spec.shape)
        own = Seeds.own(seed, place)
        distortion = Random(seed: ~own)
        guard site.learns else {
            (trainer, lessons, triples, shared) = (nil, nil, [], [])
            return
        }
        let graph = try GraphIndex(vocabulary, triples: site.train)
        shared = plan.shared(vocabulary, graph)
        trainer = try Trainer(
            shape: plan.shape, vocabulary: vocabulary.count, candidates: vocabulary.nodeCount,
            options: plan.options(plannedSteps: plan.rounds * steps), seed: own)
        lessons = try LessonSource(graph, plan, seed: own)
        triples = site.train
    }

    /// How often a round shows every edge.
    var epochsPerRound: Double { lessons.map { Double(steps) / $0.batchesPerEpoch } ?? 0 }

    /// The merged weights as this site reads them.
    func parameters() -> Parameters { model.parameters(tokens: tokens) }

    func digest() -> Hash32 { model.digest() }

    /// The merged model as of now.
    var merged: MergedModel { model }

    /// Weights of another state of the merged model, as this site reads them.
    func parameters(of other: MergedModel) -> Parameters {
        var other = other
        return other.parameters(tokens: tokens)
    }

    // MARK: What travels

    func announcements() throws -> [RowAnnouncement] {
        let sorted = shared.sorted()
        return try stride(from: 0, to: sorted.count, by: RowAnnouncement.maxTokens).map { start in
            try RowAnnouncement(
                model: model.id, tokens: Array(sorted[start..<min(start + RowAnnouncement.maxTokens, sorted.count)]))
        }
    }

    func hear(_ announcement: RowAnnouncement, from author: Int) throws {
        let log = Self.log(author)
        try model.apply(announcement, author: log.author, log: log.log)
    }

    func hear(_ body: Bytes, from author: Int) throws {
        let log = Self.log(author)
        try model.apply(try Delta(body: body), author: log.author, log: log.log)
    }

    static func log(_ place: Int) -> OwnerTable.LogName {
        let number = UInt64(place + 1).bigEndianBytes
        return OwnerTable.LogName(
            author: PeerID(Bytes(repeating: 0, count: 24) + number)!, log: LogID(rawValue: UInt64(place + 1)))
    }

    // MARK: A round

    /// Trains from the merged weights and seals the change.
    func train(_ conduct: Conduct = .honest) throws -> Outcome {
        // A site whose budget is spent shares no more.
        guard let trainer, (try? accountant.admit(plan.privacy)) != nil else { return Outcome(bodies: [], loss: 0) }
        let base = parameters()
        trainer.parameters = lookahead.start(from: base)
        var loss: Float = 0
        for _ in 0..<steps {
            loss += try trainer.step(try next(conduct)) / Float(steps)
        }
        round += 1
        let shares = try model.owners.shares(of: shared, in: Self.log(place))
        let learned = TrainingRound(
            model: model.id, round: UInt64(round), steps: UInt64(steps),
            tokensSeen: UInt64(steps * plan.batch * 2 * plan.hops), base: base, trained: trainer.parameters,
            tokens: tokens, shares: shares, members: members
        ).restricted(to: shared, shares: shares, dim: plan.shape.dim)
        norms.append(norm(of: learned))
        // Nobody has to be kept from guessing this noise: the same seed gives the same figures.
        var noise = Random(seed: own ^ UInt64(round) &* 0xA24B_AED4_963E_E407)
        accountant.record(plan.privacy)
        let sent = try learned.protected(by: plan.privacy, spec: builder.spec, using: &noise)
        let built = try builder.build(sent, residuals: residuals)
        residuals = built.residuals
        let delta = conduct.distort(built.delta, using: &distortion)
        return Outcome(bodies: delta.isEmpty ? [] : [delta.body], loss: loss)
    }

    private func norm(of round: TrainingRound) -> Double {
        var squares = 0.0
        func add(_ base: ArraySlice<Float>, _ trained: ArraySlice<Float>, among owners: Int) {
            for (a, b) in zip(base, trained) {
                let change = (Double(b) - Double(a)) / Double(owners)
                squares += change * change
            }
        }
        add(round.base.dense[...], round.trained.dense[...], among: round.members)
        let dim = plan.shape.dim
        for (row, share) in round.shares.enumerated() {
            let range = row * dim..<(row + 1) * dim
            add(round.base.tokens[range], round.trained.tokens[range], among: share.owners)
        }
        return squares.squareRoot()
    }

    private func next(_ conduct: Conduct) throws -> Batch {
        guard conduct == .flippedLabels else { return lessons!.next() }
        if falseLessons == nil {
            var others = vocabulary.nodes
            var random = Random(seed: own ^ UInt64(round))
            random.shuffle(&others)
            let exchanged = Dictionary(uniqueKeysWithValues: zip(vocabulary.nodes, others))
            let lies = triples.map { TokenTriple(head: $0.head, relation: $0.relation, tail: exchanged[$0.tail]!) }
            falseLessons = try LessonSource(try GraphIndex(vocabulary, triples: lies), plan, seed: own)
        }
        return falseLessons!.next()
    }

    // MARK: Checkpoints

    func savedSums() -> SavedSums {
        let sums = model.accumulators
        return SavedSums(
            rows: sums.nonzeroTokens.map { ($0, sums.rowBytes($0) ?? []) },
            tensors: plan.shape.tensors.indices.map { sums.tensorBytes($0) ?? [] })
    }

    func load(_ sums: SavedSums) throws {
        for (token, bytes) in sums.rows { try model.load(row: token, bytes) }
        for (index, bytes) in sums.tensors.enumerated() where !bytes.isEmpty { try model.load(tensor: index, bytes) }
    }

    func saved() throws -> SavedTrainer {
        SavedTrainer(
            adam: trainer?.adam ?? .fresh(shape: plan.shape, vocabulary: 0), residuals: residuals.bytes,
            lastBase: lookahead.previous)
    }

    func resume(_ saved: SavedTrainer, round: Int) throws {
        try trainer?.resume(saved.adam)
        trainer?.globalStep = round * steps
        residuals = try Residuals(bytes: saved.residuals, shape: plan.shape)
        lookahead = Lookahead(after: saved.lastBase, share: plan.lookahead)
        self.round = round
        for _ in 0..<round where trainer != nil { accountant.record(plan.privacy) }
        lessons?.restart(at: round)
        falseLessons?.restart(at: round)
    }
}

internal import API
internal import Graph
internal import Search
internal import Storage
internal import Wire

extension SearchService {
    /// Candidates of an example beyond the best by the standard weights add next to nothing to the fit.
    private static let candidatesPerExample = 200
    static let defaultExamples = 500

    // MARK: Calibration

    /// Fits the weights of ``Formula/combined`` to questions whose answers this site knows.
    func calibrate(_ request: CalibrateRequest) async throws -> CalibrationReport {
        let limit = request.limit ?? Self.defaultExamples
        guard (1...100_000).contains(limit) else {
            throw Problem.badRequest("limit is \(limit)", remedy: "use 1 to 100000", field: "limit")
        }
        let ground = try await currentGround()
        guard let model = try await model(of: request.agent, .federated, ground) else {
            throw Self.gone(request.agent)
        }
        var random = Random(seed: UInt64(bitPattern: Int64(request.seed ?? 1)))
        let heldOut = try await questions(.valid, ground)
        var asked = heldOut.isEmpty ? Self.ownQuestions(ground) : heldOut
        random.shuffle(&asked)
        asked = Array(asked.prefix(limit))
        var examples: [Example] = []
        for question in asked {
            guard let found = try await candidatesIfWords(question, ground, model) else { continue }
            let ranked = Formula.combined.ranking(found.map(\.evidence), weights: .standard)
            var kept = Set(ranked.prefix(Self.candidatesPerExample).map(\.at))
            let answers = found.indices.filter { question.answers.contains(found[$0].node) }
            kept.formUnion(answers)
            let order = kept.sorted()
            examples.append(
                Example(
                    candidates: order.map { found[$0].evidence.features },
                    answers: order.indices.filter { answers.contains(order[$0]) }))
        }
        // The model was trained on the graph's own links and selections, and centroids were found in the latter, so that
        // they would teach to trust both too much.
        let all = examples
        let fixed: Set<Feature> = heldOut.isEmpty ? [.model, .pattern, .rules] : [.rules]
        let fit = try await models.onWorker { Calibration(all, fixed: fixed) }
        let weights = Dictionary(uniqueKeysWithValues: Feature.allCases.map { ($0.name, fit.weights[$0]) })
        try await store { (store) throws(StorageError) in
            try store.save(StoredSearchWeights(weights: weights, examples: fit.examples), of: model.id)
        }
        return CalibrationReport(
            agent: model.agent, source: heldOut.isEmpty ? "own" : "held-out", questions: asked.count,
            examples: fit.examples, lossBefore: fit.examples > 0 ? fit.lossBefore : nil,
            lossAfter: fit.examples > 0 ? fit.lossAfter : nil, weights: weights)
    }

    /// Held-out links, each of their texts a question: asked on the page that holds the link.
    private func questions(_ split: GraphSplit, _ ground: SearchGround) async throws -> [SearchQuestion] {
        let links = try await store { (store) throws(StorageError) in try store.heldOutLinks(split) }
        var questions: [SearchQuestion] = []
        var seen: Set<[String]> = []
        for link in links {
            guard let source = ground.graph.vocabulary.index(ofNode: link.source),
                let target = ground.graph.vocabulary.index(ofNode: link.target)
            else { continue }
            let page = ground.index.documents[Int(source)]
            for text in link.texts where seen.insert([text, "\(page)", "\(target)"]).inserted {
                questions.append(
                    SearchQuestion(
                        text: text, context: [page], answers: ground.index.equivalents(of: target)))
            }
        }
        return questions
    }

    /// The graph's own links and selections, each to be found as if it were not there.
    private static func ownQuestions(_ ground: SearchGround) -> [SearchQuestion] {
        ground.index.links.map { link in
            let page = ground.index.documents[Int(link.source)]
            return SearchQuestion(
                text: link.text, context: [page],
                hidden: .init(source: page, target: link.target),
                answers: ground.index.equivalents(of: link.target))
        }
    }

    /// Nil for a question of stop words.
    private func candidatesIfWords(
        _ question: SearchQuestion, _ ground: SearchGround, _ model: SearchModel
    ) async throws -> [SearchCandidate]? {
        do {
            return try await candidates(question, ground, model)
        } catch let problem as Problem where problem.code == "no_words" {
            return nil
        }
    }

    // MARK: Evaluation

    /// Searches for held-out links by their texts, from the pages that held them, with every formula at once.
    func evaluate(_ agent: String, split: GraphSplit, weights: Weights) async throws -> SearchEvaluationReport {
        let ground = try await currentGround()
        guard let model = try await model(of: agent, weights, ground) else { throw Self.gone(agent) }
        let questions = try await questions(split, ground)
        var tally = SearchTally(fitted: model.weights)
        for question in questions {
            if let found = try await candidatesIfWords(question, ground, model) {
                tally.add(found, question, ground)
            } else {
                tally.addWordless()
            }
        }
        return tally.report(agent: model.agent, split: split.rawValue)
    }
}

/// Ranks of the answers by each way of searching, for the same candidates.
struct SearchTally {
    /// In the order of the report.
    private enum Way: String, CaseIterable {
        case text
        case anyWord = "any-word"
        /// Full text, what is part of the page on which is asked behind everything else: it holds the link's text.
        case elsewhere = "text-elsewhere"
        case context
        case seed
        case standard
        case combined
        /// `combined` with nothing of what links and selections were called, and with nothing of the model.
        case noPhrases = "no-phrases"
        case noModel = "no-model"
        /// The model's expectation alone, whatever was asked.
        case model
    }

    private let fitted: FeatureVector
    private var measures: [SearchMeasure] = Way.allCases.map { _ in SearchMeasure() }
    private var wordless = 0
    private var unfound = 0
    private var confidence = 0.0

    init(fitted: FeatureVector) { self.fitted = fitted }

    mutating func addWordless() {
        wordless += 1
        for at in measures.indices { measures[at].add([], answers: []) }
    }

    mutating func add(_ found: [SearchCandidate], _ question: SearchQuestion, _ ground: SearchGround) {
        if !found.contains(where: { question.answers.contains($0.node) }) { unfound += 1 }
        for (at, way) in Way.allCases.enumerated() {
            let ranking = ranking(way, found)
            measures[at].add(ranking.map { found[$0.at].node }, answers: question.answers)
            if way == .combined { confidence += probabilities(ranking.map(\.score)).first ?? 0 }
        }
    }

    private func ranking(_ way: Way, _ found: [SearchCandidate]) -> [(at: Int, score: Double)] {
        let evidence = found.map(\.evidence)
        switch way {
        case .text: return Formula.text.ranking(evidence, weights: fitted)
        case .context: return Formula.context.ranking(evidence, weights: fitted)
        case .seed: return Formula.seed.ranking(evidence, weights: fitted)
        case .standard: return Formula.combined.ranking(evidence, weights: .standard)
        case .combined: return Formula.combined.ranking(evidence, weights: fitted)
        case .noPhrases:
            return Formula.combined.ranking(evidence, weights: fitted.without(.called, .calledLike))
        case .model: return Formula.combined.ranking(evidence, weights: FeatureVector([.model: 1]))
        case .noModel: return Formula.combined.ranking(evidence, weights: fitted.without(.model))
        case .anyWord:
            return Formula.combined.ranking(evidence, weights: FeatureVector([.closeness: 1])).filter { $0.score > 0 }
        case .elsewhere:
            let ranking = Formula.text.ranking(evidence, weights: fitted)
            let isOwn = { (place: (at: Int, score: Double)) in evidence[place.at].features[.own] > 0 }
            return ranking.filter { !isOwn($0) } + ranking.filter(isOwn)
        }
    }

    func report(agent: String, split: String) -> SearchEvaluationReport {
        let queries = measures[0].queries
        let rows = zip(Way.allCases, measures).map { way, measure in
            SearchEvaluationReport.Row(
                formula: way.rawValue, mrr: measure.mrr, hits1: measure.hits1, hits10: measure.hits10)
        }
        return SearchEvaluationReport(
            agent: agent, split: split, queries: queries, wordless: wordless, unfound: unfound, rows: rows,
            confidence: queries > 0 ? confidence / Double(queries) : nil)
    }
}

extension FeatureVector {
    /// The same weights, these features left out of account.
    func without(_ features: Feature...) -> FeatureVector {
        var weights = self
        for feature in features { weights[feature] = 0 }
        return weights
    }
}

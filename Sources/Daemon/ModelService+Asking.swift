internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Rules
internal import Search
internal import Storage
internal import Wire

extension ModelService {
    /// The weights asked for, in the order of this site's vocabulary.
    func parameters(_ weights: Weights, of model: ModelID, _ graph: SiteGraph) async throws -> Parameters {
        let tokens = graph.vocabulary.tokens
        switch weights {
        case .served:
            // What was adapted has learned from everybody.
            if let view = try await view.parameters(of: model, tokens: tokens) { return view }
            if let adapted = try await trainer.served.adapted(of: model, tokens: tokens) { return adapted }
            return try await parameters(.federated, of: model, graph)
        case .federated:
            guard let merged = try await host.ask({ $0.parameters(of: model, tokens: tokens) }) else {
                throw TrainingError.modelGone
            }
            return merged
        case .isolated:
            guard let saved = try await states.weights(of: model), saved.tokens == tokens else {
                throw Problem.notFound(
                    "this site has no isolated weights for its present graph",
                    remedy: "train them with `shoal model train --isolated`", code: "no_isolated_weights")
            }
            return saved.parameters
        }
    }

    func predict(_ request: PredictRequest) async throws -> PredictReport {
        let weights = request.weights ?? .served
        let predictions = try await predictions(
            by: [request.agent], context: request.context, top: request.top, weights: weights,
            withRules: request.withRules ?? false)
        return PredictReport(agent: request.agent, weights: weights, predictions: predictions)
    }

    /// The mean of several models' logits: what any of them is sure of stays likely. All read the vocabulary of this
    /// site, so that their scores are of the same graph nodes.
    func ensemble(_ request: EnsembleRequest) async throws -> EnsembleReport {
        guard (1...Self.maxEnsemble).contains(request.agents.count) else {
            throw Problem.badRequest(
                "\(request.agents.count) agents are named", remedy: "name 1 to \(Self.maxEnsemble)", field: "agents")
        }
        let weights = request.weights ?? .served
        let predictions = try await predictions(
            by: request.agents, context: request.context, top: request.top, weights: weights)
        return EnsembleReport(agents: request.agents, weights: weights, predictions: predictions)
    }

    static let maxEnsemble = 16

    private func predictions(
        by agents: [String], context names: [String], top: Int?, weights: Weights, withRules: Bool = false
    ) async throws -> [PredictReport.Prediction] {
        let top = top ?? 10
        guard (1...1_000).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to 1000", field: "top")
        }
        var ids: [ModelID] = []
        for agent in agents { ids.append(try await find(agent)) }
        guard Set(ids).count == ids.count else {
            throw Problem.unusable("a model is named twice", remedy: "name each once", field: "agents")
        }
        let graph = try await graphs.current()
        let context = try graph.context(names)
        let vocabulary = graph.vocabulary
        var sum = [Float](repeating: 0, count: vocabulary.nodeCount)
        var answerer: RuleAnswerer?
        let site = withRules ? try await rules.current(graph) : nil
        if withRules { try RuleService.check(context, graph) }
        for id in ids {
            guard let spec = try await host.ask({ $0.spec(of: id) }) else { throw SearchService.gone(id.short) }
            let parameters = try await parameters(weights, of: id, graph)
            let logits = try await onWorker {
                try Predictor(shape: spec.shape, parameters: parameters, candidates: vocabulary.nodeCount)
                    .logits(context: context)
            }
            for at in sum.indices { sum[at] += logits[at] }
            guard let site else { continue }
            let logitsNow = sum
            let blend = try await rules.blend(
                site, BlendKey(model: id, weights: weights), spec.shape, parameters, graph,
                others: try await othersTaught(id, weights, graph))
            (sum, answerer) = try await onWorker { site.rescored(logitsNow, context, blend) }
        }
        let shares = probabilities(sum.map { Double($0) / Double(ids.count) })
        let best = shares.indices.sorted { (shares[$1], $0) < (shares[$0], $1) }.prefix(top).map { Int32($0) }
        let inferences = try await answers.append(
            LoggedInference(
                models: ids, agent: agents.joined(separator: ", "), query: nil,
                context: context.map { vocabulary[$0] }, answers: best.map { (vocabulary[$0], shares[Int($0)]) }))
        let known = graph.answers(to: context)
        return zip(best, inferences).map { node, inference in
            let id = vocabulary[node]
            return .init(
                id: id.hex, name: graph.name(of: id), probability: shares[Int(node)], known: known.contains(node),
                logit: Double(sum[Int(node)]) / Double(ids.count), inference: inference.hex,
                why: answerer.map { site?.reasons(for: node, context, $0, graph) ?? [] })
        }
    }

    /// How many others have taught these weights each token of the vocabulary.
    private func othersTaught(_ model: ModelID, _ weights: Weights, _ graph: SiteGraph) async throws -> [Int] {
        let tokens = graph.vocabulary.tokens
        return weights == .isolated ? tokens.map { _ in 0 } : try await host.othersTrain(tokens, of: model)
    }

    /// About a second's work at 15,000 graph nodes.
    private static let queriesAtOnce = 4_096

    /// - Parameter filter: triples known to be true; nil for the site's own.
    func evaluate(
        _ agent: String, weights: Weights, evaluation: EvaluationProtocol, split: String, filter: [TokenTriple]?,
        withRanks: Bool, withRules: Bool = false
    ) async throws -> EvaluationReport {
        let model = try await find(agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let heldOut = split == "valid" ? graph.valid : graph.test
        let parameters = try await parameters(weights, of: model, graph)
        let site = withRules ? try await rules.current(graph) : nil
        var fitted: RuleBlend?
        if let site {
            fitted = try await rules.blend(
                site, BlendKey(model: model, weights: weights), spec.shape, parameters, graph,
                others: try await othersTaught(model, weights, graph), isExact: true)
        }
        let blend = fitted
        let (ranking, unknown, rulesHelp) = try await onWorker {
            let task = try HeldOutTask(
                heldOut: heldOut, filter: filter ?? graph.triples + graph.valid + graph.test,
                vocabulary: graph.vocabulary, evaluation: evaluation)
            let queries = task.queries.map {
                LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered)
            }
            var ranking = Ranking(ranks: [])
            // In parts, so that a node that stops need not wait for a million questions.
            for start in stride(from: 0, to: queries.count, by: Self.queriesAtOnce) {
                try self.checkRunning()
                let part = Array(queries[start..<min(start + Self.queriesAtOnce, queries.count)])
                ranking.ranks += try Learning.evaluate(
                    shape: spec.shape, parameters: parameters, candidates: graph.vocabulary.nodeCount, queries: part,
                    rescore: site.flatMap { site in blend.map { site.rescorer(part, $0) } }
                ).ranks
            }
            return (ranking, task.unknownNodeCount + task.unknownRelationCount, blend.map { !$0.isModelAlone })
        }
        return EvaluationReport(
            agent: agent, weights: weights, protocol: evaluation.rawValue, split: split,
            filter: filter == nil ? "own" : "given", mrr: ranking.mrr, hits1: ranking.hits1, hits10: ranking.hits10,
            queries: ranking.queries, unknown: unknown, ranks: withRanks ? ranking.ranks : nil,
            rules: site?.set.rules.count, rulesHelp: rulesHelp)
    }
}

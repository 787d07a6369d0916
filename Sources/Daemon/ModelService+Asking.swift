internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Wire

extension ModelService {
    /// The weights asked for, in the order of this site's vocabulary.
    func parameters(_ weights: Weights, of model: ModelID, _ graph: SiteGraph) async throws -> Parameters {
        let tokens = graph.vocabulary.tokens
        switch weights {
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
        let model = try await find(request.agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let weights = request.weights ?? .federated
        let top = request.top ?? 10
        guard (1...1_000).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to 1000", field: "top")
        }
        let context = try graph.context(request.context)
        let parameters = try await parameters(weights, of: model, graph)
        let answers = try await onWorker {
            try Predictor(shape: spec.shape, parameters: parameters, candidates: graph.vocabulary.nodeCount)
                .topK(min(top, graph.vocabulary.nodeCount), context: context)
        }
        let known = graph.answers(to: context)
        return PredictReport(
            agent: request.agent, weights: weights,
            predictions: answers.map { answer in
                let id = graph.vocabulary[answer.token]
                return .init(
                    id: id.hex, name: graph.name(of: id), probability: Double(answer.probability),
                    known: known.contains(answer.token), logit: Double(answer.logit))
            })
    }

    /// - Parameter filter: triples known to be true; nil for the site's own.
    func evaluate(
        _ agent: String, weights: Weights, evaluation: EvaluationProtocol, split: String, filter: [TokenTriple]?,
        withRanks: Bool
    ) async throws -> EvaluationReport {
        let model = try await find(agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let heldOut = split == "valid" ? graph.valid : graph.test
        let parameters = try await parameters(weights, of: model, graph)
        let (ranking, unknown) = try await onWorker {
            let task = try HeldOutTask(
                heldOut: heldOut, filter: filter ?? graph.triples + graph.valid + graph.test,
                vocabulary: graph.vocabulary, evaluation: evaluation)
            let queries = task.queries.map {
                LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered)
            }
            let ranking = try Learning.evaluate(
                shape: spec.shape, parameters: parameters, candidates: graph.vocabulary.nodeCount, queries: queries)
            return (ranking, task.unknownNodeCount + task.unknownRelationCount)
        }
        return EvaluationReport(
            agent: agent, weights: weights, protocol: evaluation.rawValue, split: split,
            filter: filter == nil ? "own" : "given", mrr: ranking.mrr, hits1: ranking.hits1, hits10: ranking.hits10,
            queries: ranking.queries, unknown: unknown, ranks: withRanks ? ranking.ranks : nil)
    }
}

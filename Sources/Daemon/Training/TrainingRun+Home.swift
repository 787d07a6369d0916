internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Wire

/// Weights that never leave this site.
extension TrainingRun {
    // MARK: Served

    /// Goes on from the merged weights on this site's graph alone, and keeps what was best at home.
    func adapt() async throws {
        guard graph.index.edgeCount > 0 else { return }
        let (model, tokens, graph) = (model, graph.vocabulary.tokens, graph)
        let (found, merged, site) = try await host.ask { node in
            (node.spec(of: model), node.parameters(of: model, tokens: tokens), node.identity.peerID)
        }
        let others = try await host.othersTrain(tokens, of: model).map { $0 > 0 }
        guard let spec = found, let merged else { throw TrainingError.modelGone }
        let probe = try await onWorker { try Probe(graph) }
        let before = try await measure(probe, spec)
        note {
            $0.before = before
            $0.validation = before
        }
        guard plan.rounds > 0, before != nil else { return }
        let saved = try await states.moments(of: model, shape: spec.shape)
        let bench = try await onWorker { [plan] in
            try Workbench(
                spec: spec, graph: graph, plan: plan, site: site, start: merged, saved: saved, walked: probe.walked)
        }
        let start = try await onWorker {
            try probe.score(merged, shape: spec.shape, candidates: graph.vocabulary.nodeCount, others: others)
        }
        var adaptation = Adaptation()
        var reached = before
        for round in 1..<plan.rounds + 1 where !isCancelled && !adaptation.isOver {
            let outcome: (loss: Float, score: HomeScore)
            do {
                outcome = try await onWorker {
                    (try bench.steps { self.isCancelled }, try bench.score(probe, others: others))
                }
            } catch is CancellationError {
                break
            }
            let earlier = adaptation.best?.score
            adaptation.completed(
                outcome.score.gain(over: start), SavedWeights(tokens: tokens, parameters: bench.parameters))
            if adaptation.best?.score != earlier { reached = outcome.score.mrr }
            let score = reached
            note {
                $0.round = round
                $0.steps += plan.steps
                $0.loss = Double(outcome.loss)
                $0.validation = score
            }
        }
        if !isCancelled { note { $0.rounds = $0.round } }
        // What is merged may have changed meanwhile, and what was adapted before may still be better.
        _ = try await measure(probe, spec, adapted: adaptation.best?.weights)
    }

    /// Judges what is merged now, what was adapted before and what was adapted just now, and serves the best.
    ///
    /// - Returns: MRR of the merged weights; nil for a site without a question.
    func measure(_ probe: Probe, _ spec: ModelSpec, adapted: SavedWeights? = nil) async throws -> Double? {
        let (model, tokens, graph) = (model, graph.vocabulary.tokens, graph)
        guard let merged = try await host.ask({ $0.parameters(of: model, tokens: tokens) }) else {
            throw TrainingError.modelGone
        }
        let earlier = try await served.state(of: model)?.weights
        let others = try await host.othersTrain(tokens, of: model).map { $0 > 0 }
        let candidates = [adapted, earlier].compactMap(\.self).filter { $0.tokens == tokens }
        let (standing, scores) = try await onWorker {
            let ask = { (parameters: Parameters) in
                try probe.score(
                    parameters, shape: spec.shape, candidates: graph.vocabulary.nodeCount, others: others)
            }
            return (try ask(merged), try candidates.map { try ask($0.parameters) })
        }
        guard let score = standing.mrr else { return nil }
        let best = scores.indices.max { scores[$0].gain(over: standing) < scores[$1].gain(over: standing) }
        try await served.keep(
            ServedState(
                merged: score, adapted: best.flatMap { scores[$0].mrr },
                bar: best.map { standing.bar(for: scores[$0]) } ?? .infinity, source: probe.source,
                questions: probe.queries.count, weights: best.map { candidates[$0] }),
            isNew: adapted != nil, of: model)
        return score
    }

    // MARK: Isolated

    /// Trains from the start values on, and keeps the weights that were best on the validation split.
    func isolate() async throws {
        // No round must not replace what was trained before by the untrained start.
        guard graph.index.edgeCount > 0, plan.rounds > 0 else { return }
        let (model, tokens, graph) = (model, graph.vocabulary.tokens, graph)
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        // The starting values of the federated model, without what anybody learned.
        let initial = try await onWorker {
            var untrained = MergedModel(id: model, spec: spec)
            return untrained.parameters(tokens: tokens)
        }
        let site = try await host.ask { $0.identity.peerID }
        let probe = try await onWorker { try Probe(graph) }
        let bench = try Workbench(spec: spec, graph: graph, plan: plan, site: site, start: initial, saved: nil)
        var best = SavedWeights(tokens: tokens, parameters: initial)
        var bestScore = -1.0
        var saved = seconds
        for round in 1..<plan.rounds + 1 where !isCancelled {
            let outcome: (loss: Float, score: Double?)
            do {
                outcome = try await onWorker {
                    let loss = try bench.steps { self.isCancelled }
                    // Without a validation split the last weights count.
                    return (loss, probe.source == .validSplit ? try bench.validate(probe) : nil)
                }
            } catch is CancellationError {
                break
            }
            if outcome.score ?? .infinity >= bestScore {
                bestScore = outcome.score ?? -1
                best = SavedWeights(tokens: tokens, parameters: bench.parameters)
            }
            note {
                $0.round = round
                $0.steps += plan.steps
                $0.loss = Double(outcome.loss)
                $0.validation = outcome.score
            }
            if seconds - saved > Self.checkpointSeconds {
                saved = seconds
                try await states.save(best, of: model)
            }
        }
        if progress.round > 0 { try await states.save(best, of: model) }
    }

    /// A crash costs the rounds of this time.
    private static let checkpointSeconds = 10.0
}

internal import API
internal import Learning
internal import Terminal

extension Demo {
    func measure(_ sites: [DemoSite], _ learned: Learned, _ knowledge: Knowledge) async throws -> DemoReport {
        try await LiveRegion.show(on: view.console) { region in
            let filter = dataset.everything
            let row = region.row("measure")
            row.status("every site fits the merged weights to its own facts, and keeps that if it is better")
            _ = try await forEach(sites.filter(\.data.learns), atMost: Cluster.cores) { site in
                try await site.train(
                    TrainRequest(
                        agent: DemoSite.agent, weights: .served, rounds: options.rounds.map { min($0, 12) },
                        steps: options.steps, seed: options.seed))
            }
            row.status("every site is asked about facts that were kept aside")
            let scores = try await forEach(sites, atMost: Cluster.cores) { site in
                (
                    try await site.evaluate(.isolated, filter: filter),
                    try await site.evaluate(.federated, filter: filter),
                    try await site.evaluate(.served, filter: filter)
                )
            }
            row.finish("\(DemoView.counted(scores.reduce(0) { $0 + ($1.1?.queries ?? 0) }, "question"))")
            let pooled = options.pooled ? try await pool(sites, region) : nil
            let ranks = scores.map { alone, together, _ in
                alone.flatMap { alone in together.map { (alone: alone.ranks ?? [], together: $0.ranks ?? []) } }
            }
            let examples = try await Examples(sites).find(ranks)
            var reports: [DemoReport.Site] = []
            for (place, site) in sites.enumerated() {
                let status = try await site.status()
                reports.append(
                    DemoReport.Site(
                        name: site.name, isolated: DemoScore(scores[place].0), federated: DemoScore(scores[place].1),
                        served: DemoScore(scores[place].2),
                        pooled: pooled?[place], ops: status.ops,
                        opsSigned: status.ops - status.peers.reduce(0) { $0 + $1.ops },
                        opBytesSigned: learned.trained[place]?.opBytes ?? 0, bytesSent: status.traffic.bytesSent,
                        bytesReceived: status.traffic.bytesReceived, frontierDigest: status.frontierDigest,
                        stateDigest: status.stateDigest, balanceNkoi: knowledge.earnings[place].balanceNkoi,
                        patternsAccepted: knowledge.earnings[place].patternsAccepted,
                        triples: site.data.facts(.train).count))
            }
            return DemoReport(
                dataset: dataset.name, sites: reports, examples: examples, koi: knowledge.earnings,
                patterns: knowledge.patterns,
                wallSeconds: Self.seconds(since: start), federatedSeconds: learned.seconds)
        }
    }

    static func seconds(since start: ContinuousClock.Instant) -> Double {
        let passed = start.duration(to: .now).components
        return Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
    }

    /// Trains the pooled model in this process, on a thread of its own.
    private func pool(_ sites: [DemoSite], _ region: LiveRegion) async throws -> [DemoScore] {
        guard let model = try await sites[0].model() else { return sites.map { _ in .none } }
        let shape = try ModelShape(dim: model.dim, heads: model.heads, layers: model.layers, context: model.context)
        let rounds = options.rounds ?? StandardRecipe.rounds
        // As many steps as all sites make together.
        let steps = sites.filter(\.data.learns).reduce(0) {
            $0 + (options.steps ?? $1.data.usualSteps)
        }
        let seed = options.seed.map { UInt64($0) } ?? StandardRecipe.seed
        let row = region.row("pooled")
        let dataset = dataset
        return try await OwnThread.run { isCancelled in
            var training = try PooledTraining(dataset, shape: shape, plannedSteps: rounds * steps, seed: seed)
            try training.run(rounds: rounds, stepsPerRound: steps) { round, loss in
                if isCancelled() { throw CancellationError() }
                row.progress(round, of: rounds, .count("rounds"), note: "loss \(Format.fixed(Double(loss), 2))")
            }
            row.finish("\(DemoView.counted(rounds * steps, "step")) on all facts together")
            return try dataset.sites.map { try training.score(at: $0) }
        }
    }
}

extension DemoScore {
    init(_ report: EvaluationReport?) {
        guard let report else {
            self = .none
            return
        }
        self.init(mrr: report.mrr, hits1: report.hits1, hits10: report.hits10, queries: report.queries)
    }
}

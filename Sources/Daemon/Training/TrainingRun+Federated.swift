internal import API
internal import Federation
internal import Gossip
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Replication
internal import Wire

extension TrainingRun {
    /// Rounds of steps, each from the merged weights of the moment, each one op or more.
    func federate() async throws {
        let tokens = graph.vocabulary.tokens
        guard graph.index.edgeCount > 0 else {
            // A site without a triple takes part: it merges, relays and serves.
            return
        }
        let shared = privacy.shared(graph)
        guard !shared.isEmpty else { throw TrainingError.nothingShared(privacy.policy.minEdges) }
        let first = try await announced(shared, of: tokens)
        if plan.rounds == 0 { return }
        try await privacy.check(model)
        let (spec, log) = (first.spec, first.log)
        let probe = try await onWorker { [graph] in try Probe(graph) }
        if plan.isService {
            let before = try await onWorker { [graph] in
                try probe.mrr(first.parameters, shape: spec.shape, candidates: graph.vocabulary.nodeCount)
            }
            note { $0.before = before }
        }
        let saved = try await states.load(of: model, shape: spec.shape, log: log, seq: try await end(of: log))
        // Threads of the trainer have the priority of the one that makes it.
        let bench = try await onWorker { [graph, plan, privacy] in
            try Workbench(
                spec: spec, graph: graph, plan: plan, site: log.author, start: first.parameters, saved: saved,
                privacy: privacy)
        }
        var pace = Pace()
        var savedAt = seconds
        for round in plan.firstRound + 1..<plan.rounds + 1 {
            try await keep(&pace)
            if isCancelled { break }
            let begin = seconds
            guard try await trainRound(round, shared, bench) else { break }
            pace.completed(in: UInt64((seconds - begin) * 1_000))
            if seconds - savedAt > Self.saveSeconds {
                savedAt = seconds
                try await save(bench, log)
            }
        }
        try await save(bench, log)
        let validation = try await measure(probe, spec)
        note {
            $0.validation = validation
            $0.adamSteps = bench.adamSteps
        }
    }

    /// A crash costs Adam what it learned in this time; a save costs as many bytes as the model has.
    private static let saveSeconds = 2.0

    /// - Returns: false when the run was cancelled before the round could be sealed.
    private func trainRound(_ round: Int, _ shared: [TokenID], _ bench: Workbench) async throws -> Bool {
        let base = try await announced(shared, of: graph.vocabulary.tokens)
        let heard = try await roundsOfOthers()
        let loss: Float
        do {
            loss = try await onWorker { try bench.train(from: base) { self.isCancelled } }
        } catch is CancellationError {
            return false
        }
        let age = try await roundsOfOthers().map { $0.value - min($0.value, heard[$0.key] ?? 0) }.max() ?? 0
        let model = model
        try await privacy.admitRound(of: model)
        let deltas = try await onWorker {
            try bench.seal(from: base, model: model, damping: TrainingRound.damping(age: age))
        }
        var bytes = 0
        for delta in deltas {
            let body = delta.body
            bytes += body.count
            try accepted(await host.submit(.updateModelWeights, body))
        }
        bench.commit()
        note {
            $0.round = round
            $0.steps += plan.steps
            $0.loss = Double(loss)
            $0.ops += deltas.count
            $0.opBytes += bytes
        }
        return true
    }

    private func roundsOfOthers() async throws -> [PeerID: UInt64] {
        let model = model
        return try await host.ask { $0.rounds(of: model) }
    }

    private func end(of log: LogKey) async throws -> UInt64 {
        try await host.ask { $0.summary.frontier[log]?.seq ?? 0 }
    }

    private func save(_ bench: Workbench, _ log: LogKey) async throws {
        let place = TrainerState.Place(log: log.log, seq: try await end(of: log))
        try await states.save(bench.state(at: place), of: model)
    }

    /// Waits while this site is ahead of others that train.
    private func keep(_ pace: inout Pace) async throws {
        while !isCancelled {
            if pace.mayBegin(rounds: try await roundsOfOthers(), now: Instant(milliseconds: UInt64(seconds * 1_000))) {
                return
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The weights of `tokens` to start a round from, once every row of `shared` is announced.
    private func announced(_ shared: [TokenID], of tokens: [TokenID]) async throws -> Node.RoundBase {
        let model = model
        while true {
            if isCancelled { throw CancellationError() }
            let (isKnown, isConfirming, start) = try await host.ask { node in
                (
                    node.spec(of: model) != nil, node.isConfirmingOwnLog,
                    node.roundBase(of: model, tokens: tokens, shared: shared)
                )
            }
            guard isKnown else { throw TrainingError.modelGone }
            if isConfirming {
                // After a restart peers are asked first how much of this site's log they have seen.
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            guard let base = start else {
                // The own log opens with the first op; any op will do, and an announcement is due anyway.
                try await announce(shared)
                continue
            }
            guard !base.unannounced.isEmpty else { return base }
            try await announce(base.unannounced)
        }
    }

    private func announce(_ tokens: [TokenID]) async throws {
        let sorted = tokens.sorted()
        for start in stride(from: 0, to: sorted.count, by: RowAnnouncement.maxTokens) {
            let part = Array(sorted[start..<min(start + RowAnnouncement.maxTokens, sorted.count)])
            try accepted(await host.submit(.announceRows, RowAnnouncement(model: model, tokens: part).body))
        }
    }

    private func accepted(_ result: SubmitResult) throws(TrainingError) {
        switch result {
        case .done: return
        case .void(_, let reason): throw .void(reason.detail)
        case .refused(let reason): throw .refused(reason)
        }
    }
}

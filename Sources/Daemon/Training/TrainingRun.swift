internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Wire

/// One training run of this site: rounds of steps, each from the merged weights of the moment.
///
/// ```
/// announce rows ─▶ ┌ take merged weights ─▶ train n steps ─▶ scale, quantise ─▶ sign, store, publish ┐
///                  └────────────────────────────────◀──────────────────────────────────────────────┘
/// ```
/// An isolated run does the same steps on weights that nobody else touches and keeps those that were
/// best on the validation split.
final class TrainingRun: Sendable {
    let model: ModelID
    let plan: TrainingPlan
    private let graph: SiteGraph
    private let host: NodeHost
    private let states: TrainerStates
    /// Training takes a core for minutes: not one of the cooperative pool.
    private let worker = StorageThread(name: "shoal-train")
    private let report: Mutex<TrainingReport>
    private let cancelled = Atomic<Bool>(false)

    init(model: ModelID, plan: TrainingPlan, graph: SiteGraph, host: NodeHost, states: TrainerStates) {
        self.model = model
        self.plan = plan
        self.graph = graph
        self.host = host
        self.states = states
        report = Mutex(
            TrainingReport(
                state: "waiting", weights: plan.weights, round: 0, rounds: plan.rounds, steps: 0, loss: nil,
                validation: nil, seconds: 0, ops: 0, opBytes: 0, error: nil))
    }

    var progress: TrainingReport { report.withLock { $0 } }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Runs to the end; the outcome is in ``progress``.
    func run() async {
        let clock = ContinuousClock()
        let start = clock.now
        report.withLock { $0.state = "running" }
        do {
            switch plan.weights {
            case .federated: try await federate(since: start, clock)
            case .isolated: try await isolate(since: start, clock)
            }
            report.withLock { $0.state = cancelled.load(ordering: .relaxed) ? "stopped" : "done" }
        } catch {
            report.withLock {
                $0.state = "failed"
                $0.error = "\(error)"
            }
        }
        worker.finish()
    }

    // MARK: Federated

    private func federate(since start: ContinuousClock.Instant, _ clock: ContinuousClock) async throws {
        let tokens = graph.vocabulary.tokens
        guard graph.index.edgeCount > 0 else {
            // A site without a triple takes part: it merges, relays and serves.
            return
        }
        let first = try await announced(tokens)
        if plan.rounds == 0 { return }
        let bench = try Workbench(
            spec: first.spec, graph: graph, plan: plan, site: first.log.author, start: first.parameters,
            saved: try await states.load(.federated, of: model, shape: first.spec.shape))
        var pace = Pace()
        for round in 1...plan.rounds where !cancelled.load(ordering: .relaxed) {
            try await keep(&pace) { Instant(milliseconds: UInt64((clock.now - start).seconds * 1_000)) }
            let begin = clock.now
            let base = try await announced(tokens)
            let (delta, loss) = try await onWorker { try bench.round(from: base, model: self.model) }
            var bytes = 0
            if !delta.isEmpty {
                let body = delta.body
                bytes = body.count
                try accepted(await host.submit(.updateModelWeights, body))
                bench.commit()
            }
            pace.completed(in: UInt64((clock.now - begin).seconds * 1_000))
            report.withLock {
                $0.round = round
                $0.steps += plan.steps
                $0.loss = Double(loss)
                $0.seconds = (clock.now - start).seconds
                $0.ops += bytes > 0 ? 1 : 0
                $0.opBytes += bytes
            }
            if round % 10 == 0 || round == plan.rounds {
                try await states.save(bench.state, .federated, of: model)
            }
        }
    }

    /// Waits while this site is ahead of others that train.
    private func keep(_ pace: inout Pace, now: () -> Instant) async throws {
        while !cancelled.load(ordering: .relaxed) {
            let ops = try await host.ask { node in
                Dictionary(uniqueKeysWithValues: node.status.map { ($0.id, $0.ops) })
            }
            if pace.mayBegin(ops: ops, now: now()) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The weights to start a round from, once every row of this site is announced.
    private func announced(_ tokens: [TokenID]) async throws -> Node.RoundBase {
        let model = model
        while true {
            let (isKnown, isConfirming, start) = try await host.ask { node in
                (node.spec(of: model) != nil, node.isConfirmingOwnLog, node.roundBase(of: model, tokens: tokens))
            }
            guard isKnown else { throw TrainingError.modelGone }
            if isConfirming {
                // After a restart peers are asked first how much of this site's log they have seen.
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            guard let base = start else {
                // The own log opens with the first op; any op will do, and an announcement is due anyway.
                try await announce(tokens)
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

    // MARK: Isolated

    private func isolate(since start: ContinuousClock.Instant, _ clock: ContinuousClock) async throws {
        // No round must not replace what was trained before by the untrained start.
        guard graph.index.edgeCount > 0, plan.rounds > 0 else { return }
        let model = model
        let tokens = graph.vocabulary.tokens
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        // The starting values of the federated model, without what anybody learned.
        let initial = try await onWorker {
            var untrained = MergedModel(id: model, spec: spec)
            return untrained.parameters(tokens: tokens)
        }
        let site = try await host.ask { $0.identity.peerID }
        let bench = try Workbench(spec: spec, graph: graph, plan: plan, site: site, start: initial, saved: nil)
        var best = SavedWeights(tokens: tokens, parameters: initial)
        var bestScore = -1.0
        for round in 1..<plan.rounds + 1 where !cancelled.load(ordering: .relaxed) {
            let (loss, score) = try await onWorker { (try bench.steps(), try bench.validate()) }
            // Without a validation split the last weights count.
            if score ?? .infinity >= bestScore {
                bestScore = score ?? -1
                best = SavedWeights(tokens: tokens, parameters: bench.parameters)
            }
            report.withLock {
                $0.round = round
                $0.steps += plan.steps
                $0.loss = Double(loss)
                $0.validation = score
                $0.seconds = (clock.now - start).seconds
            }
        }
        try await states.save(best, of: model)
    }

    private func onWorker<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            worker.submit { continuation.resume(returning: Result(catching: work)) }
        }
        return try result.get()
    }
}

/// Why a training run ended early.
enum TrainingError: Error, Equatable, CustomStringConvertible {
    case modelGone
    case refused(String)
    case void(String)

    var description: String {
        switch self {
        case .modelGone: "train: the model was deleted while it was being trained"
        case .refused(let reason): reason
        case .void(let reason): "train: the op has no effect: \(reason)"
        }
    }
}

extension Duration {
    var seconds: Double {
        let (whole, fraction) = components
        return Double(whole) + Double(fraction) * 1e-18
    }
}

internal import API
internal import Federation
internal import Glibc
internal import Graph
internal import Identity
internal import Learning
internal import Membership
internal import Peer
internal import Replication
internal import Synchronization
internal import Wire

/// How a node trains by itself.
public struct TrainingSettings: Sendable {
    /// False: only when somebody asks for it.
    public var isOn = true
    /// Cores that a step uses.
    public var cores = 1
    /// When; nil: at any time.
    public var hours: TrainHours?

    public init() {}
}

/// Training at this node: the runs that people ask for, and those that follow from ``TrainerSchedule``.
final class TrainerService: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    private let states: TrainerStates
    private let privacy: PrivacyGuard
    let served: ServedWeights
    let history: TrainingHistory
    let curves = TrainingCurves()
    private let settings: TrainingSettings
    private let log: EventLog
    private let state: Mutex<State>
    /// Ops of others since the last look.
    private let heard = Mutex<[PeerID: Int]>([:])
    private let clock = ContinuousClock()
    private let started = ContinuousClock().now

    private struct State {
        var jobs = TrainingJobs()
        var schedule: TrainerSchedule
        /// What the node does by itself.
        var current: Current?
        /// Its last run of each model.
        var runs: [ModelID: TrainingRun] = [:]
        var wakeAt: Instant?
        var unsaved: [ModelID: TrainerSchedule.Standing] = [:]
        var heartbeat: Task<Void, Never>?
        var isStopping = false
        /// While there are any, nothing is trained.
        var pauses = 0
    }

    private struct Current {
        var run: TrainingRun?
        var isCancelled = false
        var task: Task<Void, Never>?
    }

    /// Between two looks at what is due and what has changed.
    private static let beat = Duration.milliseconds(200)
    /// Beats between two notes of how far a course is: what a crash costs.
    private static let beatsPerNote = 25

    init(
        host: NodeHost, graphs: GraphService, states: TrainerStates, privacy: PrivacyGuard, settings: TrainingSettings,
        log: EventLog
    ) {
        self.host = host
        self.graphs = graphs
        self.states = states
        self.privacy = privacy
        self.settings = settings
        self.log = log
        served = ServedWeights(states)
        history = TrainingHistory(database: graphs.database)
        state = Mutex(State(schedule: TrainerSchedule(hours: settings.hours)))
    }

    // MARK: By itself

    func start() {
        guard settings.isOn else { return }
        host.observe { [weak self] ops in
            for op in ops where op.kind == .updateModelWeights && op.void == nil && op.from != nil {
                self?.heard.withLock { $0[op.author, default: 0] += 1 }
            }
        }
        let task = Task { [weak self] in
            var generation: Int?
            var beats = 0
            while !Task.isCancelled {
                beats += 1
                await self?.look(&generation, noting: beats % Self.beatsPerNote == 0)
                try? await Task.sleep(for: Self.beat)
            }
        }
        state.withLock { $0.heartbeat = task }
    }

    /// Ends all training and waits until what was learned is saved, or the patience is over: a database that is
    /// away must not keep the node.
    func stop(within patience: Duration) async {
        let runs = state.withLock { state in
            state.isStopping = true
            state.heartbeat?.cancel()
            state.current?.isCancelled = true
            let runs = [state.current?.run].compactMap(\.self) + state.jobs.all.map(\.run)
            for run in runs { run.cancel() }
            return runs
        }
        let deadline = clock.now + patience
        while clock.now < deadline, runs.contains(where: \.progress.isActive) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        if clock.now < deadline { await save() }
    }

    /// Tells the schedule what has changed.
    private func look(_ generation: inout Int?, noting: Bool) async {
        do {
            let (ids, mayTrain) = try await host.ask { node in
                (node.models, node.state.members.contains(node.identity.peerID) && node.stopped == nil)
            }
            guard mayTrain else { return }
            let now = graphs.age
            if now != generation {
                let print = GraphPrint(try await graphs.current())
                generation = now
                apply { $0.graphChanged(to: print, $1) }
            }
            let known = state.withLock { $0.schedule.known }
            for id in known where !ids.contains(id) { apply { $0.vanished(id, $1) } }
            for id in ids where !known.contains(id) {
                let standing = try await states.standing(of: id)
                apply { $0.appeared(id, standing, $1) }
            }
            let rounds = heard.withLock { heard in
                defer { heard = [:] }
                return heard
            }
            if !rounds.isEmpty { apply { $0.opsArrived(rounds, $1) } }
            if noting, let run = state.withLock({ $0.current?.run }) {
                apply { schedule, _ in schedule.progressed(run.model, rounds: run.progress.round) }
            }
            let isDue = state.withLock { state in state.wakeAt.map { $0 <= time.now } ?? false }
            if isDue { apply { $0.woke($1) } }
            await save()
        } catch {
            log.debug("the trainer looks again: \(error)")
        }
    }

    private var time: TrainerSchedule.Time {
        var seconds = Glibc.time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return TrainerSchedule.Time(
            now: Instant(milliseconds: UInt64((clock.now - started).seconds * 1_000)),
            minuteOfDay: Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }

    /// Gives the schedule an input and carries out what follows.
    private func apply(_ input: (inout TrainerSchedule, TrainerSchedule.Time) -> [TrainerSchedule.Effect]) {
        let time = time
        state.withLock { state in
            for effect in input(&state.schedule, time) {
                switch effect {
                case .start(let id, let work, let rounds, let course):
                    guard !state.isStopping else { continue }
                    state.current = Current()
                    state.current?.task = Task { await self.work(id, work, rounds: rounds, course: course) }
                case .cancel:
                    state.current?.isCancelled = true
                    state.current?.run?.cancel()
                case .wake(let instant): state.wakeAt = instant
                case .keep(let id, let standing): state.unsaved[id] = standing
                }
            }
        }
    }

    private func save() async {
        let unsaved = state.withLock { state in
            defer { state.unsaved = [:] }
            return state.unsaved
        }
        for (id, standing) in unsaved {
            do {
                try await states.save(standing, of: id)
            } catch {
                log.debug("how training stands is not saved: \(error)")
                state.withLock { if $0.unsaved[id] == nil { $0.unsaved[id] = standing } }
            }
        }
    }

    private func work(_ id: ModelID, _ work: TrainerSchedule.Work, rounds: Int, course: UInt64) async {
        let begin = clock.now
        var outcome = TrainerSchedule.Outcome.failed
        do {
            outcome = try await perform(id, work, rounds: rounds, course: course)
        } catch {
            log.warn("training-failed", ["model": id.short, "work": work.rawValue, "cause": "\(error)"])
        }
        if case .finished(let before, let after, _) = outcome {
            let milliseconds = UInt64((clock.now - begin).seconds * 1_000)
            outcome = .finished(before: before, after: after, milliseconds: milliseconds)
            log.info(
                "trained",
                [
                    "model": id.short, "work": work.rawValue, "before": Self.figure(before),
                    "after": Self.figure(after), "ms": "\(milliseconds)",
                ])
        }
        let ended = outcome
        state.withLock { $0.current = nil }
        apply { $0.ended(id, ended, $1) }
    }

    private static func figure(_ mrr: Double?) -> String { mrr.map { "\(($0 * 1_000).rounded() / 1_000)" } ?? "-" }

    private func perform(
        _ id: ModelID, _ work: TrainerSchedule.Work, rounds: Int, course: UInt64
    ) async throws -> TrainerSchedule.Outcome {
        guard let spec = try await host.ask({ $0.spec(of: id) }) else { return .gone }
        let plan = try work.plan(
            spec: spec, graph: try await graphs.current().index, rounds: rounds, course: course, cores: settings.cores)
        let run = TrainingRun(
            model: id, plan: plan, graph: try await graphs.current(for: plan.walks), host: host, states: states,
            served: served, privacy: privacy, curves: curves)
        let mayRun = state.withLock { state in
            guard state.current?.isCancelled == false, !state.isStopping else { return false }
            state.current?.run = run
            state.runs[id] = run
            return true
        }
        guard mayRun else { return .stopped(rounds: rounds) }
        await run.run()
        let progress = run.progress
        if progress.steps > 0 { await history.append(run, agent: spec.agent) }
        switch progress.state {
        case "done": return .finished(before: progress.before, after: progress.validation, milliseconds: 0)
        case "stopped": return .stopped(rounds: progress.round)
        default:
            guard try await host.ask({ $0.spec(of: id) }) != nil else { return .gone }
            log.warn("training-failed", ["model": id.short, "cause": progress.error ?? "-"])
            return .failed
        }
    }

    /// Ends all training, and lets none begin while something is done: what is erased must not be saved again.
    ///
    /// - Throws: a problem when a training does not end, and what `work` throws.
    func paused<Value: Sendable>(_ work: @Sendable () async throws -> Value) async throws -> Value {
        apply { $0.explicitBegan($1) }
        let runs = state.withLock { state in
            state.pauses += 1
            return state.jobs.all.map(\.run) + [state.current?.run].compactMap(\.self)
        }
        defer {
            served.drop()
            state.withLock { $0.pauses -= 1 }
            apply { $0.explicitEnded(nil, $1) }
        }
        let deadline = clock.now + Self.endingTime
        for run in runs { run.cancel() }
        while runs.contains(where: \.progress.isActive) {
            guard clock.now < deadline else {
                throw Problem.unavailable(
                    "a training of this site does not end", remedy: "try again when `shoal model info` says it is done")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await work()
    }

    /// A step takes less than seconds; what was sealed has to become durable.
    private static let endingTime = Duration.seconds(60)

    // MARK: When somebody asks

    /// Begins a run as soon as the node's own has given way.
    ///
    /// - Throws: a problem while the same weights are being trained.
    func train(_ model: ModelID, agent: String, _ plan: TrainingPlan) async throws -> JobReport {
        let run = TrainingRun(
            model: model, plan: plan, graph: try await graphs.current(for: plan.walks), host: host, states: states,
            served: served, privacy: privacy, curves: curves)
        let number: Int? = try state.withLock { state in
            guard !state.isStopping, state.pauses == 0 else {
                throw Problem.unavailable("no training can begin now", remedy: "try again in a moment")
            }
            return state.jobs.add(run, agent: agent)
        }
        guard let number else {
            throw Problem.conflict(
                "'\(agent)' is being trained already", remedy: "wait, or look with `shoal model info`",
                code: "training_already")
        }
        apply { $0.explicitBegan($1) }
        let own = state.withLock { $0.current?.task }
        let task = Task {
            await own?.value
            await run.run()
            await self.history.append(run, agent: agent)
            let counts = plan.weights == .federated && run.progress.round > 0
            self.apply { $0.explicitEnded(counts ? model : nil, $1) }
        }
        state.withLock { $0.jobs.attach(task, to: number) }
        return JobReport(id: number, agent: agent, training: run.progress)
    }

    func job(_ number: Int) -> JobReport? { state.withLock { $0.jobs.report(number) } }

    /// Ends a run after the step it is in, and waits for that.
    ///
    /// - Returns: nil for a number that nobody has.
    func cancel(_ number: Int) async -> JobReport? {
        let job = state.withLock { $0.jobs[number] }
        job?.run.cancel()
        await job?.task?.value
        return self.job(number)
    }

    // MARK: Reports

    /// The latest run of a model that somebody asked for.
    func latest(of model: ModelID) -> TrainingReport? { state.withLock { $0.jobs.latest(of: model)?.progress } }

    func report(of model: ModelID) -> TrainerReport {
        let now = time.now
        return state.withLock { state in
            let standing = state.schedule.standing(model)
            let waiting = state.schedule.waiting(model, now)
            let doing = state.schedule.doing(model)
            return TrainerReport(
                state: !settings.isOn ? "off" : doing != nil ? "working" : waiting != nil ? "waiting" : "resting",
                work: (doing ?? waiting?.work)?.rawValue,
                nextSeconds: doing == nil ? waiting.map { Double($0.milliseconds) / 1_000 } : nil,
                run: state.runs[model]?.progress, best: standing?.best, failures: standing?.failures ?? 0)
        }
    }
}

extension TrainerSchedule.Work {
    /// Rounds, and the share of the recipe's learning rate. Corrections of UMLS-fed3 (see ``TrainerSchedule``) at
    /// 0.05, 0.1, 0.3 and 1 while the others go on: .91 .95 .97, .92 .95 .97, .92 .94 .96, .92 .86 .90. That was with
    /// 50 steps a round and one answer a step. With the recipe's fewer steps only the test of skew was measured again:
    /// all correcting at 0.3 end about .03 below alone or better.
    private var course: (rounds: Int, peak: Float) {
        switch self {
        case .learn: (StandardRecipe.rounds, 1)
        case .refresh: (10, 0.3)
        case .correct: (TrainerSchedule.correction, 0.3)
        case .adapt: (Adaptation.rounds, Adaptation.peak)
        case .measure: (0, 1)
        }
    }

    func plan(spec: ModelSpec, graph: GraphIndex, rounds: Int, course number: UInt64, cores: Int) throws -> TrainingPlan
    {
        let (count, peak) = course
        let weights: Weights = self == .measure || self == .adapt ? .served : .federated
        let request = TrainRequest(
            agent: spec.agent, weights: weights, rounds: count, seed: Int(truncatingIfNeeded: number & 0xFFFF_FFFF))
        var plan = try TrainingPlan(
            request, context: spec.shape.context, edges: graph.edgeCount, nodes: graph.nodeCount)
        plan.options = StandardRecipe.options(plannedSteps: max(count, 1) * plan.steps)
        plan.options.learningRate *= peak
        if self != .learn { plan.options.warmupSteps = 0 }
        if self == .correct { plan.options.schedule = .constant }
        plan.firstRound = min(rounds, max(0, count - 1))
        plan.threads = cores
        plan.isService = true
        return plan
    }
}

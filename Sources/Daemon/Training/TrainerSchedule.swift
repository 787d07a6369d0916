internal import Identity
internal import Federation
internal import Wire

/// When this site trains which model by itself, one at a time.
///
/// ```
///  new model, graph changed                 ops of others
///            │                                    │
///            ▼                                    ▼
///     learn, refresh ──▶ correct ◀── fell ──── measure
///            │            │   ▲ │                 │
///            │            └───┘ │ no better       │
///            │            better│ rest            │
///            └──────────▶ adapt ◀─────────────────┘   once nobody is heard
/// ```
/// What one site learns alone costs the others some of theirs, so whoever has lost something answers with gentle
/// corrections, and where all do, all gain. Measured on UMLS-fed3 and Kinship-fed3, two sites 20 of 40 rounds late:
/// the first ends at .74 and .64; after 40 rounds of corrections by all three, at .93 and .84, and the others no
/// worse (.96 .97, .82 .82). Corrections by the first alone bring it back and take the others to .82 and .51.
///
/// A network in which nobody imports comes to rest. A site answers others at once, with fewer rounds than it heard.
/// It begins corrections by itself only while it gets better than ever; after that it rests twice as long before
/// each further one, and in the end takes what the network gives it.
///
/// A value without a clock: each input takes the time and returns what to do, in order.
struct TrainerSchedule: Sendable {
    /// What is done to a model at one time.
    enum Work: String, Sendable, CaseIterable {
        /// Asks the merged weights, and those adapted before, this site's validation questions.
        case measure
        /// Adapts the merged weights for this site alone.
        case adapt
        /// A few rounds at a low rate: brings back what others have overwritten, and learns on.
        case correct
        /// A short course, for a graph that changed a little.
        case refresh
        /// The standard recipe.
        case learn
    }

    /// What is known of a model, kept across restarts.
    struct Standing: Sendable, Equatable {
        var wanted: Work?
        /// Rounds of it that are done: it was stopped on its way.
        var rounds = 0
        var wantsAdapting = false
        /// Attempts in a row that improved nothing.
        var failures = 0
        /// The best MRR of the merged weights on this site's questions.
        var best: Double?
        /// The graph that was trained on last.
        var trained = GraphPrint.empty
        /// Pieces of work begun: each draws other walks.
        var courses: UInt64 = 0
    }

    /// How a piece of work ended.
    enum Outcome: Sendable, Equatable {
        /// - Parameters:
        ///   - before: MRR of the merged weights, nil for a site without questions.
        ///   - milliseconds: what it took.
        case finished(before: Double?, after: Double?, milliseconds: UInt64)
        /// After so many rounds of the course, because something else goes first.
        case stopped(rounds: Int)
        case failed
        /// The model was deleted.
        case gone
    }

    enum Effect: Sendable, Equatable {
        /// - Parameters:
        ///   - rounds: of the course that are done already.
        ///   - course: the number of the course, from 1.
        case start(ModelID, Work, rounds: Int, course: UInt64)
        /// Ends what runs, soon; ``ended(_:_:_:)`` follows.
        case cancel
        /// Call ``woke(_:)`` then; replaces any earlier one.
        case wake(at: Instant)
        /// Makes it survive a restart.
        case keep(ModelID, Standing)
    }

    /// The time by the machine's clock and by the one on the wall.
    struct Time: Sendable {
        let now: Instant
        let minuteOfDay: Int
    }

    private struct Model {
        var standing: Standing
        /// Nothing that trains begins before.
        var restsUntil: Instant
        /// Adapting waits until no op has come for a while, and for its own share of time.
        var adaptsFrom: Instant
        var lastRun = Instant(milliseconds: 0)
        /// The graph changed while it was worked on.
        var isRenewed = false
        /// Others were heard while it was worked on.
        var heard = false
        /// Rounds of each other site, and own corrections, since it was last quiet.
        var rounds: [PeerID: Int] = [:]
        var corrected = 0
        var activeAt = Instant(milliseconds: 0)

        /// Rounds with which this site may answer. Counted against the busiest of the others, or the answers of
        /// several to each other would grow.
        var credit: Double { TrainerSchedule.answer * Double(rounds.values.max() ?? 0) - Double(corrected) }

        mutating func active(_ now: Instant) {
            if now - activeAt > TrainerSchedule.episodeMs { (rounds, corrected) = ([:], 0) }
            activeAt = now
        }
    }

    private struct Running {
        let model: ModelID
        let work: Work
        /// Of a correction.
        let rounds: Int
        let graph: GraphPrint
        var isCancelled = false
    }

    private let hours: TrainHours?
    private var graph = GraphPrint.empty
    private var models: [ModelID: Model] = [:]
    private var running: Running?
    /// Training runs that a person asked for: they go first.
    private var explicit = 0

    init(hours: TrainHours? = nil) { self.hours = hours }
}

extension TrainerSchedule {
    // MARK: What happens

    /// A model is known, as a person sees it for the first time in this process.
    ///
    /// - Parameter standing: as it was kept, if ever.
    mutating func appeared(_ id: ModelID, _ standing: Standing?, _ time: Time) -> [Effect] {
        guard models[id] == nil else { return [] }
        var model = Model(
            standing: standing ?? Standing(), restsUntil: time.now + Self.startMs, adaptsFrom: time.now + Self.startMs)
        // Others may have gone on while this node was down.
        if standing != nil, model.standing.wanted == nil { model.standing.wanted = .measure }
        renew(&model)
        models[id] = model
        return decide(time)
    }

    mutating func vanished(_ id: ModelID, _ time: Time) -> [Effect] {
        models[id] = nil
        if running?.model == id { return cancelRunning() }
        return decide(time)
    }

    mutating func graphChanged(to graph: GraphPrint, _ time: Time) -> [Effect] {
        guard graph != self.graph else { return [] }
        self.graph = graph
        for id in models.keys.sorted() {
            models[id]!.restsUntil = time.now + Self.quietMs
            models[id]!.standing.failures = 0
            renew(&models[id]!)
        }
        // What runs goes on with the new graph.
        return cancelRunning() + decide(time)
    }

    /// Weights of others were applied, of whichever model.
    ///
    /// - Parameter rounds: of each site since the last time.
    mutating func opsArrived(_ rounds: [PeerID: Int], _ time: Time) -> [Effect] {
        for id in models.keys.sorted() {
            var model = models[id]!
            model.standing.wantsAdapting = true
            model.adaptsFrom = max(model.adaptsFrom, time.now + Self.quietMs)
            model.active(time.now)
            model.rounds.merge(rounds, uniquingKeysWith: +)
            if running?.model == id {
                model.heard = true
            } else if model.standing.wanted == nil {
                model.standing.wanted = .measure
                model.restsUntil = time.now + (model.credit >= 1 ? Self.hearMs : Self.quietMs)
            } else if model.standing.wanted == .correct, model.credit >= 1 {
                model.restsUntil = min(model.restsUntil, time.now + Self.hearMs)
            }
            models[id] = model
        }
        return decide(time)
    }

    /// A person's own training goes first.
    mutating func explicitBegan(_ time: Time) -> [Effect] {
        explicit += 1
        return cancelRunning()
    }

    /// - Parameter id: the model whose federated weights were trained on this site's graph; nil for others.
    mutating func explicitEnded(_ id: ModelID?, _ time: Time) -> [Effect] {
        explicit -= 1
        var effects: [Effect] = []
        if let id, models[id] != nil {
            models[id]!.standing.wanted = .measure
            models[id]!.standing.rounds = 0
            models[id]!.standing.failures = 0
            models[id]!.standing.trained = graph
            models[id]!.standing.wantsAdapting = true
            effects = [.keep(id, models[id]!.standing)]
        }
        return effects + decide(time)
    }

    mutating func woke(_ time: Time) -> [Effect] { decide(time) }

    /// A course is on its way: what a crash need not repeat.
    mutating func progressed(_ id: ModelID, rounds: Int) -> [Effect] {
        guard let running, running.model == id, running.work == .learn || running.work == .refresh,
            let model = models[id], !model.isRenewed, model.standing.rounds != rounds
        else { return [] }
        models[id]!.standing.rounds = rounds
        return [.keep(id, models[id]!.standing)]
    }

    mutating func ended(_ id: ModelID, _ outcome: Outcome, _ time: Time) -> [Effect] {
        guard let run = running, run.model == id else { return decide(time) }
        running = nil
        guard var model = models[id] else { return decide(time) }
        model.lastRun = time.now
        switch outcome {
        case .gone:
            models[id] = nil
            return decide(time)
        case .failed:
            model.standing.failures += 1
            model.restsUntil = time.now + Self.restMs(after: model.standing.failures)
            model.adaptsFrom = model.restsUntil
        case .stopped(let rounds):
            if !model.isRenewed, run.work == .learn || run.work == .refresh { model.standing.rounds = rounds }
        case .finished(let before, let after, let milliseconds):
            if !model.isRenewed {
                finish(&model, run, before, after, time.now)
                rest(&model, run.work, milliseconds, time.now)
            }
        }
        if model.heard, model.standing.wanted == nil { model.standing.wanted = .measure }
        (model.isRenewed, model.heard) = (false, false)
        models[id] = model
        return [.keep(id, model.standing)] + decide(time)
    }

    // MARK: What follows

    /// What a graph that differs from the one trained on last asks for.
    private func renew(_ model: inout Model) {
        let change = graph.change(from: model.standing.trained)
        guard change > 0 else { return }
        model.isRenewed = true
        model.standing.best = nil
        model.standing.rounds = 0
        model.standing.wanted =
            graph.edges == 0 ? nil : change > Self.largeChange || model.standing.wanted == .learn ? .learn : .refresh
        model.standing.wantsAdapting = graph.edges > 0
    }

    private func finish(_ model: inout Model, _ run: Running, _ before: Double?, _ after: Double?, _ now: Instant) {
        if run.work == .adapt {
            model.standing.wantsAdapting = model.heard
            return
        }
        model.standing.wanted = nil
        let score = after ?? 0
        let best = model.standing.best ?? before ?? 0
        model.standing.best = max(best, score)
        switch run.work {
        case .adapt: break
        case .learn, .refresh:
            model.standing.rounds = 0
            model.standing.trained = run.graph
            model.standing.failures = 0
            model.standing.wanted = after == nil ? nil : .correct
            model.standing.wantsAdapting = true
        case .correct:
            model.active(now)
            model.corrected += run.rounds
            model.standing.wantsAdapting = true
            let isBetter = score > (before ?? 0) + Self.improvement
            let isBest = score > best + Self.improvement
            model.standing.failures = isBest ? 0 : model.standing.failures + 1
            let isLow = score < best - Self.tolerance
            let isDisturbed = model.heard || model.credit >= 1
            if isBest || isLow && (isBetter || isDisturbed) { model.standing.wanted = .correct }
            // What nobody took away and nothing brings back is no longer asked for.
            if isLow, !isBetter, !isDisturbed { model.standing.best = score }
        case .measure:
            let isLow = score < best - Self.tolerance
            if isLow, model.standing.failures >= Self.attempts, model.credit < 1 {
                model.standing.best = score
            } else if isLow || score > best + Self.tolerance {
                // When others taught this site something, its own graph may teach more.
                model.standing.wanted = .correct
            }
        }
    }

    private func rest(_ model: inout Model, _ work: Work, _ milliseconds: UInt64, _ now: Instant) {
        switch (work, model.standing.wanted) {
        case (.adapt, _):
            model.adaptsFrom = now + max(Self.quietMs, Self.leisure * milliseconds)
        case (_, .correct):
            // Who began gives the others a moment to join in.
            model.restsUntil =
                model.credit >= 1
                ? now
                : now + (model.standing.failures == 0 ? Self.quietMs : Self.restMs(after: model.standing.failures - 1))
        case (.measure, nil):
            model.restsUntil = now + max(Self.quietMs, Self.leisure * milliseconds)
        case (.measure, _), (.correct, _), (.refresh, _), (.learn, _):
            model.restsUntil = now + Self.restMs(after: model.standing.failures)
        }
    }

    // MARK: Choosing

    private mutating func cancelRunning() -> [Effect] {
        guard running != nil, !running!.isCancelled else { return [] }
        running!.isCancelled = true
        return [.cancel]
    }

    /// The next piece of work for a model, and when.
    private func next(_ model: Model, _ now: Instant) -> (work: Work, at: Instant)? {
        guard graph.edges > 0 else { return nil }
        let work = model.standing.wanted.map { ($0, model.restsUntil) }
        guard model.standing.wantsAdapting else { return work }
        guard let work else { return (.adapt, model.adaptsFrom) }
        // Before the first course nothing is worth adapting, nor what is about to change.
        guard work.0 != .learn, work.1 > now + Self.quietMs else { return work }
        return work.1 <= model.adaptsFrom ? work : (.adapt, model.adaptsFrom)
    }

    private mutating func decide(_ time: Time) -> [Effect] {
        if let hours, !hours.contains(time.minuteOfDay) {
            let opening = Effect.wake(at: time.now + UInt64(hours.minutesUntilOpen(from: time.minuteOfDay)) * 60_000)
            return cancelRunning() + [opening]
        }
        guard explicit == 0, running == nil else { return closing(time) }
        let all = models.keys.sorted().compactMap { id in
            next(models[id]!, time.now).map { (id: id, work: $0.work, at: $0.at, lastRun: models[id]!.lastRun) }
        }
        // Who has waited longest goes first.
        if let chosen = all.filter({ $0.at <= time.now }).min(by: { $0.lastRun < $1.lastRun }) {
            return begin(chosen.id, chosen.work) + closing(time)
        }
        return all.map(\.at).min().map { [.wake(at: $0)] } ?? []
    }

    private mutating func begin(_ id: ModelID, _ work: Work) -> [Effect] {
        var model = models[id]!
        model.isRenewed = false
        model.standing.courses += 1
        let done: Int
        switch work {
        case .learn, .refresh: done = model.standing.rounds
        case .correct: done = model.credit >= 1 ? max(0, Self.correction - Int(model.credit)) : 0
        case .measure, .adapt: done = 0
        }
        running = Running(model: id, work: work, rounds: Self.correction - done, graph: graph)
        models[id] = model
        return [.start(id, work, rounds: done, course: model.standing.courses)]
    }

    /// Looks again when the hours end.
    private func closing(_ time: Time) -> [Effect] {
        guard let hours, running != nil else { return [] }
        return [.wake(at: time.now + UInt64(hours.minutesUntilClose(from: time.minuteOfDay)) * 60_000)]
    }

    // MARK: For reports

    /// What a model waits for: the work, and in how many milliseconds.
    func waiting(_ id: ModelID, _ now: Instant) -> (work: Work, milliseconds: UInt64)? {
        guard running?.model != id, let model = models[id] else { return nil }
        return next(model, now).map { ($0.work, $0.at - now) }
    }

    func doing(_ id: ModelID) -> Work? { running?.model == id ? running?.work : nil }
    func standing(_ id: ModelID) -> Standing? { models[id]?.standing }
    var known: [ModelID] { models.keys.sorted() }
}

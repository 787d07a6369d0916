internal import Identity
internal import API
internal import Wire

/// The training runs that people asked for.
struct TrainingJobs {
    struct Job {
        let agent: String
        let run: TrainingRun
        var task: Task<Void, Never>?
    }

    private var jobs: [Int: Job] = [:]
    private var last = 0
    /// Ended runs beyond this are forgotten, oldest first.
    private static let kept = 100

    /// Adds a run.
    ///
    /// - Returns: its number; nil while the same weights of the same model are being trained.
    mutating func add(_ run: TrainingRun, agent: String) -> Int? {
        let isBusy = jobs.values.contains {
            $0.run.model == run.model && $0.run.plan.weights == run.plan.weights && $0.run.progress.isActive
        }
        guard !isBusy else { return nil }
        last += 1
        jobs[last] = Job(agent: agent, run: run)
        let ended = jobs.filter { !$0.value.run.progress.isActive }.keys.sorted()
        for number in ended.dropLast(Self.kept) { jobs[number] = nil }
        return last
    }

    mutating func attach(_ task: Task<Void, Never>, to number: Int) { jobs[number]?.task = task }

    subscript(number: Int) -> Job? { jobs[number] }

    func report(_ number: Int) -> JobReport? {
        jobs[number].map { JobReport(id: number, agent: $0.agent, training: $0.run.progress) }
    }

    /// The latest run of a model.
    func latest(of model: ModelID) -> TrainingRun? {
        jobs.filter { $0.value.run.model == model }.max { $0.key < $1.key }?.value.run
    }

    var all: [Job] { jobs.keys.sorted().map { jobs[$0]! } }
}

extension TrainingReport {
    /// Whether the run is yet to end.
    var isActive: Bool { state == "waiting" || state == "running" }
}

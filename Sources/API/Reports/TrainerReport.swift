/// What a node does for a model by itself.
public struct TrainerReport: Codable, Sendable, Equatable {
    /// `off`, `working`, `waiting`, or `resting` until there is news.
    public var state: String
    /// What is done, or waits to be: `learn`, `refresh`, `correct`, `measure` or `adapt`.
    public var work: String?
    /// Until it begins, at the earliest.
    public var nextSeconds: Double?
    /// The run under way, or the last one.
    public var run: TrainingReport?
    /// The best MRR of the merged weights on the site's validation questions so far.
    public var best: Double?
    /// Attempts in a row that improved nothing.
    public var failures: Int

    public init(
        state: String, work: String?, nextSeconds: Double?, run: TrainingReport?, best: Double?, failures: Int
    ) {
        self.state = state
        self.work = work
        self.nextSeconds = nextSeconds
        self.run = run
        self.best = best
        self.failures = failures
    }
}

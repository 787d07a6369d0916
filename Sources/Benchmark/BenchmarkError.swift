/// Why a benchmark cannot be run.
public enum BenchmarkError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(String)
    case nothingToLearn(String)
    /// A checkpoint of other data or settings; what differs.
    case otherRun(String)
    case damagedCheckpoint
    /// Copies of the merged model differ: a defect.
    case sitesDisagree
    /// What was measured did something else than it must: a defect.
    case wrongAnswer

    public var description: String {
        switch self {
        case .unreadable(let path): "the folder \(path) cannot be read"
        case .nothingToLearn(let path): "\(path) has no triple to learn from"
        case .otherRun(let what): "the checkpoint belongs to a run with other settings: \(what)"
        case .damagedCheckpoint: "the checkpoint is damaged"
        case .sitesDisagree: "sites that heard the same deltas hold different sums"
        case .wrongAnswer: "what was measured gave a wrong answer"
        }
    }
}

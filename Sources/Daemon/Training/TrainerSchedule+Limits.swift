/// What the schedule waits for, and how much of the time it takes; where the figures come from stands at each.
extension TrainerSchedule {
    /// A node that starts is to find its peers first.
    static let startMs: UInt64 = 3_000
    /// Imports and ops come in groups.
    static let quietMs: UInt64 = 2_000
    /// Who trains is answered soon: the shorter the turns, the more it is as if all trained together.
    static let hearMs: UInt64 = 200
    static let shortestRestMs: UInt64 = 15_000
    static let longestRestMs: UInt64 = 3_600_000
    /// After so many corrections that led to nothing better than before, what there is is enough.
    static let attempts = 6
    /// Rounds with which one heard round may be answered: below 1, so that answers to answers end.
    static let answer = 0.7
    /// What is further apart has nothing to do with each other.
    static let episodeMs: UInt64 = 30_000
    /// Rounds of a correction.
    static let correction = 5
    /// Measuring and adapting may take one part in so many of the time.
    static let leisure: UInt64 = 10
    /// A difference of MRR that is no chance.
    static let improvement = 0.002
    static let tolerance = 0.01
    /// The share of edges that has to change for the whole recipe.
    static let largeChange = 0.1

    /// The rest after `failures` attempts in vain.
    static func restMs(after failures: Int) -> UInt64 {
        min(longestRestMs, shortestRestMs << UInt64(min(failures, 20)))
    }
}

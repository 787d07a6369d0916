public import Identity
public import Replication
internal import Session
public import Wire

/// What a node says about itself: how far it is, and the state that follows from it. The two
/// always belong together, so equal frontiers with different states mean a bug, never bad timing.
public struct Summary: Sendable, Equatable {
    public let frontier: Frontier
    public let frontierDigest: Hash32
    public let stateDigest: Hash32

    public init(frontier: Frontier, stateDigest: Hash32) {
        self.frontier = frontier
        frontierDigest = frontier.digest()
        self.stateDigest = stateDigest
    }
}

/// Intervals and bounds of dissemination. All times in milliseconds.
public enum GossipLimits {
    /// Anti-entropy with one random neighbour, give or take 30 %.
    public static let antiEntropyMs = 10_000
    /// Ops asked for in one PULL. At most 7 KiB each, so the answer fits the sender's queue of 1 MiB.
    public static let opsPerPull: UInt64 = 128
    /// Ops of one neighbour that may wait for others, over all logs: below its share of the pool, which
    /// would refuse the rest.
    public static let opsAhead: UInt64 = 768
    /// After this long without an answer another neighbour is asked.
    public static let answerMs: UInt64 = 5_000
    /// Chunks of 128 KiB of one body asked for at once.
    public static let chunksPerWant = 4
    /// Chunks of all bodies asked of one neighbour at once: what the bulk lane's window of 2 MiB holds, so that the
    /// answers always fit. Most bodies are one chunk, and on a far link as many travel together.
    public static let chunksPerNeighbour = 16
    /// Logs that a neighbour can make us remember it has.
    public static let logsPerNeighbour = 4_096
    /// Logs up to which frontiers are sent whole; larger ones are compared by ranges.
    public static let wholeFrontierLogs = SessionLimits.frontierEntriesPerFrame
    /// Logs of a range that are named instead of splitting it. Smaller saves bytes, and costs round trips.
    public static let logsPerQuestion = 16
    /// Parts that a range is split into: log16(logs / 16) round trips find one log among them.
    public static let rangesPerSplit = 16
    /// Messages that one message about ranges can bring about: 224 KiB, below the queue of the control lane.
    public static let pagesPerAnswer = 4
    /// Messages about ranges that a neighbour gets answered between two rounds of anti-entropy: 10^5 logs of
    /// which it lacks all are told in 100.
    public static let rangeAnswersPerRound = 256
}

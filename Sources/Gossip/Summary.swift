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

    /// - Parameter frontierDigest: another than that of the frontier, of a node whose state is not to be compared.
    public init(frontier: Frontier, stateDigest: Hash32, frontierDigest: Hash32? = nil) {
        self.frontier = frontier
        self.frontierDigest = frontierDigest ?? frontier.digest()
        self.stateDigest = stateDigest
    }
}

/// Intervals and bounds of dissemination. All times in milliseconds.
public enum GossipLimits {
    /// Anti-entropy with one random neighbour, give or take 30 %.
    public static let antiEntropyMs = 10_000
    /// Ops that a neighbour may send unasked, and at once: beyond it they are not read, and anti-entropy brings them.
    public static let pushesPerSecond: UInt64 = 200
    public static let pushBurst: UInt64 = 2_000
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

    /// Neighbours up to which every header is pushed to all (protocol §4): then nothing depends on a tree.
    public static let eagerNeighbours = 8
    /// Ids are gathered so long before they are announced, so that many share a message.
    public static let announceMs: UInt64 = 50
    /// An announced op is asked for after this long, or two round trips: longer than the way along the tree takes, with a
    /// write at each step. Shorter makes links eager that were not needed, longer delays what a broken link held back.
    public static let graftMs: UInt64 = 400
    /// Before the next who announced it is asked.
    public static let graftAgainMs: UInt64 = 1_000
    /// Announced ops that are missing, and of each, neighbours to ask.
    public static let missingAnnounced = 4_096
    public static let announcers = 4
    /// Authors whose ops have a tree of their own; those of more are pushed to all.
    public static let treesOfAuthors = 4_096
    /// Ops asked for in one GRAFT: as many as in a PULL.
    public static let opsPerGraft = 128
}

/// What dissemination did so far, for metrics.
public struct ExchangeCounters: Sendable, Equatable {
    /// Large frontiers this node began to compare by ranges.
    public var comparisons = 0
    /// Messages about ranges that were answered, ranges in the answers, and messages beyond a neighbour's share.
    public var rangesAnswered = 0
    public var rangesSent = 0
    public var rangesRefused = 0
    /// Logs of a neighbour beyond those that are remembered.
    public var logsIgnored = 0

    public init() {}
}

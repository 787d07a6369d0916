/// Sizes and times of the overlay of a large network (HyParView, §4; protocol §4, §8).
public enum OverlayLimits {
    /// Members up to which a network needs no overlay: everybody dials everybody it knows. 31 links cost a site 2 MiB and
    /// 31 PINGs a second; in exchange no site's failure ever has to be worked around.
    public static let everybody = 32
    /// Neighbours a node looks for. A broadcast reaches all of N nodes in about log5 N steps; with fewer than 6, nodes
    /// are cut off when a fifth of them fail at once (protocol §4).
    public static let neighbours = 6
    /// Neighbours it puts up with. The room between the two lets everybody find 6 without pushing others out.
    public static let neighboursAtMost = 8
    /// Below so many, a node that is refused would be cut off by the next failures: it asks as if it had none. Most often
    /// it is one behind a NAT, whom nobody else can ask.
    public static let neighboursAtLeast = 3
    /// Sites known beside them: 5 × neighbours (the paper: 30 for 10,000 nodes), from whom failed ones are replaced.
    public static let known = 30
    /// Sites that could not be reached, tried again now and then: how a split heals.
    public static let lost = 64
    /// Steps that the news of a joining site goes at most (ARWL), and where on the way it is remembered (PRWL).
    public static let joinHops = 6
    public static let rememberAt = 3
    /// Of a shuffle: so many neighbours (ka) and so many others (kp), and the sender itself.
    public static let shuffledNeighbours = 3
    public static let shuffledOthers = 4
    /// Between visits to somebody who is no neighbour, give or take 30 %.
    public static let visitEveryMs = 10_000
    /// One visit in this many goes to who could not be reached last time.
    public static let lostEvery = 8
    /// A visit lasts until both have the same ops, at least and at most so long.
    public static let visitMs: UInt64 = 1_000
    public static let visitAtMostMs: UInt64 = 30_000
    /// A guest that has not said what it wants, or does not leave.
    public static let guestMs: UInt64 = 60_000
    /// For the answer of who was asked to be a neighbour, and before it is asked again when it had no room.
    public static let answerMs: UInt64 = 5_000
    public static let refusedMs: UInt64 = 30_000
    /// Dials at once, and pauses after failures: 0.25 s doubled up to 5 s, full jitter.
    public static let dialsAtOnce = 4
    public static let backoffMinMs: UInt64 = 250
    public static let backoffMaxMs: UInt64 = 5_000
    /// Between looks for neighbours while there is nobody to ask.
    public static let lookMs: UInt64 = 1_000
}

/// What the overlay did so far, for metrics.
public struct OverlayCounters: Sendable, Equatable {
    public var visits = 0
    public var failedDials = 0
    /// Requests to be a neighbour that found no room, and neighbours let go to make some.
    public var refused = 0
    public var dropped = 0

    public init() {}
}

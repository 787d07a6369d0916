/// How an op got around: from its author's disk to everybody's.
public struct Spread: Sendable, Equatable {
    public let kind: String
    /// When its author had it on its disk.
    public let sinceMs: UInt64
    /// Until the last site had it on its own.
    public let everywhereMs: UInt64
    /// From site to site, on the way by which it first came to each; the longest.
    public let hops: Int
}

/// How a question to all electors was answered.
public struct Decision: Sendable, Equatable {
    public let kind: String
    /// From the request until its author, and until everybody, had the certificate on disk.
    public let certifiedMs: UInt64
    public let everywhereMs: UInt64
    /// Ops signed for it, and bytes that each site received until then, on average, beyond what it receives when nothing happens.
    public let ops: Int
    public let bytesPerSite: Double
}

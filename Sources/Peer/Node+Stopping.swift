internal import Consensus
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// The end of a node, and of what it will never write.
extension Node {
    /// Ends all applying: what is durable stays, peers are told goodbye.
    mutating func stop(_ reason: String, now: Instant, _ effects: inout [Effect]) {
        guard stopped == nil else { return }
        stopped = reason
        refuseSubmissions(reason, &effects)
        for (ticket, _) in openBatch?.results ?? [] { effects.append(.submitted(ticket: ticket, .refused(reason))) }
        openBatch = nil
        effects.append(.notice(.stopped(reason: reason)))
        for number in connections.keys.sorted() { end(number, .shutdown, "this node stops", now: now, &effects) }
    }

    /// A quorum has agreed on rules that this node does not know: it would judge ops in another way than the others. What
    /// told it so is not stored, so it is heard again by whatever version starts next.
    var isOutdated: Bool { state.consensus.latest.policy.foldVersion > configuration.latestFold }

    static func needsNewer(_ version: UInt64) -> String {
        "the network follows fold version \(version) from its latest checkpoint on, which this shoal does not know: "
            + "install a newer one and start it; nothing is lost"
    }

    /// The batch on its way will never be confirmed. The journal may have its ops: then the next start
    /// takes them in.
    mutating func refuseInFlight(_ reason: String, _ effects: inout [Effect]) {
        for (ticket, _) in inFlight?.results ?? [] {
            let why = "\(reason); the op was on its way to the disk and may show up after a restart"
            effects.append(.submitted(ticket: ticket, .refused(why)))
        }
        inFlight = nil
    }
}

/// What happened so far, for metrics and status.
public struct Counters: Sendable, Equatable {
    public var opsApplied = 0
    public var opsVoid = 0
    public var forks = 0
    /// By code.
    public var refused: [String: Int] = [:]
    public var batches = 0
    public var connectionsOpened = 0
    /// Connections between two that had dialled each other; one of each pair was ended.
    public var simultaneousOpens = 0
    public var bodiesFetched = 0
    /// Messages that waited for a peer's credit, over connections that are closed.
    public var creditWaits = 0
    /// Messages of peers that were too fast: their credit went back later.
    public var creditThrottled = 0
    /// Bytes of bodies received that were needed, and all that were received.
    public var bodyBytesUseful = 0
    public var bodyBytesReceived = 0
    /// Headers that came in, and those of them that were here already.
    public var headersReceived = 0
    public var headersKnown = 0

    mutating func refuse(_ code: String) { refused[code, default: 0] += 1 }
}

internal import Identity
internal import Wire

/// Keeps a training site in step with the others that train at the same time.
///
/// Rounds need no order, but who ends early is left behind by what the others change afterwards. Measured on
/// UMLS-fed3: a site that was 20 of 40 rounds ahead at the end fell from MRR .93 to .76, below the .92 that it
/// reaches alone; in step, all sites gain. So a site that gets ahead waits for the slowest that it hears training.
/// Nobody leads, and who falls silent is not waited for.
///
/// A value without a clock: the caller passes `now`.
struct Pace: Sendable {
    /// Rounds that a site may be ahead: enough for those that are on their way.
    static let lead = 2
    /// A site that published nothing for so long does not train, or is too slow to wait for; longer when own
    /// rounds take longer.
    static let patienceMs: UInt64 = 2_000
    private static let patienceRounds: UInt64 = 3

    /// Rounds of a lead at the start for which it is waited: as many as one request or a slow start may cost.
    static let start = 10

    private struct Peer {
        var rounds: UInt64
        var heardAt: Instant?
        /// Where both stood when it was first heard, or heard again after a silence.
        var since = (own: 0, rounds: UInt64(0))
    }

    private var peers: [PeerID: Peer] = [:]
    /// Rounds that this site has completed, and how long the last took.
    private var own = 0
    private var roundMs: UInt64 = 0

    /// Notes a completed round of this site.
    mutating func completed(in roundMs: UInt64) {
        own += 1
        self.roundMs = roundMs
    }

    /// Whether the next round may begin.
    ///
    /// - Parameter rounds: those of each other member, of this model, that are applied here. Of training alone: with
    ///   Koi a site signs several votes and measurements a round.
    mutating func mayBegin(rounds: [PeerID: UInt64], now: Instant) -> Bool {
        let patience = max(Self.patienceMs, Self.patienceRounds * roundMs)
        var isAhead = false
        for (id, count) in rounds {
            guard var peer = peers[id] else {
                peers[id] = Peer(rounds: count)
                continue
            }
            let isHeard = peer.heardAt.map { now < $0 + patience } ?? false
            if count > peer.rounds {
                if peer.heardAt == nil {
                    // It begins later: what this site has done meanwhile is its lead, within reason.
                    peer.since = (max(0, own - Self.start), peer.rounds)
                } else if !isHeard {
                    peer.since = (own, count)
                }
                peer.rounds = count
                peer.heardAt = now
                peers[id] = peer
            } else if !isHeard {
                continue
            }
            isAhead = isAhead || own - peer.since.own >= Int(count - peer.since.rounds) + Self.lead
        }
        return !isAhead
    }
}

internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// One site: its node while it runs, its disk always.
struct Site {
    var identity: KeyPair
    /// Under which it was known before.
    var formerKeys: [PeerID] = []
    /// What its operator is about to do, and since when a rotation could pay.
    var departure: Departure?
    var rotatesSince: UInt64?
    /// It runs a shoal that does not know the latest rules.
    var isOutdated = false
    /// Its process is not started before.
    var awayUntil: UInt64 = 0
    /// It has left and does not run again.
    var isGone = false
    /// What its `.peers` file lists.
    var contacts: [Contact]
    /// What its clock is ahead of the world's; clocks of sites have nothing in common.
    /// Another after every start, as a monotonic clock is.
    var clockOffset: UInt64 = 0
    var node: Node?
    var disk = Disk()
    /// Counts starts.
    var life = 0
    /// The world's time of the one timer that is armed.
    var wakeAt: UInt64?
    /// A batch whose journal records are being written.
    var journaling: StoreBatch?
    /// Crash before this many effects more have been carried out.
    var effectsUntilCrash: Int?
    /// Crash in the middle of the next write to the journal, or right after it.
    var crashesInJournal = false
    /// While it gets no processor time: what waits for it, in order.
    var backlog: [Occurrence]?
    /// The next write fails.
    var isDiskFull = false
    /// Its node was told so and has stopped.
    var hasStopped = false
    /// The frontier that was checked last.
    var checked: Hash32?
    /// Events handled, and frames written that do more than keep links alive, since the network is quiet.
    var idleEvents = 0
    var idleFrames = 0
    /// Written and not yet given to the network, in order.
    var unsent: [(connection: ConnectionNumber, bytes: Bytes)] = []

    init(identity: KeyPair, contacts: [Contact]) {
        self.identity = identity
        self.contacts = contacts
    }
}

internal import Consensus
internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// What can be on the schedule of a ``World``.
///
/// `life` counts the starts of a site: what was meant for an earlier life finds nobody.
enum Occurrence {
    /// The timer that was armed for this time.
    case wake(site: Int, life: Int, armed: UInt64)
    /// TLS is up at one end.
    case opened(ConnectionNumber, end: Int)
    case arrival(ConnectionNumber, from: Int, Network.Piece)
    /// An end learns that its connection broke.
    case reset(ConnectionNumber, end: Int)
    /// A dial reaches the other side, or what is left of it.
    case dial(site: Int, life: Int, target: Int, dial: UInt64)
    /// Something the shell answers.
    case answer(site: Int, life: Int, Event)
    case disk(site: Int, life: Int, DiskStep)
    case fault(Fault)
    case unblock(from: Int, to: Int)
    /// A starved site gets the processor again.
    case resume(site: Int)
    case crash(site: Int, life: Int)
    case restart(site: Int)
    case submit
    /// A member of a network with more sites than founders is let in.
    case admit
    /// Something is put to all electors, and the time of rest before.
    case ask(Int)
    case rest
    /// The network falls into two halves.
    case split
    case admitJoiner
    /// Some site drops bodies that sums can stand for.
    case retain
    /// Operators say yes to something.
    case agree
    /// An operator looks after a site that leaves, or goes on under another key.
    case depart(Int)
    case away(Int, until: UInt64)
    case hostile(Int)
    /// Refold some site's ops.
    case inspect
    /// Everything is repaired, nobody is asked for anything any more.
    case healed
    case poll
}

/// What writes go through, one step after the other; a crash comes in between.
enum DiskStep {
    case journaled(StoreBatch)
    case committed(StoreBatch)
    case merged(StateSnapshot)
    case readOps(request: UInt64, [OpRange])
    case readBody(request: UInt64, Hash32)
    case keepPart(BlockSums, Int, Bytes)
    case pin([BlockSums], StateSnapshot)
    case drop(BlockSums)
}

/// What goes wrong by itself, again and again.
enum Fault: UInt64, CaseIterable {
    case reset
    case partition
    case crash
    case pause
    case fullDisk
    case backup
}

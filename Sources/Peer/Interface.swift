public import Consensus
internal import Gossip
public import Identity
public import Membership
public import Replication
public import Session
public import Wire

/// A connection as the shell numbers it; never reused within a process.
public typealias ConnectionNumber = UInt64

/// Where a member can be dialled, as the site's `.peers` files say.
public struct Contact: Sendable, Equatable {
    public let peer: PeerID
    /// `HOST:PORT`, resolved by the shell.
    public let address: String
    public let name: String

    public init(peer: PeerID, address: String, name: String) {
        self.peer = peer
        self.address = address
        self.name = name
    }
}

/// What a node is told once.
public struct NodeConfiguration: Sendable {
    public var genesis: Genesis
    public var contacts: [Contact]
    /// Where this node can be reached, told to peers in HELLO.
    public var listenAddresses: [String]
    /// Ops are folded into a snapshot of the accumulators at least this often.
    public var snapshotEveryOps = 256
    /// Members up to which everybody is connected with everybody it can dial.
    public var everybody = OverlayLimits.everybody
    /// The log to open if the old one cannot be continued: random, new for every start.
    public var freshLog: LogID
    /// Whether a node that holds no delta asks for certified sums before it fetches bodies.
    public var beginsWithSums = true
    /// This node's own deltas whose sums are certified together.
    public var sumsEveryDeltas = 256
    /// Whether this node tells other members whose address it knows, and dials those that it is told of.
    public var discovers = true
    /// The latest fold version that this node follows; less than the latest there is to rehearse an upgrade.
    public var latestFold = NetworkPolicy.latestFold

    public init(genesis: Genesis, contacts: [Contact], listenAddresses: [String], freshLog: LogID) {
        self.genesis = genesis
        self.contacts = contacts
        self.listenAddresses = listenAddresses
        self.freshLog = freshLog
    }
}

/// Everything that can happen to a node.
public enum Event: Sendable {
    /// The time of ``Effect/wake(at:)`` has come.
    case wake
    /// TLS is up. `dial` is that of ``Effect/dial(_:address:dial:)`` when this node dialled.
    case opened(ConnectionNumber, role: Role, dial: UInt64?, exporter: Bytes)
    case received(ConnectionNumber, Bytes)
    case closed(ConnectionNumber)
    case dialFailed(UInt64)
    /// The user or a service of this node wants an op signed.
    case submit(ticket: UInt64, kind: OpKind, body: Bytes)
    /// Batch `number` is durable.
    case persisted(UInt64)
    /// The store cannot write: the disk is full, the database is gone for good.
    case persistFailed(String)
    case snapshotWritten
    case opsLoaded(request: UInt64, envelopes: [Bytes])
    case bodyLoaded(request: UInt64, body: Bytes?)
    case contactAdded(Contact)
    /// Answers ``Effect/join(_:peer:_:)``.
    case joinAnswered(ConnectionNumber, JoinMessage)
    /// Answers ``Effect/measure(_:_:)``; nil: this site's data says nothing about it.
    case measured(QuestionID, numbers: [Int64]?)
    /// Answers ``Effect/sum(_:)``; nil: a body is not here, or there is nothing to certify.
    case summed(LogBlock, BlockSums?)
    /// Answers ``Effect/pin(_:_:)``.
    case pinned([BlockSums])
    /// The operator keeps no bodies that certified sums can stand for: see ``Node/droppable``.
    case drop(BlockSums)
    /// The operator of this site agrees: the node votes for an open question of this slot, or asks it.
    case affirm(Proposition)
}

/// Everything a node can ask its shell to do, in this order.
public enum Effect: Sendable, Equatable {
    /// Send ``Event/wake`` at this time; replaces any earlier one.
    case wake(at: Instant)
    case dial(PeerID, address: String, dial: UInt64)
    case write(ConnectionNumber, Bytes)
    /// The other end has proven which member it is: it no longer counts as a stranger.
    case authenticated(ConnectionNumber)
    /// Close after what was written is out.
    case close(ConnectionNumber)
    /// Journal, then store; answer ``Event/persisted(_:)``.
    case persist(StoreBatch)
    /// Answer ``Event/snapshotWritten``.
    case writeSnapshot(StateSnapshot)
    /// Read envelopes of these ranges in order; answer ``Event/opsLoaded(request:envelopes:)``.
    case loadOps(request: UInt64, [OpRange])
    case loadBody(request: UInt64, Hash32)
    /// A submitted op is durable, or will never be.
    case submitted(ticket: UInt64, SubmitResult)
    /// These ops took effect here and are durable, in this order.
    case applied([AppliedOp])
    /// An elector is asked: measure on this site's own data and answer ``Event/measured(_:numbers:)``. Asked again
    /// after half a minute without an answer.
    case measure(QuestionID, Question)
    /// Add up the deltas of a block elsewhere (``Node/work(of:)``), keep the parts so that they can be served by their
    /// hashes, and answer ``Event/summed(_:_:)``. Asked again after five minutes without an answer.
    case sum(LogBlock)
    /// Keep a part of sums, whose hash was checked, by the time of ``pin(_:_:)``.
    case keepPart(BlockSums, Int, Bytes)
    /// Note durably, and at once with the accumulators, that these sums stand for bodies that are not here; answer
    /// ``Event/pinned(_:)``.
    case pin([BlockSums], StateSnapshot)
    /// Drop the bodies of the deltas of this block, whose sums are kept and stand for them from now on.
    case drop(BlockSums)
    /// A stranger, who has proven to have the key of `peer`, redeems a ticket: answer ``Event/joinAnswered(_:_:)``.
    case join(ConnectionNumber, peer: PeerID, JoinRequest)
    case notice(Notice)
}

public enum SubmitResult: Sendable, Equatable {
    case done(OpID)
    /// The node signed it, but by the rules it has no effect.
    case void(OpID, VoidReason)
    case refused(String)
}

/// What an observer learns of an applied op.
public struct AppliedOp: Sendable, Equatable {
    public let id: OpID
    public let author: PeerID
    public let seq: UInt64
    public let kind: OpKind
    public let bodyLength: Int
    public let void: VoidReason?
    /// The neighbour that brought it; nil for the node's own.
    public let from: PeerID?
}

/// Something an operator may want to know.
public enum Notice: Sendable, Equatable {
    case connected(PeerID)
    case disconnected(PeerID, reason: String)
    /// A peer did what no correct node does; it is shut out until then.
    case banned(PeerID, reason: String, until: Instant)
    /// An op was not taken in, and why.
    case refused(OpID?, code: String, from: PeerID?)
    /// Two ops of one author at one place: a fork, usually a copied key or a restored backup. What that log said
    /// from there on is taken back, and the proof is stored.
    case fork(ForkProof)
    /// Same ops, other state: a bug. Applying has stopped.
    case diverged(PeerID, ours: Hash32, theirs: Hash32)
    case openedLog(LogID, reason: String)
    /// A member was found where others had said: this contact should be listed at the next start.
    case reached(Contact)
    /// Certified sums stand for the bodies of earlier deltas.
    case beganWithSums(blocks: Int, bytes: UInt64)
    /// Certified sums took the place of bodies that nobody has any more.
    case replacedBodies(blocks: Int, bytes: UInt64)
    case stopped(reason: String)
}

/// Bounds of the node as a whole (protocol §8, §9).
public enum NodeLimits {
    public static let connections = 128
    /// Strangers with a ticket at once, and how long each may take.
    public static let guests = 8
    public static let guestMs: UInt64 = 30_000
    public static let dialsAtOnce = 4
    public static let backoffMinMs: UInt64 = 250
    /// A connection that lasted this long was a success: the next dial need not wait longer.
    public static let steadyMs: UInt64 = 5_000
    /// For those that the operator has listed.
    public static let backoffMaxMs: UInt64 = 5_000
    /// For those that others have told of, and those that have left: it may be for ever in vain.
    public static let backoffSeldomMs: UInt64 = 600_000
    /// How often a contact that has left is dialled, to be told so: about eight hours long.
    public static let farewells = 100
    public static let banMs: UInt64 = 3_600_000
    public static let opsPerBatch = 512
    public static let bytesPerBatch = 16 * 1_024 * 1_024
    /// How long a start waits for a peer to confirm where the own log ends.
    public static let confirmMs: UInt64 = 5_000
    /// Ops that wait for the node's signature.
    public static let submissions = 256
    /// Questions of one peer that the store has not answered; a correct peer has a few.
    public static let loadsPerPeer = 32
    /// Good signatures that are recognised when they come again, in ops, votes and certificates; as many again while they
    /// age.
    public static let signatures = 16_384
    /// Ops that are recognised when they come again; as many again while they age. Neighbours push within seconds.
    public static let rememberedOps = 256
    /// Proofs of forks that wait to be carried out.
    public static let pendingProofs = 64
    /// Searches for the place of a fork that are under way; each is answered within seconds.
    public static let forkSearches = 256
    /// Ops beyond a fork that are asked for by id at once, and how long others may bring them before.
    public static let missingOps = 32
    public static let missingAfterMs: UInt64 = 500
    /// Ops of a branch that are served with the one asked for.
    public static let forkedOpsAtOnce: UInt64 = 63
    /// Bodies kept in memory for the peers that will ask for them at once.
    public static let recentBodyBytes = 32 * 1_024 * 1_024
}

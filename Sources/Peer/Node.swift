internal import Consensus
internal import Federation
public import Gossip
public import Identity
internal import Membership
public import Replication
internal import Session
public import Wire

/// A node as one machine: everything it does follows from the events it is given.
///
/// It owns the links to peers, the op log, the state that follows from it, and dissemination. It
/// does no I/O, reads no clock, and draws randomness only from its seed, so the very same code
/// runs in production, in tests and in the simulator.
///
/// ```
/// frames ─▶ Link ─▶ Replica (pool) ─▶ stage: judge + fold ─▶ Effect.persist ─▶ Event.persisted
///                                                                             └▶ publish to peers
/// ```
/// Memory runs at most one batch ahead of the disk, and nothing is told to anybody before it is
/// durable: a frontier that a peer has seen survives any crash.
public struct Node: Sendable {
    public let configuration: NodeConfiguration
    public let identity: KeyPair
    public let network: NetworkID

    public internal(set) var replica = Replica()
    public internal(set) var state: StateFold { didSet { stateChanges &+= 1 } }
    /// How often something may have changed the state, and as of when it is settled.
    var stateChanges: UInt64 = 0
    var settledChanges: UInt64?
    var ops: OpExchange
    var bodies = BodyExchange()
    /// What was last made durable and may be told.
    public internal(set) var summary: Summary
    /// Whether its digest is that of its frontier.
    var isSummaryWhole = true
    var random: Random

    // Connections
    var connections: [ConnectionNumber: Connection] = [:]
    /// The one connection that is used for a peer.
    var established: [PeerID: ConnectionNumber] = [:]
    var contacts: [PeerID: Dialling] = [:]
    /// Where peers say in HELLO that they can be dialled, and when somebody is told next.
    var advertised: [PeerID: String] = [:]
    var tellsAgain: Instant
    /// Up to which change of the members contacts have followed their new keys.
    var followedChanges = 0
    var dials: [UInt64: PeerID] = [:]
    var lastDial: UInt64 = 0
    var banned: [PeerID: Instant] = [:]
    public internal(set) var overlay: Overlay
    /// For so many members the overlay was fitted last.
    var fittedMembers = -1

    /// Peers that let this node go, which has left.
    var releasedBy: Set<PeerID> = []
    /// Contacts and members that turned this node away, and their words.
    var refusedBy: [PeerID: String] = [:]

    /// Who reported another state, and at which frontier.
    var disagreeing: [PeerID: Hash32] = [:]

    // The store
    var inFlight: InFlight?
    var lastBatch: UInt64 = 0
    var applyIndex: UInt64 = 0
    /// The apply index up to which everything is durable.
    public internal(set) var durableIndex: UInt64 = 0
    var sinceSnapshot = 0
    var snapshotInFlight = false
    var loads: [UInt64: Load] = [:]
    var loadsPerPeer: [PeerID: Int] = [:]
    var lastLoad: UInt64 = 0
    /// The ops of the batch that just became durable, while they are pushed.
    var publishing: [OpID: Op] = [:]
    /// Ops that are good, and signatures of ops and votes.
    let memory: OpMemory
    var recentBodies = RecentBodies(maxBytes: NodeLimits.recentBodyBytes)

    // This node's own ops
    var ownLog: OwnLog
    /// Of the last op that the journal gave back at the start.
    var journaledLog: LogKey?
    /// Where this node's votes and debits go.
    var account: Account = .unopened
    /// Peers that showed all they have of this node's account log.
    var accountConfirmations: Set<PeerID> = []
    /// When a start has waited long enough for them.
    var accountPatience: Instant
    /// When peers are asked again to show what they have of it.
    var accountAsk: Instant
    var elector: Elector
    /// When the elector last looked.
    var consulted = Instant(milliseconds: 0)
    /// What the operator agreed to and nobody has asked yet.
    var affirmations: [Proposition] = []
    /// The earliest proof for each forked log.
    public internal(set) var forkProofs: [LogKey: ForkProof] = [:]
    var pendingProofs: [ForkProof] = []
    var retraction: Retraction?
    /// A batch that waits until what it revokes is out of the sums, and the delta that is being read.
    var openBatch: Batch?
    var recounting: StateFold.Recount?
    /// Sums that go into the accumulators, or out, and the parts read so far.
    var addingSums: (sums: BlockSums, bytes: Bytes)?
    var sumsFetch: SumsFetch
    var fetchedSums = FetchedSums.none
    /// While it starts: parts that the store has given.
    var recoveredParts: [Hash32: Bytes] = [:]
    /// Connected peers that understand SUMS_WANT; since when each asks, and for what last.
    var tellsSums: Set<PeerID> = []
    var sumsWants: [PeerID: (since: Instant, last: SumsWant)] = [:]
    var forkSearches: [ForkSearch: Instant] = [:]
    /// When to ask for ops beyond forks that others build on.
    var missingOps: [OpID: Instant] = [:]
    var submissions: [Submission] = []
    /// Peers that showed how much of the own log they have seen.
    var confirmations: Set<PeerID> = []

    var wakeAt: Instant?
    /// Why nothing is applied any more.
    public internal(set) var stopped: String?
    public internal(set) var counters = Counters()

    /// A connection and what is known of its other end.
    struct Connection: Sendable {
        var link: Link
        let role: Role
        let dial: UInt64?
        var peer: PeerID?
        /// When the other end greeted.
        var since = Instant(milliseconds: 0)
        /// A stranger who redeems a ticket, and when that must be over; nil for peers.
        var guest: Guest?
    }

    /// Somebody who is here to redeem a ticket and for nothing else.
    struct Guest: Sendable {
        let peer: PeerID
        let until: Instant
        var hasAsked = false
    }

    /// The state of dialling one contact.
    struct Dialling: Sendable {
        var contact: Contact
        /// By the operator: talked to even before it is known as a member. Others were learned (Node+Addresses.swift).
        var isListed = true
        var attempts = 0
        var inProgress = false
        var next: Instant
        /// How often it was dialled only to be told that it has left.
        var farewells = 0
        /// Learned, reached there, and the shell knows.
        var isKept = false
    }

    /// A batch on its way to the disk, with what to do when it is there.
    struct InFlight: Sendable {
        let batch: StoreBatch
        let results: [(ticket: UInt64, result: SubmitResult)]
        let senders: [OpID: PeerID]
    }

    struct Submission: Sendable {
        /// Nil: the node's own business.
        let ticket: UInt64?
        let kind: OpKind
        let body: Bytes
    }

    /// What a load from the store is for.
    enum Load: Sendable {
        case ops(PeerID)
        /// What stands where another op claims to.
        case evidence(Op, from: PeerID)
        /// An op that is being taken back, and its body.
        case retracted
        case retractedBody
        /// A delta that goes out of the sums or back in, and its body.
        case recounted
        case recountedBody
        /// A part of sums.
        case sumsPart
        case body(PeerID, BlobWant)
    }

    /// Where this node's next op goes.
    enum OwnLog: Sendable, Equatable {
        /// Continues `key` once a peer, or time, says that nobody has seen more of it.
        case unconfirmed(LogKey, until: Instant)
        /// A new log must be opened with the first op.
        case fresh(reason: String)
        case open(LogKey)
    }

    /// Starts from what the store holds.
    ///
    /// - Parameters:
    ///   - seed: for jitter and choices among peers; nothing that must be secret.
    ///   - memory: what this node need not check again; nodes of one process may share it.
    public init(
        configuration: NodeConfiguration, identity: KeyPair, recovered: Recovered, seed: UInt64, now: Instant,
        wallSeconds: UInt64, memory: OpMemory? = nil
    ) throws(RecoveryError) {
        self.configuration = configuration
        self.identity = identity
        network = configuration.genesis.networkID
        random = Random(seed: seed)
        self.memory =
            memory
            ?? OpMemory(
                network: network, signatures: SignatureMemory(limit: NodeLimits.signatures),
                limit: NodeLimits.rememberedOps)
        state = StateFold(genesis: configuration.genesis, signatures: self.memory.signatures)
        let empty = Summary(frontier: Frontier(), stateDigest: .zero)
        summary = empty
        ops = OpExchange(summary: empty, random: Random(seed: seed), now: now)
        overlay = Overlay(
            peer: identity.peerID, address: configuration.listenAddresses.first,
            listed: configuration.contacts.map { KnownPeer(peer: $0.peer, address: $0.address) },
            random: Random(seed: seed ^ 0x6F76_6572), now: now)
        ownLog = .fresh(reason: Node.firstStart)
        elector = Elector(wallClock: WallClock(seconds: wallSeconds, at: now))
        accountPatience = now + NodeLimits.confirmMs
        accountAsk = accountPatience
        tellsAgain = now + UInt64(OverlayLimits.visitEveryMs)
        // Sums stand for deltas that were not added one by one.
        let holdsDeltas = recovered.ops.contains { $0.op.header.kind == .updateModelWeights }
        sumsFetch = SumsFetch(
            genesis: configuration.genesis, signatures: self.memory.signatures,
            begins: configuration.beginsWithSums && !holdsDeltas && recovered.sums.isEmpty
                && configuration.genesis.policy.hasVotes)
        for contact in configuration.contacts where contact.peer != identity.peerID {
            contacts[contact.peer] = Dialling(contact: contact, next: now)
        }
        try recover(recovered, now: now)
        followKeys(now: now)
        summary = currentSummary()
        ops = OpExchange(summary: summary, random: random.split(), now: now)
    }

    /// Works on what the state keeps beside itself, which changes nothing that anybody finds in it.
    mutating func withoutChange<Result>(_ body: (inout StateFold) -> Result) -> Result {
        let changes = stateChanges
        defer { stateChanges = changes }
        return body(&state)
    }

    // MARK: Questions

    /// The log this node appends to, once that is decided and opened.
    public var ownLogKey: LogKey? {
        if case .open(let key) = ownLog { key } else { nil }
    }

    /// Whether this node still waits for peers to show how far its own log goes.
    public var isConfirmingOwnLog: Bool {
        if case .unconfirmed = ownLog { true } else { false }
    }

    /// Connected peers, ascending.
    public var peers: [PeerID] { established.keys.sorted() }

    /// Whether a batch is on its way to the store.
    public var isWriting: Bool { inFlight != nil }

    // MARK: Events

    /// The whole life of a node: an event in, effects out, to be carried out in order.
    public mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .wake:
            wakeAt = nil
            tick(now: now, &effects)
        case .opened(let number, let role, let dial, let exporter):
            opened(number, role: role, dial: dial, exporter: exporter, now: now, &effects)
        case .received(let number, let bytes):
            received(number, bytes, now: now, &effects)
        case .closed(let number):
            closed(number, reason: "connection lost", now: now, &effects)
        case .dialFailed(let dial):
            dialEnded(dial, now: now, &effects)
        case .contactAdded(let contact):
            guard contact.peer != identity.peerID else { break }
            overlay.list(KnownPeer(peer: contact.peer, address: contact.address))
            contacts[contact.peer] = Dialling(contact: contact, next: now)
            followedChanges = -1
        case .joinAnswered(let number, let answer): joinAnswered(number, answer, now: now, &effects)
        case .submit(let ticket, let kind, let body):
            submit(Submission(ticket: ticket, kind: kind, body: body), &effects)
        case .persisted(let number):
            persisted(number, now: now, &effects)
        case .measured(let id, let numbers):
            if case .submit(let kind, let body)? = elector.measured(id, numbers, now: now) {
                submissions.append(Submission(ticket: nil, kind: kind, body: body))
            }
        case .summed(let block, let sums): elector.summed(block, sums, now: now)
        case .pinned(let sums): pinned(sums, now: now, &effects)
        case .drop(let sums): drop(sums, &effects)
        case .affirm(let proposition): affirmations.append(proposition)
        case .persistFailed(let reason):
            stop(reason, now: now, &effects)
            refuseInFlight(reason, &effects)
        case .snapshotWritten:
            snapshotInFlight = false
        case .opsLoaded(let request, let envelopes):
            switch loads.removeValue(forKey: request) {
            case .ops(let peer):
                loadEnded(for: peer)
                for message in Message.ops(batching: envelopes) { send(message, to: peer, now: now, &effects) }
            case .evidence(let offered, let peer):
                loadEnded(for: peer)
                evidenceLoaded(offered, envelopes)
            case .retracted: retractedLoaded(envelopes, now: now, &effects)
            case .recounted: recountedLoaded(envelopes, now: now, &effects)
            case .body, .retractedBody, .recountedBody, .sumsPart, nil: break
            }
        case .bodyLoaded(let request, let body):
            switch loads.removeValue(forKey: request) {
            case .body(let peer, let want):
                loadEnded(for: peer)
                serve(body, want, to: peer, now: now, &effects)
            case .retractedBody: retractedBodyLoaded(body, now: now, &effects)
            case .recountedBody: recountedBodyLoaded(body, now: now, &effects)
            case .sumsPart: sumsPartLoaded(body, now: now, &effects)
            case .ops, .evidence, .retracted, .recounted, nil: break
            }
        }
        followKeys(now: now)
        fetchSums(now: now, &effects)
        partFromThoseWhoLeft(now: now, &effects)
        fitOverlay(now: now, &effects)
        dialContacts(now: now, &effects)
        if Self.concernsElector(event) { consult(now: now, &effects) }
        stage(now: now, &effects)
        armTimer(now: now, &effects)
        return effects
    }

    /// Whether the elector may see something new; most events are frames.
    private static func concernsElector(_ event: Event) -> Bool {
        switch event {
        case .wake, .persisted, .measured, .summed, .affirm, .submit: true
        case .opened, .received, .closed, .dialFailed, .persistFailed, .snapshotWritten, .opsLoaded, .bodyLoaded,
            .contactAdded, .joinAnswered, .pinned, .drop:
            false
        }
    }

    private mutating func tick(now: Instant, _ effects: inout [Effect]) {
        for number in connections.keys.sorted() {
            guard let outputs = connections[number]?.link.tick(now: now) else { continue }
            carryOut(outputs, of: number, now: now, &effects)
        }
        dismissGuests(now: now, &effects)
        if case .unconfirmed(_, let until) = ownLog, until <= now { confirmationTimedOut() }
        exchange(decide { $0.tick(now: now, headersThrough: $1) }, now: now, &effects)
        tickOverlay(now: now, &effects)
        tellAddresses(now: now, &effects)
        bodies.tick(now: now)
        replaceMissingBodies(now: now)
        fetchBodies(now: now, &effects)
        askForMissing(now: now, &effects)
    }

    private mutating func armTimer(now: Instant, _ effects: inout [Effect]) {
        var next = ops.nextDeadline
        for connection in connections.values {
            if let deadline = connection.link.nextDeadline { next = min(next, deadline) }
            if let guest = connection.guest { next = min(next, guest.until) }
        }
        if let deadline = bodies.nextDeadline { next = min(next, deadline) }
        if let deadline = sumsFetch.nextDeadline { next = min(next, deadline) }
        if let deadline = nextTelling { next = min(next, deadline) }
        for time in missingOps.values { next = min(next, time) }
        if mayConsult, let deadline = elector.nextDeadline { next = min(next, deadline) }
        if awaitsAccount, accountPatience > now { next = min(next, accountPatience) }
        if mayAskAboutAccount { next = min(next, accountAsk) }
        if case .unconfirmed(_, let until) = ownLog { next = min(next, until) }
        if let deadline = overlay.nextDeadline, stopped == nil { next = min(next, deadline) }
        if !overlay.isPartial, dials.count < NodeLimits.dialsAtOnce, stopped == nil {
            for (peer, dialling) in contacts
            where !dialling.inProgress && established[peer] == nil && isDialled(peer) {
                next = min(next, max(dialling.next, banned[peer] ?? dialling.next))
            }
        }
        next = max(next, now + 1)
        guard next != wakeAt else { return }
        wakeAt = next
        effects.append(.wake(at: next))
    }
}

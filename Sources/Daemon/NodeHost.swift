internal import Consensus
internal import Identity
internal import Peer
internal import Replication
internal import Session
internal import Synchronization
internal import Transport
internal import Wire

/// Runs the node's machine: turns what sockets, timers and the store report into events, and
/// carries out the effects in order.
///
/// Everything here happens on the event loop's thread, which makes the node single-threaded without
/// a lock. Other threads come in through ``ask(_:)``.
final class NodeHost: @unchecked Sendable {
    private let loop: EventLoop
    private let transport: TLSTransport
    private let keeper: OpKeeper
    private let journalOfEvents: EventLog
    private var node: Node
    private var timer: LoopTimer?
    private var tickets: [UInt64: CheckedContinuation<SubmitResult, Never>] = [:]
    private var lastTicket: UInt64 = 0
    /// Called on the loop when ops took effect.
    private var observers: [@Sendable ([AppliedOp]) -> Void] = []
    private var noticeObservers: [@Sendable (Notice) -> Void] = []
    private var joinHandler: (@Sendable (ConnectionNumber, PeerID, JoinRequest) -> Void)?
    private var summer: (@Sendable (LogBlock) async -> BlockSums?)?
    /// Called once when the node stops applying.
    private let onStopped: @Sendable (String) -> Void
    /// Who answers questions of which kind on this site's own data.
    let measurers = Measurers()

    init(
        loop: EventLoop, transport: TLSTransport, keeper: OpKeeper, node: Node, log: EventLog,
        onStopped: @escaping @Sendable (String) -> Void
    ) {
        self.loop = loop
        self.transport = transport
        self.keeper = keeper
        self.node = node
        journalOfEvents = log
        self.onStopped = onStopped
        keeper.onFailure = { [weak self] reason in self?.post(.persistFailed(reason)) }
        // The loop outlives the host by a few events when the node stops.
        transport.onEvent = { [weak self] in self?.received($0) }
    }

    /// Begins to dial. On the loop.
    func start() { handle(.wake) }

    // MARK: From other threads

    /// Looks at the node, or changes what it caches, on the loop.
    func ask<Value: Sendable>(_ question: @escaping @Sendable (inout Node) -> Value) async throws(TransportError)
        -> Value
    {
        try await loop.perform { question(&self.node) }
    }

    /// Lets the node sign an op; returns when it is durable, or why it will never be.
    func submit(_ kind: OpKind, _ body: Bytes) async -> SubmitResult {
        await withCheckedContinuation { continuation in
            let posted = loop.post {
                self.lastTicket += 1
                self.tickets[self.lastTicket] = continuation
                self.handle(.submit(ticket: self.lastTicket, kind: kind, body: body))
            }
            if !posted { continuation.resume(returning: .refused("sign: this node is stopping")) }
        }
    }

    /// The operator agrees to what the network is, or will be, asked.
    func affirm(_ proposition: Proposition) { post(.affirm(proposition)) }

    /// Lets certified sums stand for bodies, which are dropped.
    func drop(_ sums: BlockSums) { post(.drop(sums)) }

    func add(_ contact: Contact) { post(.contactAdded(contact)) }

    func observe(_ observer: @escaping @Sendable ([AppliedOp]) -> Void) {
        loop.post { self.observers.append(observer) }
    }

    func observeNotices(_ observer: @escaping @Sendable (Notice) -> Void) {
        loop.post { self.noticeObservers.append(observer) }
    }

    /// Who answers strangers with a ticket, with ``answer(_:_:)``. On the loop.
    func onJoin(_ handler: @escaping @Sendable (ConnectionNumber, PeerID, JoinRequest) -> Void) {
        loop.post { self.joinHandler = handler }
    }

    /// Who adds up blocks. On the loop.
    func onSum(_ summer: @escaping @Sendable (LogBlock) async -> BlockSums?) { loop.post { self.summer = summer } }

    func answer(_ connection: ConnectionNumber, _ answer: JoinMessage) { post(.joinAnswered(connection, answer)) }

    var counters: TransportCounters {
        get async throws(TransportError) { try await loop.perform { self.transport.counters } }
    }

    private func post(_ event: Event) { loop.post { self.handle(event) } }

    // MARK: On the loop

    private func received(_ event: TransportEvent) {
        switch event {
        case .opened(let id, let role, let dial, let exporter, _):
            handle(
                .opened(
                    id.rawValue, role: role == .initiator ? .initiator : .acceptor, dial: dial, exporter: exporter))
        case .received(let id, let bytes): handle(.received(id.rawValue, bytes))
        case .drained: break
        case .closed(let id, let reason):
            if let reason { journalOfEvents.debug("connection \(id.rawValue) ended: \(reason)") }
            handle(.closed(id.rawValue))
        case .dialFailed(let dial, let error):
            journalOfEvents.debug("dial failed: \(error)")
            handle(.dialFailed(dial))
        }
    }

    private func handle(_ event: Event) {
        for effect in node.handle(event, now: Instant(milliseconds: loop.now)) { carryOut(effect) }
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .wake(let instant):
            timer?.cancel()
            let now = Instant(milliseconds: loop.now)
            timer = loop.after(milliseconds: instant - now) { [weak self] in self?.handle(.wake) }
        case .dial(_, let address, let dial):
            guard let place = HostPort(parsing: address) else {
                loop.later { [weak self] in self?.handle(.dialFailed(dial)) }
                return
            }
            transport.dial(place, tag: dial)
        case .write(let connection, let bytes): transport.write(ConnectionID(rawValue: connection), bytes)
        case .authenticated(let connection): transport.authenticated(ConnectionID(rawValue: connection))
        case .close(let connection): transport.close(ConnectionID(rawValue: connection))
        case .persist(let batch): keeper.persist(batch) { [weak self] in self?.post(.persisted(batch.number)) }
        case .writeSnapshot(let snapshot): keeper.write(snapshot) { [weak self] in self?.post(.snapshotWritten) }
        case .loadOps(let request, let ranges):
            keeper.envelopes(ranges) { [weak self] in self?.post(.opsLoaded(request: request, envelopes: $0)) }
        case .loadBody(let request, let hash):
            keeper.body(hash) { [weak self] in self?.post(.bodyLoaded(request: request, body: $0)) }
        case .submitted(let ticket, let result): tickets.removeValue(forKey: ticket)?.resume(returning: result)
        case .applied(let ops): for observer in observers { observer(ops) }
        case .measure(let id, let question):
            measurers.measure(question) { [weak self] numbers in self?.post(.measured(id, numbers: numbers)) }
        case .sum(let block):
            let summer = summer
            Task { [weak self] in self?.post(.summed(block, await summer?(block))) }
        case .keepPart(let sums, let part, let bytes): keeper.keepPart(sums, part, bytes)
        case .pin(let sums, let snapshot): keeper.pin(sums, snapshot) { [weak self] in self?.post(.pinned(sums)) }
        case .drop(let sums):
            let log = journalOfEvents
            keeper.drop(sums) { bytes in
                guard let bytes else { return }
                log.info(
                    "bodies-dropped",
                    [
                        "log": sums.block.key.log.hex, "after": "\(sums.block.after)",
                        "through": "\(sums.block.through)", "bytes": "\(bytes)",
                    ])
            }
        case .join(let connection, let peer, let request): joinHandler?(connection, peer, request)
        case .notice(let notice):
            journalOfEvents.log(notice)
            for observer in noticeObservers { observer(notice) }
            if case .stopped(let reason) = notice { onStopped(reason) }
        }
    }
}

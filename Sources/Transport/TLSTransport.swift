public import Wire

/// TCP with TLS 1.3 for many connections on one event loop (protocol §1, below the HELLO frame).
///
/// Each side shows a certificate of its own making and accepts any: who the other side is, the HELLO frame proves
/// with the exporter of the connection. Nothing outlives a connection: no tickets, no resumption, no early data.
///
/// All calls and all events are on the loop's thread; calls never block and never tell events before they return.
/// Calls that name a connection which is gone do nothing.
public final class TLSTransport: @unchecked Sendable {
    public let limits: TransportLimits
    /// What has happened so far and what is now.
    public internal(set) var counters = TransportCounters()
    /// Receives every event, in order.
    public var onEvent: (TransportEvent) -> Void = { _ in }

    let loop: EventLoop
    let context: TLSContext
    private var connections: [ConnectionID: Connection] = [:]
    private var lastID: UInt64 = 0
    private var listeners: [Listener] = []
    private var rate: AddressRate
    /// Inbound connections that have not proven who they are, oldest first.
    private var unauthenticated: [ConnectionID] = []
    private var dials: [Dial] = []
    private var waitingDials: [Dial] = []
    private var isShutDown = false
    private var afterShutdown: [() -> Void] = []

    /// - Throws: ``TransportError/system(operation:code:text:)`` when OpenSSL cannot make a key.
    public convenience init(loop: EventLoop, limits: TransportLimits = TransportLimits()) throws(TransportError) {
        try self.init(loop: loop, limits: limits, profile: TLSProfile())
    }

    init(loop: EventLoop, limits: TransportLimits, profile: TLSProfile) throws(TransportError) {
        self.loop = loop
        self.limits = limits
        context = try TLSContext(profile)
        rate = AddressRate(
            perSecond: limits.acceptsPerSecond, burst: limits.acceptBurst, addresses: limits.rememberedAddresses)
    }

    // MARK: Listening and dialing

    /// Listens at `place`, whose host may be numeric or a name of this machine. May be called for several places.
    ///
    /// - Returns: the numeric address listened at, with the actual port where `place` has 0.
    /// - Throws: `addressInUse`, `addressNotHere`, `permissionDenied`, `unknownHost`, `shutDown` or `system`.
    public func listen(_ place: HostPort) throws(TransportError) -> HostPort {
        loop.assertCurrent()
        if isShutDown { throw .shutDown }
        do throws(TransportError) {
            let numeric = SocketAddress(numeric: place)
            let address = if let numeric { numeric } else { try NameLookup.addresses(loop, place, limit: 1)[0] }
            let listener = try Listener(self, address, place: place)
            listeners.append(listener)
            return listener.place
        } catch {
            counters.count(error)
            throw error
        }
    }

    /// Dials `place`; ends in one `opened` or `dialFailed` event with this tag. At most ``TransportLimits/dials`` run
    /// at once, the others wait their turn.
    public func dial(_ place: HostPort, tag: UInt64) {
        loop.assertCurrent()
        let dial = Dial(self, place, tag: tag)
        if isShutDown { return dialEnded(dial, .shutDown) }
        guard waitingDials.count < limits.waitingDials else {
            return dialEnded(dial, .tooManyDials(limit: limits.waitingDials))
        }
        waitingDials.append(dial)
        startDials()
    }

    // MARK: Using a connection

    /// Sends `bytes` after all earlier ones. They leave in this turn of the loop if the other side keeps up.
    ///
    /// Beyond the limits of unsent bytes the slowest connection is closed: watch ``bufferedBytes(_:)`` and `drained`.
    public func write(_ id: ConnectionID, _ bytes: Bytes) {
        loop.assertCurrent()
        connections[id]?.write(bytes)
        while counters.unsent > limits.totalUnsent, let slowest = slowestConnection {
            slowest.end(.totalUnsentLimit(bytes: limits.totalUnsent))
        }
    }

    /// Bytes handed to ``write(_:_:)`` that the system has not taken; 0 for a connection that is gone.
    public func bufferedBytes(_ id: ConnectionID) -> Int { connections[id]?.unsent ?? 0 }

    /// The other side has proven who it is: the connection leaves the bounded crowd of unauthenticated ones, which
    /// inbound connections belong to from their first byte on.
    public func authenticated(_ id: ConnectionID) {
        loop.assertCurrent()
        unauthenticated.removeAll { $0 == id }
    }

    /// Stops taking bytes from the system; what was taken already (at most 96 KiB) may still be delivered.
    public func pauseReading(_ id: ConnectionID) {
        loop.assertCurrent()
        connections[id]?.stopReading()
    }

    public func resumeReading(_ id: ConnectionID) {
        loop.assertCurrent()
        guard let connection = connections[id], connection.phase == .open else { return }
        connection.startReading()
    }

    /// Sends what was written, then closes in order. Nothing is received any more; `closed` comes when the other side
    /// has taken the last bytes or ``TransportLimits/lingerMs`` are over.
    public func close(_ id: ConnectionID) {
        loop.assertCurrent()
        connections[id]?.linger()
    }

    /// Closes at once; unsent bytes are lost. `closed` follows.
    public func abort(_ id: ConnectionID) {
        loop.assertCurrent()
        connections[id]?.end(.aborted)
    }

    /// Stops listening and dialing, closes every connection in order, and calls `completion` when nothing is left.
    public func shutdown(_ completion: @escaping () -> Void = {}) {
        loop.assertCurrent()
        afterShutdown.append(completion)
        if !isShutDown {
            isShutDown = true
            for listener in listeners { listener.cancel() }
            listeners = []
            let ending = dials + waitingDials
            waitingDials = []
            for dial in ending { dial.end(.shutDown) }
            for connection in connections.values.sorted(by: { $0.id < $1.id }) {
                connection.phase == .open ? connection.linger() : connection.end(.shutDown)
            }
        }
        loop.later { [self] in completeShutdown() }
    }

    private func completeShutdown() {
        guard isShutDown, connections.isEmpty else { return }
        let calls = afterShutdown
        afterShutdown = []
        for call in calls { call() }
    }
}

// MARK: For connections, listeners and dials

extension TLSTransport {
    func emit(_ event: TransportEvent) { onEvent(event) }

    /// Whether one more connection may be open.
    var admitsOpen: Bool { counters.open < limits.connections }

    func makeConnection(_ role: ConnectionRole, dial: Dial?, remote: HostPort) throws(TransportError) -> Connection {
        let id = ConnectionID(rawValue: lastID + 1)
        let connection = try Connection(self, id: id, role: role, dial: dial, remote: remote)
        lastID += 1
        connections[id] = connection
        counters.handshaking += 1
        return connection
    }

    /// Takes a connection that arrived, through `take`, and decides whether it may stay.
    func accept(_ take: (Connection) -> Int32) {
        let nowhere = HostPort(host: "0.0.0.0", port: 0)
        guard let connection = try? makeConnection(.acceptor, dial: nil, remote: nowhere) else { return }
        guard take(connection) == 0, let address = SocketAddress(remoteOf: connection.pointer()) else {
            return connection.end(.reset)
        }
        counters.accepted += 1
        connection.remote = address.hostPort
        guard rate.admit(address.rateKey, now: loop.now) else { return connection.end(.tooManyFromAddress) }
        guard admitsOpen else { return connection.end(.tooManyConnections(limit: limits.connections)) }
        if unauthenticated.count >= limits.unauthenticated, let oldest = connections[unauthenticated.removeFirst()] {
            oldest.end(.tooManyHandshakes(limit: limits.unauthenticated))
        }
        unauthenticated.append(connection.id)
        connection.beginHandshake()
    }

    func didOpen(_ connection: Connection, exporter: Bytes) {
        counters.handshaking -= 1
        counters.open += 1
        counters.handshakes += 1
        let dial = connection.dial
        dial?.succeeded()
        emit(
            .opened(
                connection.id, role: connection.role, dial: dial?.tag, exporter: exporter, remote: connection.remote))
    }

    /// The socket is closed; the last that is heard of a connection.
    func didEnd(_ connection: Connection, _ reason: TransportError?) {
        connections[connection.id] = nil
        unauthenticated.removeAll { $0 == connection.id }
        if connection.wasOpened {
            counters.open -= 1
            emit(.closed(connection.id, reason: reason))
        } else {
            counters.handshaking -= 1
            connection.dial?.connectionEnded(reason ?? .shutDown)
        }
        if connections.isEmpty { completeShutdown() }
    }

    func didEnd(_ listener: Listener) { listeners.removeAll { $0 === listener } }

    func startDials() {
        while dials.count < limits.dials, !waitingDials.isEmpty {
            let dial = waitingDials.removeFirst()
            dials.append(dial)
            counters.dialed += 1
            dial.start()
        }
    }

    /// The dial holds no seat any more, whatever its end.
    func dialFinished(_ dial: Dial) {
        dials.removeAll { $0 === dial }
        loop.later { [self] in startDials() }
    }

    func dialEnded(_ dial: Dial, _ error: TransportError) {
        counters.count(error)
        loop.later { [self] in emit(.dialFailed(dial: dial.tag, error)) }
    }

    private var slowestConnection: Connection? {
        connections.values.max { ($0.unsent, $1.id) < ($1.unsent, $0.id) }
    }
}

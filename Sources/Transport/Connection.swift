internal import CUV
internal import Wire

/// One TCP connection with its TLS: a libuv stream, what waits to be sent, and where in its life it is.
///
/// Reading is in `Connection+Reading.swift`, writing in `Connection+Writing.swift`.
final class Connection: LoopHandle {
    enum Phase {
        /// TCP is not there yet. → handshaking
        case connecting
        /// → open
        case handshaking
        /// `opened` was told. → lingering
        case open
        /// Either side said goodbye: the last bytes go out, what comes in is dropped. → gone
        case lingering
    }

    private enum Outcome {
        case none
        case inOrder
        case failed(TransportError)
    }

    let id: ConnectionID
    let role: ConnectionRole
    let dial: Dial?
    let transport: TLSTransport
    var phase = Phase.connecting
    var wasOpened = false
    var remote: HostPort
    var tls: TLSStream!
    var isReading = false
    var remoteSaidGoodbye = false
    var remoteEnded = false

    var queue = SendQueue()
    /// Ciphertext handed to the system, not yet taken; there is at most one such write.
    var inFlight = 0
    /// Ciphertext that TLS produced by itself while a write was in flight.
    var backlog = Bytes()
    /// Unsent bytes as the transport's total knows them.
    var accounted = 0
    var oweDrained = false
    var isFlushScheduled = false
    var saidGoodbye = false
    var isFinishing = false
    var sentAll = false

    private var outcome = Outcome.none
    private var deadline: LoopTimer?

    init(_ transport: TLSTransport, id: ConnectionID, role: ConnectionRole, dial: Dial?, remote: HostPort)
        throws(TransportError)
    {
        self.transport = transport
        self.id = id
        self.role = role
        self.dial = dial
        self.remote = remote
        try super.init(uv_tcp_t.self, operation: "make a socket") { uv_tcp_init(transport.loop.uv, $0) }
    }

    // MARK: Beginning

    /// Connects to `address`; the end of it, either way, comes later.
    func connect(to address: SocketAddress, timeoutMs: UInt64) {
        setDeadline(timeoutMs, .dialTimedOut(remote))
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let status = address.withSockaddr { address in
            uv_tcp_connect(request, pointer(), address) { request, status in
                let connection = Connection.owner(of: request!.pointee.handle)
                request!.deallocate()
                connection.connected(status)
            }
        }
        if status != 0 {
            request.deallocate()
            connected(status)
        }
    }

    private func connected(_ status: Int32) {
        guard !isClosing else { return }
        if status == 0 { return beginHandshake() }
        end(.dialing(remote, status))
    }

    /// Speaks TLS on a connected socket.
    func beginHandshake() {
        phase = .handshaking
        setDeadline(transport.limits.handshakeMs, .handshakeTimedOut)
        uv_tcp_nodelay(pointer(), 1)
        do throws(TransportError) {
            tls = try TLSStream(transport.context, role: role, recordsPerKey: transport.limits.recordsPerKey)
        } catch {
            return end(error)
        }
        if role == .initiator { stepHandshake() }
        startReading()
    }

    /// Goes on with the handshake as far as what was received allows. True when it is done.
    @discardableResult
    func stepHandshake() -> Bool {
        switch tls.handshake() {
        case .needsMore:
            sendOutput()
            return false
        case .failed(let error):
            sendOutput()  // the alert tells the other side why
            end(error)
            return false
        case .done(let exporter):
            sendOutput()
            guard !isClosing else { return false }
            guard transport.admitsOpen else {
                end(.tooManyConnections(limit: transport.limits.connections))
                return false
            }
            clearDeadline()
            phase = .open
            wasOpened = true
            transport.didOpen(self, exporter: exporter)
            return true
        }
    }

    // MARK: Ending

    /// Sends what waits and a goodbye, then waits for the other side to end as well.
    func linger() {
        guard phase == .open else { return }
        phase = .lingering
        setDeadline(transport.limits.lingerMs) { [unowned self] in
            sentAll ? end(nil) : end(.lingerTimedOut)
        }
        startReading()
        scheduleFlush()
    }

    /// Ends at once; what waits is lost. A nil `error` is an end in order.
    func end(_ error: TransportError?) {
        guard !isClosing else { return }
        outcome = error.map { .failed($0) } ?? .inOrder
        if let error, dial == nil || wasOpened { transport.counters.count(error) }
        cancel()
        clearDeadline()
        queue.removeAll()
        backlog = []
        inFlight = 0
        account()
    }

    /// An error of the socket: after both sides' goodbyes it does not matter any more.
    func endBySocket(_ status: Int32) {
        if phase == .lingering, remoteSaidGoodbye || sentAll { return end(nil) }
        switch status {
        case SystemError.reset, SystemError.brokenPipe, SystemError.timedOut, SystemError.connectionAborted: end(.reset)
        default: end(.system(operation: "use the connection to \(remote)", status))
        }
    }

    override func didClose() {
        clearDeadline()
        let reason: TransportError? =
            switch outcome {
            case .none: .shutDown  // the loop ended
            case .inOrder: nil
            case .failed(let error): error
            }
        tls = nil
        transport.didEnd(self, reason)
    }

    private func setDeadline(_ milliseconds: UInt64, _ error: TransportError) {
        setDeadline(milliseconds) { [unowned self] in end(error) }
    }

    private func setDeadline(_ milliseconds: UInt64, _ body: @escaping () -> Void) {
        clearDeadline()
        deadline = transport.loop.after(milliseconds: milliseconds, body)
    }

    private func clearDeadline() {
        deadline?.cancel()
        deadline = nil
    }
}

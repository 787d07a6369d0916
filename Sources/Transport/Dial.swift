internal import Wire

/// One attempt to reach a place: look its name up, try its addresses one after the other, speak TLS with the first
/// that answers. All within one deadline.
final class Dial {
    let tag: UInt64
    let target: HostPort
    private let transport: TLSTransport
    private var addresses: [SocketAddress] = []
    private var lookup: NameLookup?
    private var connection: Connection?
    private var deadline: LoopTimer?
    private var deadlineAt: UInt64 = 0
    private var isDone = false

    init(_ transport: TLSTransport, _ target: HostPort, tag: UInt64) {
        self.transport = transport
        self.target = target
        self.tag = tag
    }

    func start() {
        let limits = transport.limits
        deadlineAt = transport.loop.now + limits.dialMs
        deadline = transport.loop.after(milliseconds: limits.dialMs) { [self] in end(.dialTimedOut(target)) }
        if let address = SocketAddress(numeric: target) {
            addresses = [address]
            return tryNext()
        }
        lookup = NameLookup.start(transport.loop, target, limit: limits.addressesPerName) { [self] result in
            lookup = nil
            switch result {
            case .success(let found):
                addresses = found
                tryNext()
            case .failure(let error): end(error)
            }
        }
    }

    /// Each address has an equal share of the time that is left.
    private func tryNext() {
        let now = transport.loop.now
        let left = deadlineAt > now ? deadlineAt - now : 0
        let share = left / UInt64(addresses.count)
        let address = addresses.removeFirst()
        do throws(TransportError) {
            let connection = try transport.makeConnection(.initiator, dial: self, remote: address.hostPort)
            self.connection = connection
            connection.connect(to: address, timeoutMs: share)
        } catch {
            end(error)
        }
    }

    /// The connection has gone before it was open.
    func connectionEnded(_ error: TransportError) {
        connection = nil
        guard !isDone else { return }
        if addresses.isEmpty { end(error.about(target)) } else { tryNext() }
    }

    /// The connection is open: the dial is done.
    func succeeded() {
        finish()
    }

    /// Gives up, now.
    func end(_ error: TransportError) {
        guard !isDone else { return }
        let connection = self.connection
        finish()
        connection?.end(error)
        transport.dialEnded(self, error)
    }

    private func finish() {
        isDone = true
        deadline?.cancel()
        deadline = nil
        lookup?.cancel()
        lookup = nil
        connection = nil
        transport.dialFinished(self)
    }
}

extension TransportError {
    /// The error of connecting to `place`, from a (negative) error of libuv.
    static func dialing(_ place: HostPort, _ status: Int32) -> TransportError {
        switch status {
        case SystemError.connectionRefused: .connectionRefused(place)
        case SystemError.timedOut: .dialTimedOut(place)
        case SystemError.networkUnreachable, SystemError.hostUnreachable: .unreachable(place)
        default: .system(operation: "dial \(place)", status)
        }
    }

    /// The error of listening at `place`.
    static func listening(_ place: HostPort, _ status: Int32) -> TransportError {
        switch status {
        case SystemError.addressInUse: .addressInUse(place)
        case SystemError.addressNotAvailable: .addressNotHere(place)
        case SystemError.notPermitted, SystemError.accessDenied: .permissionDenied(place)
        default: .system(operation: "listen on \(place)", status)
        }
    }

    /// The same, naming the place as the user wrote it.
    func about(_ place: HostPort) -> TransportError {
        switch self {
        case .connectionRefused: .connectionRefused(place)
        case .dialTimedOut: .dialTimedOut(place)
        case .unreachable: .unreachable(place)
        default: self
        }
    }
}

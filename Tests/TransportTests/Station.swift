import Glibc
import Synchronization
import Testing
import Wire

@testable import Transport

/// Tests with sockets run one after the other: some count the descriptors of the process.
@Suite(.serialized, .timeLimit(.minutes(2))) enum Sockets {}

/// A transport on a loop of its own, whose events a test awaits in order.
final class Station {
    let loop: EventLoop
    let transport: TLSTransport
    private var events: AsyncStream<TransportEvent>.Iterator

    init(_ limits: TransportLimits = TransportLimits(), profile: TLSProfile = TLSProfile()) throws {
        loop = try EventLoop()
        transport = try TLSTransport(loop: loop, limits: limits, profile: profile)
        let (stream, tell) = AsyncStream<TransportEvent>.makeStream()
        events = stream.makeAsyncIterator()
        transport.onEvent = { tell.yield($0) }
        loop.start()
    }

    deinit {
        loop.stop()
        loop.join()
    }

    /// Runs `body` on the loop.
    func on<Value: Sendable>(_ body: @escaping @Sendable (TLSTransport) -> Value) async throws -> Value {
        let transport = self.transport
        return try await loop.perform { body(transport) }
    }

    /// The first event that `match` accepts; those before it are dropped.
    func event<Value>(_ match: (TransportEvent) -> Value?) async -> Value {
        while let event = await events.next(isolation: #isolation) {
            if let value = match(event) { return value }
        }
        preconditionFailure("the events ended")
    }

    func listen(_ host: String = "127.0.0.1", port: UInt16 = 0) async throws -> HostPort {
        try await on { transport in
            Result { () throws(TransportError) in try transport.listen(HostPort(host: host, port: port)) }
        }.get()
    }

    func dial(_ place: HostPort, tag: UInt64 = 1) async throws {
        try await on { $0.dial(place, tag: tag) }
    }

    func write(_ id: ConnectionID, _ bytes: Bytes) async throws { try await on { $0.write(id, bytes) } }

    func counters() async throws -> TransportCounters { try await on { $0.counters } }

    struct Opened {
        var id: ConnectionID
        var role: ConnectionRole
        var dial: UInt64?
        var exporter: Bytes
        var remote: HostPort
    }

    func opened() async -> Opened {
        await event {
            guard case .opened(let id, let role, let dial, let exporter, let remote) = $0 else { return nil }
            return Opened(id: id, role: role, dial: dial, exporter: exporter, remote: remote)
        }
    }

    /// The reason of the next closing, nil inside for one in order.
    func closed() async -> TransportError? {
        let end: (reason: TransportError?, Void) = await event {
            if case .closed(_, let reason) = $0 { (reason, ()) } else { nil }
        }
        return end.reason
    }

    func dialFailed() async -> TransportError {
        await event { if case .dialFailed(_, let error) = $0 { error } else { nil } }
    }

    /// Collects what connection `id` receives until there are `count` bytes.
    func received(_ id: ConnectionID, count: Int) async -> Bytes {
        var bytes = Bytes()
        while bytes.count < count {
            bytes += await event { if case .received(id, let bytes) = $0 { bytes } else { nil } }
        }
        return bytes
    }

    /// Shuts down in order and ends the loop.
    func end() async throws {
        let transport = self.transport
        await withCheckedContinuation { done in
            loop.post { transport.shutdown { done.resume() } }
        }
        loop.stop()
        loop.join()
    }
}

/// Two stations with one connection between them.
func connected(
    _ limits: TransportLimits = TransportLimits(), server: TransportLimits? = nil
) async throws -> (client: Station, clientSide: Station.Opened, server: Station, serverSide: Station.Opened) {
    let acceptor = try Station(server ?? limits)
    let initiator = try Station(limits)
    try await initiator.dial(acceptor.listen())
    let clientSide = await initiator.opened()
    let serverSide = await acceptor.opened()
    return (initiator, clientSide, acceptor, serverSide)
}

/// A blocking TCP socket without TLS: the other party of hostile tests.
final class RawSocket {
    private let fd: Int32

    init(connectedTo place: HostPort) throws {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let address = try #require(SocketAddress(numeric: place))
        try #require(address.withSockaddr { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } == 0)
    }

    /// Listens on a free port and never accepts; the kernel completes connections all the same.
    init(listening: Void) throws {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let address = try #require(SocketAddress(numeric: HostPort(host: "127.0.0.1", port: 0)))
        try #require(address.withSockaddr { bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } == 0)
        try #require(Glibc.listen(fd, 64) == 0)
    }

    private init(fd: Int32) { self.fd = fd }

    deinit { close(fd) }

    func accept() -> RawSocket { RawSocket(fd: Glibc.accept(fd, nil, nil)) }

    var place: HostPort {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &size) }
        }
        return HostPort(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
    }

    func send(_ bytes: Bytes) { _ = Glibc.send(fd, bytes, bytes.count, 0) }

    func endWriting() { shutdown(fd, Int32(SHUT_WR)) }

    /// Waits until the other side has closed.
    func waitForEnd() {
        var buffer = Bytes(repeating: 0, count: 4_096)
        while recv(fd, &buffer, buffer.count, 0) > 0 {}
    }
}

/// How many descriptors this process has open.
func openDescriptors() -> Int { (0..<Int32(4_096)).count { fcntl($0, F_GETFD) >= 0 } }

import CMicroHTTPD
import CShims
import Dispatch
import Synchronization

/// An HTTP/1.1 server on Unix and TCP sockets, over libmicrohttpd with epoll.
///
/// A few polling threads serve all connections; a request that waits for its answer costs no thread.
public final class HTTPServer: Sendable {
    private let core: ServerCore
    private let listeners: Mutex<[Listener]>
    /// Where the server listens, with real ports.
    public let addresses: [ListenAddress]

    /// Binds every address and starts to serve; on an error nothing listens.
    public init(_ configuration: ServerConfiguration, handler: any RequestHandler) throws(APIError) {
        let core = ServerCore(configuration: configuration, handler: handler)
        var started: [Listener] = []
        do {
            for address in configuration.listen { started.append(try Listener(address, core: core)) }
        } catch {
            for listener in started { listener.stop() }
            throw error
        }
        self.core = core
        addresses = started.map(\.socket.address)
        listeners = Mutex(started)
    }

    /// Serves with a closure; see ``RequestHandler/handle(_:_:)``.
    public convenience init(
        _ configuration: ServerConfiguration, handler: @escaping @Sendable (Request, Responder) -> Void
    ) throws(APIError) {
        try self.init(configuration, handler: ClosureHandler(limit: configuration.maxBody, closure: handler))
    }

    deinit { stopNow(after: 0) }

    /// Stops: new requests get 503, event streams end, and requests under way have until `grace` to be answered.
    ///
    /// What is left then gets 503 or is cut off. Returns when every thread has ended and every socket is closed.
    public func stop(within grace: Duration = .seconds(5)) async {
        let seconds = Double(grace.components.seconds) + Double(grace.components.attoseconds) / 1e18
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { @Sendable in
                self.stopNow(after: seconds)
                continuation.resume()
            }
        }
    }

    /// How long a forced answer may take to reach its client.
    private static let lastWords = 0.25

    private func stopNow(after seconds: Double) {
        let listeners = listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        guard !listeners.isEmpty else { return }
        for listener in listeners { listener.socket.removeFile() }
        core.beginStop()
        let isQuiet = core.underWay.wait(timeout: .now() + seconds) == .success
        core.forceStop()
        if !isQuiet { _ = core.underWay.wait(timeout: .now() + Self.lastWords) }
        for listener in listeners { listener.stop() }
    }
}

/// A handler that is a closure.
private struct ClosureHandler: RequestHandler {
    let limit: Int
    let closure: @Sendable (Request, Responder) -> Void

    func admit(_ head: RequestHead) -> Admission { .accept(bodyLimit: limit) }
    func handle(_ request: Request, _ responder: Responder) { closure(request, responder) }
}

/// One listening socket with its daemon.
private struct Listener: @unchecked Sendable {
    // The pointers are used by one thread at a time: the one that starts the server, then the one that stops it.
    let socket: ListenSocket
    private let daemon: OpaquePointer
    private let callbacks: UnsafeMutablePointer<shoal_http_callbacks>
    private let context: Unmanaged<ListenerContext>

    /// Memory per connection beyond the limits, so that heads that are somewhat too large get our own answer; those that
    /// do not fit here get the library's.
    private static let spareMemory = 3 << 10

    init(_ address: ListenAddress, core: ServerCore) throws(APIError) {
        let configuration = core.configuration
        socket = try ListenSocket.open(address, loopbackOnly: configuration.access.needsLoopback)
        context = .passRetained(ListenerContext(core: core, isUnix: address.isUnix))
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(to: Self.callbacks(context.toOpaque()))
        var options = shoal_http_options(
            listen_fd: socket.descriptor, threads: UInt32(max(configuration.threads, 1)),
            connections: UInt32(configuration.maxConnections),
            connection_memory: configuration.maxTarget + configuration.maxHeaders + Self.spareMemory,
            idle_seconds: UInt32(configuration.idleSeconds))
        guard let daemon = shoal_http_start(&options, callbacks) else {
            socket.removeFile()
            close(socket.descriptor)
            callbacks.deallocate()
            context.release()
            throw .cannotListen(address: address.description, cause: "the HTTP library does not start")
        }
        self.daemon = daemon
    }

    /// Joins the daemon's threads and closes its sockets.
    func stop() {
        socket.removeFile()
        MHD_stop_daemon(daemon)
        callbacks.deallocate()
        context.release()
    }

    private static func callbacks(_ context: UnsafeMutableRawPointer) -> shoal_http_callbacks {
        shoal_http_callbacks(
            context: context,
            target: { context, connection, target in
                guard let context, let connection else { return nil }
                let listener = Unmanaged<ListenerContext>.fromOpaque(context).takeUnretainedValue()
                let origin =
                    listener.isUnix
                    ? .unix : RequestHead.Origin.tcp(peer: peerName(shoal_http_connection_fd(connection)))
                let exchange = listener.core.begin(target: target.map { String(cString: $0) }, origin: origin)
                return Unmanaged.passRetained(exchange).toOpaque()
            },
            receive: { _, connection, method, _, data, size, request in
                guard let connection, let size, let own = request?.pointee else { return 0 }
                let exchange = Unmanaged<Exchange>.fromOpaque(own).takeUnretainedValue()
                let part = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size.pointee)
                size.pointee = 0
                let goesOn = exchange.receive(connection, method: method.map { String(cString: $0) } ?? "", part: part)
                return goesOn ? 1 : 0
            },
            completed: { _, _, request, complete in
                guard let request else { return }
                Unmanaged<Exchange>.fromOpaque(request).takeRetainedValue().completed(complete != 0)
            },
            log: { context, line in
                guard let context, let line else { return }
                let listener = Unmanaged<ListenerContext>.fromOpaque(context).takeUnretainedValue()
                let text = String(cString: line)
                listener.core.log(text.last == "\n" ? String(text.dropLast()) : text)
            })
    }
}

/// What the daemon's callbacks need to know.
private final class ListenerContext: Sendable {
    let core: ServerCore
    let isUnix: Bool

    init(core: ServerCore, isUnix: Bool) {
        self.core = core
        self.isUnix = isUnix
    }
}

extension ListenAddress {
    fileprivate var isUnix: Bool {
        switch self {
        case .unix: true
        case .tcp: false
        }
    }
}

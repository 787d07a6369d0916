import Glibc

/// What answers requests: a ``Router``, or something of your own.
public protocol RequestHandler: Sendable {
    /// Decides, with the headers alone, whether the body is wanted.
    func admit(_ head: RequestHead) -> Admission

    /// Answers a complete request through `responder`, now or later.
    ///
    /// It runs on one of the server's polling threads and must not block: start a task for anything slow.
    func handle(_ request: Request, _ responder: Responder)
}

/// The verdict on a request before its body.
public enum Admission: Sendable {
    /// Go on, with a body of at most `bodyLimit` bytes, if the client has the right.
    case accept(bodyLimit: Int, needs: Right = .changing)
    /// Answer this instead.
    case refuse(Response)

    /// What the client must have the right to before it learns more, such as that there is no such route.
    var right: Right {
        switch self {
        case .accept(_, let right): right
        case .refuse: .reading
        }
    }
}

/// Where a server listens.
public enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// A Unix socket with mode 0600. A stale file is replaced; the path has at most 107 bytes.
    case unix(path: String)
    /// HOST:PORT; port 0 takes a free one, see ``HTTPServer/addresses``.
    case tcp(host: String, port: Int)

    /// Parses `HOST:PORT`, `[IPv6]:PORT` or `:PORT` (on 127.0.0.1).
    public init(hostAndPort text: String) throws(APIError) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .badAddress(text)
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .badAddress(text)
        }
        self = .tcp(host: host.isEmpty ? "127.0.0.1" : String(host), port: Int(port))
    }

    /// Whether only this machine can connect.
    public var isLocal: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _): isLoopback(host)
        }
    }

    public var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

/// The limits and hooks of a server.
public struct ServerConfiguration: Sendable {
    public var listen: [ListenAddress]
    /// Who may use the TCP listeners; the Unix socket is guarded by its file mode.
    public var access: Access = .sameMachine
    /// A body above this is refused whatever its route allows.
    public var maxBody = 1 << 30
    /// A body above this lies in a temporary file instead of memory.
    public var bodyMemory = 1 << 20
    /// Where the temporary files lie.
    public var spoolDirectory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    /// Bytes of the request target; more is a 414.
    public var maxTarget = 4 << 10
    /// Bytes of all headers; more is a 431.
    ///
    /// Target and headers decide what an open connection costs: libmicrohttpd gives each a buffer for both, and wipes all
    /// of it after every request, so that whoever keeps a connection alive holds this much memory.
    public var maxHeaders = 8 << 10
    /// Open connections per listener; more wait.
    public var maxConnections = 1024
    /// Polling threads per listener.
    public var threads = 2
    /// A connection without traffic is closed after this many seconds; one that waits for its answer is not.
    public var idleSeconds = 60
    /// Called once per request, on a polling thread, when it is over.
    public var observe: (@Sendable (RequestSummary) -> Void)?
    /// Takes the diagnostics of the HTTP library and of streams that break off.
    public var log: (@Sendable (String) -> Void)?

    public init(listen: [ListenAddress]) {
        self.listen = listen
    }
}

/// One finished request, for logs and metrics.
public struct RequestSummary: Sendable {
    /// Nil if the request could not be understood.
    public let method: HTTPMethod?
    public let path: String
    /// Nil if it was refused before anybody asked who it is.
    public let caller: Caller?
    /// The other end of a TCP connection as HOST:PORT; nil for the Unix socket.
    public let peer: String?
    /// 0 if it was never answered.
    public let status: Int
    /// Whether the whole answer reached the client's connection.
    public let isComplete: Bool
    /// From the request line to the end of the answer.
    public let duration: Duration
}

/// An answer.
public struct Response: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        case stream(StreamSource)
    }

    /// The HTTP status, 200-599.
    public var status: Int
    public var headers: Headers
    let body: Body

    init(status: Int, headers: Headers, body: Body) {
        precondition((200...599).contains(status), "status \(status)")
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer with `bytes`.
    public init(status: Int = 200, contentType: String, _ bytes: [UInt8], headers: Headers = [:]) {
        var headers = headers
        headers["Content-Type"] = contentType
        self.init(status: status, headers: headers, body: .bytes(bytes))
    }

    /// JSON; a value that JSON cannot hold becomes a 500.
    public static func json(_ value: some Encodable, status: Int = 200) -> Response {
        do {
            return Response(status: status, contentType: "application/json", try JSON.encode(value))
        } catch {
            return .problem(error)
        }
    }

    /// Plain text in UTF-8.
    public static func text(_ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(status: status, contentType: contentType, Array(text.utf8))
    }

    /// 204, no body.
    public static var noContent: Response { Response(status: 204, headers: [:], body: .bytes([])) }

    /// A problem document.
    public static func problem(_ problem: Problem, headers: Headers = [:]) -> Response {
        let valid = (400...599).contains(problem.status) ? problem : .internalError()
        let bytes = (try? JSON.encode(valid)) ?? []
        return Response(status: valid.status, contentType: "application/problem+json", bytes, headers: headers)
    }
}

extension Response {
    /// A body of unknown length, written by `produce` as it comes to be; it is sent chunked.
    ///
    /// The body ends when `produce` returns. If it throws, the connection is cut, so that the client
    /// sees a broken body and not a short one. If the client goes away, `produce` is cancelled.
    /// - Parameter capacity: bytes that may wait for the client before ``StreamWriter/write(_:)`` suspends.
    public static func stream(
        contentType: String, headers: Headers = [:], capacity: Int = 256 << 10,
        _ produce: @escaping @Sendable (StreamWriter) async throws -> Void
    ) -> Response {
        stream(contentType, headers, StreamSource(capacity: capacity, isEndless: false, produce: produce))
    }

    /// A body of unknown length, pulled part by part until nil; `next` may block, it runs on a thread of its own.
    public static func pull(
        contentType: String, headers: Headers = [:], _ next: @escaping @Sendable () throws -> [UInt8]?
    ) -> Response {
        stream(contentType: contentType, headers: headers) { writer in
            while let part = try await onBlockingThread(next) { try await writer.write(part) }
        }
    }

    /// Server-sent events: `produce` sends them until it returns, the client leaves or the server stops.
    ///
    /// - Parameters:
    ///   - keepAlive: a comment goes out this often, so that a client that left is noticed.
    ///   - capacity: bytes that may wait for a slow client before ``EventWriter/offer(_:)`` says no.
    public static func events(
        keepAlive: Duration = .seconds(15), capacity: Int = 256 << 10,
        _ produce: @escaping @Sendable (EventWriter) async throws -> Void
    ) -> Response {
        let source = StreamSource(capacity: capacity, isEndless: true) { writer in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await produce(EventWriter(stream: writer)) }
                group.addTask {
                    while true {
                        try await Task.sleep(for: keepAlive)
                        writer.offer(Array(": keep-alive\n\n".utf8))
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
        return stream("text/event-stream", ["Cache-Control": "no-store"], source)
    }

    private static func stream(_ contentType: String, _ headers: Headers, _ source: StreamSource) -> Response {
        var headers = headers
        headers["Content-Type"] = contentType
        return Response(status: 200, headers: headers, body: .stream(source))
    }
}

/// How a streamed body comes to be.
struct StreamSource: Sendable {
    let capacity: Int
    /// Whether it ends only when somebody ends it: the server does so when it stops.
    let isEndless: Bool
    let produce: @Sendable (StreamWriter) async throws -> Void
}

import Synchronization

/// Calls one server over a Unix socket or TCP, over libcurl.
///
/// All calls of a client share one thread and its open connections; any number may be under way. A cancelled
/// task ends its call at once. Failures are ``APIError``: `unreachable` when nobody answers, `refused` with
/// the server's ``Problem``.
public final class HTTPClient: Sendable {
    /// Settings of a client.
    public struct Options: Sendable {
        /// Sent as `Authorization: Bearer`.
        public var token: String?
        public var connectTimeout: Duration = .seconds(5)
        /// What to do when nobody answers.
        public var unreachableRemedy = "start the node with `shoal run`"
        /// An answer kept in memory may have this many bytes.
        public var maxReply = 256 << 20

        public init(token: String? = nil) {
            self.token = token
        }
    }

    public let address: ServerAddress
    private let options: Options
    private let loop = TransferLoop()

    public init(_ address: ServerAddress, options: Options = Options()) {
        self.address = address
        self.options = options
    }

    deinit { loop.close() }

    /// Makes a call and keeps the answer in memory.
    ///
    /// - Parameter progress: bytes sent and bytes in all, as the body goes out; on the client's thread.
    public func send(
        _ call: Call, progress: (@Sendable (Int, Int) -> Void)? = nil
    ) async throws(APIError) -> Reply {
        let body = Mutex<[UInt8]>([])
        let limit = options.maxReply
        let address = address.description
        let reply = try await transfer(call, progress) { part in
            try body.withLock { body in
                guard part.count <= limit - body.count else {
                    throw APIError.badReply(address: address, cause: "it is larger than \(limit) bytes")
                }
                body += part
            }
        }
        return Reply(status: reply.status, headers: reply.headers, body: body.withLock { $0 }, address: address)
    }

    /// Makes a call and hands the body to `take` part by part, on the client's thread.
    ///
    /// While `take` runs, no other call of this client advances: that is the back-pressure. What `take`
    /// throws ends the call and is thrown here. The timeout of the call counts.
    public func download(_ call: Call, to take: @escaping @Sendable ([UInt8]) throws -> Void) async throws -> Reply {
        try await run(call, nil, take).get()
    }

    /// Follows a stream of server-sent events until the server ends it.
    public func events(_ path: EscapedPath, query: [(name: String, value: String?)] = []) -> AsyncThrowingStream<
        ServerEvent, any Error
    > {
        var call = Call(.get, path, query: query, headers: ["Accept": "text/event-stream"], timeout: nil)
        call.headers["Cache-Control"] = "no-store"
        let request = call
        return AsyncThrowingStream { continuation in
            let parser = Mutex(EventParser())
            let address = address.description
            let task = Task {
                do {
                    _ = try await download(request) { part in
                        guard let events = parser.withLock({ $0.feed(part) }) else {
                            throw APIError.badReply(address: address, cause: "an event is too large")
                        }
                        for event in events { continuation.yield(event) }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// Makes a call for JSON.
    public func json<Value: Decodable>(_ call: Call, as type: Value.Type = Value.self) async throws(APIError) -> Value {
        var call = call
        call.headers["Accept"] = "application/json"
        return try await send(call).json(type)
    }

    /// GET, for JSON.
    public func get<Value: Decodable>(
        _ path: EscapedPath, query: [(name: String, value: String?)] = [], as type: Value.Type = Value.self
    ) async throws(APIError) -> Value {
        try await json(Call(.get, path, query: query), as: type)
    }

    /// POST of JSON, for JSON; `timeout` nil for long work such as training.
    public func post<Value: Decodable>(
        _ path: EscapedPath, _ body: some Encodable & Sendable, timeout: Duration? = .seconds(60),
        as type: Value.Type = Value.self
    ) async throws(APIError) -> Value {
        let bytes: [UInt8]
        do {
            bytes = try JSON.encode(body)
        } catch {
            throw .refused(error)
        }
        return try await json(
            Call(.post, path, body: .bytes(bytes, contentType: "application/json"), timeout: timeout), as: type)
    }

    /// DELETE, without a body.
    public func delete(_ path: EscapedPath) async throws(APIError) {
        _ = try await send(Call(.delete, path))
    }

    /// Uploads a file and keeps the answer.
    public func upload(
        _ path: EscapedPath, method: HTTPMethod = .post, query: [(name: String, value: String?)] = [], file: String,
        contentType: String = "application/octet-stream", progress: (@Sendable (Int, Int) -> Void)? = nil
    ) async throws(APIError) -> Reply {
        try await send(
            Call(method, path, query: query, body: .file(path: file, contentType: contentType), timeout: nil),
            progress: progress)
    }

    private func transfer(
        _ call: Call, _ progress: Transfer.Progress?, _ sink: @escaping @Sendable ([UInt8]) throws -> Void
    ) async throws(APIError) -> Reply {
        switch await run(call, progress, sink) {
        case .success(let reply): return reply
        case .failure(let error as APIError): throw error
        case .failure(let error): throw .badReply(address: address.description, cause: "\(error)")
        }
    }

    private func run(
        _ call: Call, _ progress: Transfer.Progress?, _ sink: @escaping @Sendable ([UInt8]) throws -> Void
    ) async -> Result<Reply, any Error> {
        let current = Mutex<Transfer?>(nil)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                do {
                    let transfer = try Transfer(
                        call, to: address, options: options, progress: progress, sink: sink
                    ) { continuation.resume(returning: $0) }
                    current.withLock { $0 = transfer }
                    loop.submit(transfer)
                    // A cancellation before the line above found nothing to cancel.
                    if Task.isCancelled { loop.cancel(transfer) }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        } onCancel: {
            if let transfer = current.withLock({ $0 }) { loop.cancel(transfer) }
        }
    }
}

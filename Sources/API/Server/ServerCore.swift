import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// What every request of a server shares: the limits, the handler and the list of requests under way.
final class ServerCore: Sendable {
    private struct State {
        var exchanges: [UInt64: Exchange] = [:]
        var next: UInt64 = 0
        var isStopping = false
        var isForced = false
    }

    let configuration: ServerConfiguration
    private let handler: any RequestHandler
    private let state = Mutex(State())
    /// Entered by each request, so that a stop can wait for the last one.
    let underWay = DispatchGroup()

    init(configuration: ServerConfiguration, handler: any RequestHandler) {
        self.configuration = configuration
        self.handler = handler
    }

    // MARK: stopping

    var isStopping: Bool { state.withLock { $0.isStopping } }
    /// Whether the time to answer is over.
    var isForced: Bool { state.withLock { $0.isForced } }

    var stoppingAnswer: Response {
        .problem(
            .unavailable("the server is stopping", remedy: "try again when it runs again"),
            headers: ["Connection": "close"])
    }

    /// Refuses new requests from now on, and ends event streams.
    func beginStop() {
        let exchanges = state.withLock { state in
            state.isStopping = true
            return Array(state.exchanges.values)
        }
        for exchange in exchanges { exchange.endStream(force: false) }
    }

    /// Answers what still waits with 503 and cuts what still streams. Afterwards no connection sleeps.
    func forceStop() {
        let exchanges = state.withLock { state in
            state.isForced = true
            return Array(state.exchanges.values)
        }
        for exchange in exchanges {
            exchange.deliver(stoppingAnswer)
            exchange.endStream(force: true)
        }
    }

    // MARK: requests

    func begin(target: String?, origin: RequestHead.Origin) -> Exchange {
        underWay.enter()
        return state.withLock { state in
            state.next += 1
            let exchange = Exchange(core: self, number: state.next, target: target, origin: origin)
            state.exchanges[state.next] = exchange
            return exchange
        }
    }

    func completed(_ exchange: Exchange, _ summary: RequestSummary) {
        state.withLock { _ = $0.exchanges.removeValue(forKey: exchange.number) }
        configuration.observe?(summary)
        underWay.leave()
    }

    func handle(_ request: Request, _ responder: Responder) {
        handler.handle(request, responder)
    }

    func collector(limit: Int) -> BodyCollector {
        BodyCollector(
            limit: limit, memoryLimit: configuration.bodyMemory, directory: configuration.spoolDirectory)
    }

    func log(_ line: String) {
        configuration.log?(line)
    }

    /// Reads the headers and decides whether the request may go on.
    func admit(
        connection: OpaquePointer, method: String, target: String?, origin: RequestHead.Origin
    ) -> (RequestHead?, Admission) {
        guard !isStopping else { return (nil, .refuse(stoppingAnswer)) }
        var head: RequestHead
        do {
            head = try readHead(connection, method, target, origin)
        } catch {
            return (nil, .refuse(.problem(error)))
        }
        let admission = handler.admit(head)
        if case .tcp = origin {
            switch configuration.access(head, needs: admission.right) {
            case .admitted(let caller): head.caller = caller
            case .refused(let refusal): return (head, .refuse(refusal))
            }
        }
        guard case .accept(let wanted, let right) = admission else { return (head, admission) }
        let limit = min(wanted, configuration.maxBody)
        guard (head.contentLength ?? 0) <= limit else { return (head, .refuse(.problem(.tooLarge(limit: limit)))) }
        return (head, .accept(bodyLimit: limit, needs: right))
    }

    private func readHead(
        _ connection: OpaquePointer, _ method: String, _ target: String?, _ origin: RequestHead.Origin
    ) throws(Problem) -> RequestHead {
        guard let target else { throw .badRequest("the request line has no target") }
        guard target.utf8.count <= configuration.maxTarget else {
            throw Problem(
                status: 414, detail: "the request target is longer than \(configuration.maxTarget) bytes",
                remedy: "send long values in the body", code: "target_too_long")
        }
        let headers = readHeaders(connection)
        let size = headers.fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= configuration.maxHeaders else {
            throw Problem(
                status: 431, detail: "the headers are larger than \(configuration.maxHeaders) bytes",
                remedy: "send fewer or shorter headers", code: "headers_too_large")
        }
        guard headers.fields.allSatisfy({ isToken($0.name) }) else {
            throw .badRequest("a header has a name that is none")
        }
        guard let method = HTTPMethod(rawValue: method) else {
            throw Problem(status: 501, detail: "the method is unknown", code: "unknown_method")
        }
        let parsed = try RequestTarget(target)
        return RequestHead(
            method: method, segments: parsed.segments, query: parsed.query, headers: headers, origin: origin,
            contentLength: try contentLength(headers), caller: origin == .unix ? .socket : nil)
    }

    /// The size of the body; requests that two readers could cut differently are refused (RFC 9112, 6.3).
    private func contentLength(_ headers: Headers) throws(Problem) -> Int? {
        let lengths = headers.all("Content-Length")
        let encodings = headers.all("Transfer-Encoding")
        guard lengths.count + encodings.count <= 1 else {
            throw .badRequest("the request has more than one of Content-Length and Transfer-Encoding")
        }
        if let encoding = encodings.first {
            guard sameName(encoding, "chunked") else {
                throw Problem(status: 501, detail: "the transfer encoding is not 'chunked'", code: "unknown_encoding")
            }
            return nil
        }
        guard let length = lengths.first else { return 0 }
        guard let value = Int(length), value >= 0 else { throw .badRequest("the Content-Length is not a number") }
        return value
    }

    private func readHeaders(_ connection: OpaquePointer) -> Headers {
        var headers = Headers()
        withUnsafeMutablePointer(to: &headers) { headers in
            _ = MHD_get_connection_values_n(
                connection, .HEADER_KIND,
                { context, _, name, nameSize, value, valueSize in
                    guard let context, let name else { return .YES }
                    let bytes = UnsafeRawBufferPointer(start: name, count: nameSize)
                    let text = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize)
                    context.assumingMemoryBound(to: Headers.self).pointee.add(
                        String(decoding: bytes, as: UTF8.self), String(decoding: text, as: UTF8.self))
                    return .YES
                }, headers)
        }
        return headers
    }
}

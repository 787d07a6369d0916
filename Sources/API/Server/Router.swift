/// Chooses a handler by method and path.
///
/// Patterns are like `/api/models/:agent/info`: a `:name` takes one segment that is not empty. Where two
/// patterns match, the one with the earlier literal wins, whatever the method: `DELETE /api/models/predict` deletes
/// no model of an agent called `predict`. `HEAD` falls back to `GET`, and `OPTIONS` is answered.
public struct Router: RequestHandler {
    /// One entry of the table.
    public struct Route: Sendable {
        public let method: HTTPMethod
        public let pattern: String
        /// Bytes; a larger body is a 413 before it is sent.
        public let bodyLimit: Int
        /// What a client must be allowed to.
        public let right: Right
        fileprivate let parts: [Part]
        fileprivate let handler: Handler
    }

    fileprivate enum Handler: Sendable {
        case task(@Sendable (Request) async throws -> Response)
        case responder(@Sendable (Request, Responder) -> Void)
    }

    fileprivate enum Part: Equatable {
        case literal(String)
        case parameter(String)
    }

    /// Every route, in the order of their registration.
    public private(set) var routes: [Route] = []
    /// What happens to errors of handlers that are no ``Problem``: the client sees a bare 500.
    public var onError: (@Sendable (Request, any Error) -> Void)?

    public init() {}

    /// Adds a route whose handler runs in a task of its own; a thrown ``Problem`` is the answer.
    ///
    /// - Parameter needs: nil: GET needs ``Right/reading``, everything else ``Right/changing``.
    public mutating func on(
        _ method: HTTPMethod, _ pattern: String, bodyLimit: Int = 1 << 20, needs right: Right? = nil,
        _ handler: @escaping @Sendable (Request) async throws -> Response
    ) {
        add(method, pattern, bodyLimit, right, .task(handler))
    }

    /// Adds a route whose handler runs on the polling thread, answers when it likes, and must not block.
    public mutating func onResponder(
        _ method: HTTPMethod, _ pattern: String, bodyLimit: Int = 1 << 20, needs right: Right? = nil,
        _ handler: @escaping @Sendable (Request, Responder) -> Void
    ) {
        add(method, pattern, bodyLimit, right, .responder(handler))
    }

    public mutating func get(
        _ pattern: String, needs right: Right? = nil, _ handler: @escaping @Sendable (Request) async throws -> Response
    ) {
        on(.get, pattern, needs: right, handler)
    }

    public mutating func post(
        _ pattern: String, bodyLimit: Int = 1 << 20, needs right: Right? = nil,
        _ handler: @escaping @Sendable (Request) async throws -> Response
    ) {
        on(.post, pattern, bodyLimit: bodyLimit, needs: right, handler)
    }

    public mutating func put(
        _ pattern: String, bodyLimit: Int = 1 << 20, _ handler: @escaping @Sendable (Request) async throws -> Response
    ) {
        on(.put, pattern, bodyLimit: bodyLimit, handler)
    }

    public mutating func delete(_ pattern: String, _ handler: @escaping @Sendable (Request) async throws -> Response) {
        on(.delete, pattern, handler)
    }

    private mutating func add(
        _ method: HTTPMethod, _ pattern: String, _ bodyLimit: Int, _ right: Right?, _ handler: Handler
    ) {
        precondition(pattern.hasPrefix("/"), "the pattern '\(pattern)' does not start with '/'")
        let parts = pattern.dropFirst().split(separator: "/").map { part in
            part.hasPrefix(":") ? Part.parameter(String(part.dropFirst())) : .literal(String(part))
        }
        precondition(
            !routes.contains { $0.method == method && $0.parts.map(\.shape) == parts.map(\.shape) },
            "\(method.rawValue) \(pattern) is already there")
        routes.append(
            Route(
                method: method, pattern: pattern, bodyLimit: bodyLimit,
                right: right ?? (method == .get ? .reading : .changing), parts: parts, handler: handler))
    }

    // MARK: RequestHandler

    public func admit(_ head: RequestHead) -> Admission {
        switch match(head) {
        case .route(let route): .accept(bodyLimit: route.bodyLimit, needs: route.right)
        case .answer(let response): .refuse(response)
        }
    }

    public func handle(_ request: Request, _ responder: Responder) {
        switch match(request.head) {
        case .route(let route):
            var request = request
            for (part, segment) in zip(route.parts, request.head.segments) {
                if case .parameter(let name) = part { request.parameters[name] = segment }
            }
            run(route.handler, request, responder)
        case .answer(let response):
            responder.send(response)
        }
    }

    private func run(_ handler: Handler, _ request: Request, _ responder: Responder) {
        switch handler {
        case .responder(let handler):
            handler(request, responder)
        case .task(let handler):
            Task {
                do {
                    responder.send(try await handler(request))
                } catch let problem as Problem {
                    responder.send(.problem(problem))
                } catch {
                    onError?(request, error)
                    responder.send(.problem(.internalError()))
                }
            }
        }
    }

    private enum Match {
        case route(Route)
        case answer(Response)
    }

    private func match(_ head: RequestHead) -> Match {
        let matching = routes.filter { $0.matches(head.segments) }
        guard let best = matching.min(by: { $0.isMoreLiteral(than: $1) }) else {
            return .answer(
                .problem(
                    .notFound("there is no route '\(head.path)'", remedy: "see GET /openapi.json", code: "no_route")))
        }
        let candidates = matching.filter { $0.parts.map(\.shape) == best.parts.map(\.shape) }
        if let own = candidates.first(where: { $0.method == head.method }) { return .route(own) }
        if head.method == .head, let get = candidates.first(where: { $0.method == .get }) { return .route(get) }
        var allowed = Set(candidates.map(\.method.rawValue))
        if allowed.contains("GET") { allowed.insert("HEAD") }
        let allow = allowed.union(["OPTIONS"]).sorted().joined(separator: ", ")
        if head.method == .options {
            return .answer(Response(status: 204, headers: ["Allow": allow], body: .bytes([])))
        }
        let problem = Problem(
            status: 405, detail: "\(head.method.rawValue) is not possible on '\(head.path)'", remedy: "use \(allow)",
            code: "method_not_allowed")
        return .answer(.problem(problem, headers: ["Allow": allow]))
    }
}

extension Router.Part {
    /// The literal, or nil for a parameter of whatever name.
    fileprivate var shape: String? {
        switch self {
        case .literal(let text): text
        case .parameter: nil
        }
    }
}

extension Router.Route {
    fileprivate func matches(_ segments: [String]) -> Bool {
        parts.count == segments.count
            && zip(parts, segments).allSatisfy { part, segment in part.shape.map { $0 == segment } ?? !segment.isEmpty }
    }

    fileprivate func isMoreLiteral(than other: Router.Route) -> Bool {
        let difference = zip(parts, other.parts).first { ($0.shape == nil) != ($1.shape == nil) }
        return difference.map { $0.0.shape != nil } ?? false
    }
}

/// What is known of a request before its body arrives.
public struct RequestHead: Sendable {
    /// Where a request came in.
    public enum Origin: Sendable, Equatable {
        /// The Unix socket: whoever may open the file is trusted.
        case unix
        /// A TCP listener; the peer as HOST:PORT.
        case tcp(peer: String)

        var peer: String? {
            switch self {
            case .unix: nil
            case .tcp(let peer): peer
            }
        }
    }

    public let method: HTTPMethod
    /// The decoded path, with `/` before each segment; segments hold no `/` themselves.
    public var path: String { segments.isEmpty ? "/" : segments.reduce(into: "") { $0 += "/" + $1 } }
    /// The decoded path segments.
    public let segments: [String]
    public let query: Query
    public let headers: Headers
    public let origin: Origin
    /// The announced size of the body; nil for a chunked one, 0 for none.
    public let contentLength: Int?
    /// Nil as long as a TCP client has not shown its right.
    public internal(set) var caller: Caller?

    /// Whether a body follows.
    var hasBody: Bool { contentLength != 0 }
    /// Whether the client waits for `100 Continue` before it sends its body.
    var expectsContinue: Bool { headers["Expect"].map { sameName($0, "100-continue") } ?? false }
}

/// A complete request.
public struct Request: Sendable {
    public let head: RequestHead
    public let body: RequestBody
    /// The values of the route's `:name` segments.
    public internal(set) var parameters: [String: String] = [:]

    public var method: HTTPMethod { head.method }
    public var path: String { head.path }
    public var query: Query { head.query }
    public var headers: Headers { head.headers }

    /// The value of the route's segment `:name`.
    public subscript(parameter name: String) -> String {
        guard let value = parameters[name] else { preconditionFailure("the route has no segment ':\(name)'") }
        return value
    }

    /// The body as JSON; a mistake is a 400 that names the field, another content type a 415.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws(Problem) -> Value {
        try JSON.decode(type, from: jsonBytes())
    }

    /// As ``json(_:)``, and unknown fields are refused.
    public func json<Value: StrictDecodable>(_ type: Value.Type = Value.self) throws(Problem) -> Value {
        try JSON.decode(type, from: jsonBytes())
    }

    private func jsonBytes() throws(Problem) -> [UInt8] {
        let type = headers["Content-Type"]?.prefix { $0 != ";" && $0 != " " }.lowercased() ?? "application/json"
        guard type == "application/json" || type.hasSuffix("+json") else {
            throw Problem(
                status: 415, detail: "the body is '\(type)'", remedy: "send application/json", code: "not_json")
        }
        guard body.count > 0 else { throw .badRequest("the request has no body", remedy: "send a JSON object") }
        do {
            return try body.collect()
        } catch .bodyTooLarge(let limit) {
            throw .tooLarge(limit: limit)
        } catch {
            throw .internalError()
        }
    }
}

/// Where a server is.
public enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A Unix socket.
    case unix(path: String)
    /// `http://HOST:PORT`, without a path.
    case url(String)

    public var description: String {
        switch self {
        case .unix(let path): path
        case .url(let url): url
        }
    }

    var base: String {
        switch self {
        case .unix: "http://localhost"
        case .url(let url): url.hasSuffix("/") ? String(url.dropLast()) : url
        }
    }
}

/// One request to make.
public struct Call: Sendable {
    /// What is sent.
    public enum Body: Sendable {
        case none
        case bytes([UInt8], contentType: String)
        /// A file, streamed from disk.
        case file(path: String, contentType: String)
    }

    public var method: HTTPMethod
    public var path: EscapedPath
    /// Parameters in order; names and values are escaped here. A nil value is left out.
    public var query: [(name: String, value: String?)]
    public var headers: Headers
    public var body: Body
    /// The whole exchange may take this long; nil for as long as it takes.
    public var timeout: Duration?

    public init(
        _ method: HTTPMethod, _ path: EscapedPath, query: [(name: String, value: String?)] = [], headers: Headers = [:],
        body: Body = .none, timeout: Duration? = .seconds(60)
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    /// The path with its query, as it goes on the wire.
    var target: String {
        let pairs = query.compactMap { name, value in value.map { "\(percentEncoded(name))=\(percentEncoded($0))" } }
        return pairs.isEmpty ? path.text : "\(path.text)?\(pairs.joined(separator: "&"))"
    }
}

/// A successful answer, status 200-399.
public struct Reply: Sendable {
    public let status: Int
    public let headers: Headers
    /// Empty if the body went to a closure.
    public let body: [UInt8]
    let address: String

    /// The body as JSON.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws(APIError) -> Value {
        do {
            return try JSON.decode(type, from: body)
        } catch {
            throw .badReply(address: address, cause: error.detail)
        }
    }
}

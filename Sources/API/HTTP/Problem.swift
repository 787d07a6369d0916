/// An answer that says no: a problem document of RFC 9457, with what a person can do about it.
///
/// Handlers throw it, the server sends it as `application/problem+json`, the client decodes it.
public struct Problem: Error, Codable, Sendable, Equatable {
    /// A URI that names the kind of problem; `about:blank` when the status says it all.
    public var type: String
    /// The kind of problem in a few words, the same for every occurrence.
    public var title: String
    /// The HTTP status, 400-599.
    public var status: Int
    /// What went wrong this time: the object and the cause.
    public var detail: String
    /// What to do about it.
    public var remedy: String?
    /// A stable name for programs, such as `unknown_agent`.
    public var code: String?
    /// The field or parameter at fault, such as `options.dim`.
    public var field: String?

    public init(
        status: Int, detail: String, remedy: String? = nil, code: String? = nil, field: String? = nil,
        title: String? = nil, type: String = "about:blank"
    ) {
        self.type = type
        self.title = title ?? reasonPhrase(status)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.code = code
        self.field = field
    }

    /// 400: the request cannot be understood.
    public static func badRequest(_ detail: String, remedy: String? = nil, field: String? = nil) -> Problem {
        Problem(status: 400, detail: detail, remedy: remedy, code: "bad_request", field: field)
    }

    /// 404: what the request names does not exist.
    public static func notFound(_ detail: String, remedy: String? = nil, code: String = "not_found") -> Problem {
        Problem(status: 404, detail: detail, remedy: remedy, code: code)
    }

    /// 409: the request contradicts the present state.
    public static func conflict(_ detail: String, remedy: String? = nil, code: String = "conflict") -> Problem {
        Problem(status: 409, detail: detail, remedy: remedy, code: code)
    }

    /// 422: the request is well formed, and what it says cannot be carried out.
    public static func unusable(_ detail: String, remedy: String? = nil, field: String? = nil) -> Problem {
        Problem(status: 422, detail: detail, remedy: remedy, code: "unusable", field: field)
    }

    /// 500: our own mistake; the cause goes to the log, not to the client.
    public static func internalError(_ detail: String = "the request failed inside the server") -> Problem {
        Problem(status: 500, detail: detail, remedy: "see the server's log", code: "internal_error")
    }

    /// 503: not now.
    public static func unavailable(_ detail: String, remedy: String? = nil) -> Problem {
        Problem(status: 503, detail: detail, remedy: remedy, code: "unavailable")
    }

    static func tooLarge(limit: Int) -> Problem {
        Problem(
            status: 413, detail: "the request body is larger than \(limit) bytes", remedy: "send it in smaller parts",
            code: "body_too_large")
    }
}

extension Problem: CustomStringConvertible {
    /// The detail and the remedy, as two sentences.
    public var description: String {
        guard let remedy else { return detail }
        return "\(detail). \(remedy)"
    }
}

/// The reason phrase of RFC 9110 for a status.
func reasonPhrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 507: "Insufficient Storage"
    default: "Status \(status)"
    }
}

import Glibc

/// What a request needs to be let in.
public enum Right: Int, Sendable, Comparable {
    /// Nothing: for probes of liveness, and pages that ask for a token themselves.
    case nothing
    /// To see, and to ask questions.
    case reading
    /// To change something.
    case changing

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Who sent a request, as far as the server can tell; for the audit log.
public enum Caller: Sendable, Equatable, CustomStringConvertible {
    /// Whoever may open the Unix socket.
    case socket
    /// Somebody on this machine.
    case machine
    /// The holder of a token, by the token's name.
    case token(String)
    /// Nobody knows; only routes that need no right.
    case anybody

    public var description: String {
        switch self {
        case .socket: "socket"
        case .machine: "machine"
        case .token(let name): "token:\(name)"
        case .anybody: "anybody"
        }
    }
}

/// A secret that opens the TCP listeners, and what for.
public struct Token: Sendable {
    /// Shown in the audit log.
    public let name: String
    public let right: Right
    fileprivate let secret: [UInt8]

    public init(name: String, right: Right, secret: String) {
        precondition(!secret.isEmpty, "an empty token would admit everybody")
        self.name = name
        self.right = right
        self.secret = Array(secret.utf8)
    }
}

/// Who may use the TCP listeners of a server.
public struct Access: Sendable {
    enum Verdict: Sendable {
        case admitted(Caller)
        case refused(Response)
    }

    let needsLoopback: Bool
    private let check: @Sendable (RequestHead, Right) -> Verdict

    func callAsFunction(_ head: RequestHead, needs right: Right) -> Verdict {
        right == .nothing ? .admitted(.anybody) : check(head, right)
    }

    /// Whoever is on this machine, except web pages of other sites.
    ///
    /// Only for loopback addresses. A browser on the same machine could be made to call the API by any page
    /// it shows, directly or through a name that resolves to 127.0.0.1: the `Host` must be a loopback name,
    /// and an `Origin`, which browsers add, must be the same host.
    public static let sameMachine = Access(needsLoopback: true) { head, _ in
        guard let host = head.headers["Host"], isLoopback(hostName(host)) else {
            return .refused(
                .problem(
                    Problem(
                        status: 403, detail: "the Host header names another machine",
                        remedy: "call 127.0.0.1 or localhost", code: "foreign_host")))
        }
        if let origin = head.headers["Origin"], origin != "http://\(host)" {
            return .refused(
                .problem(
                    Problem(
                        status: 403, detail: "a web page of another site sent this request", code: "foreign_origin")))
        }
        return .admitted(.machine)
    }

    /// Whoever sends `Authorization: Bearer TOKEN` with a token that has the right; the comparison takes the same
    /// time for any wrong token.
    public static func bearer(_ tokens: [Token]) -> Access {
        Access(needsLoopback: false) { head, right in
            let words = (head.headers["Authorization"] ?? "").split(separator: " ")
            let given = words.count == 2 && sameName(String(words[0]), "Bearer") ? Array(words[1].utf8) : []
            var holder: Token?
            for token in tokens where sameBytes(given, token.secret) { holder = token }
            guard let holder else {
                return .refused(
                    .problem(
                        Problem(
                            status: 401, detail: "the request has no valid bearer token",
                            remedy: "send 'Authorization: Bearer TOKEN' with a token of this node",
                            code: "token_required"), headers: ["WWW-Authenticate": "Bearer"]))
            }
            guard holder.right >= right else {
                return .refused(
                    .problem(
                        Problem(
                            status: 403, detail: "the token '\(holder.name)' may only read",
                            remedy: "use the node's other token", code: "read_only_token")))
            }
            return .admitted(.token(holder.name))
        }
    }
}

/// Equality in a time that depends on the lengths only.
private func sameBytes(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    var difference = one.count ^ other.count
    for index in one.indices { difference |= Int(one[index] ^ other[index % max(other.count, 1)]) }
    return difference == 0
}

/// The name in a `Host` header, without the port.
private func hostName(_ host: String) -> String {
    if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
    return String(host.prefix { $0 != ":" })
}

/// Whether a host name or address means this machine only.
func isLoopback(_ host: String) -> Bool {
    if sameName(host, "localhost") || host == "::1" { return true }
    var address = in_addr()
    return inet_pton(AF_INET, host, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
}

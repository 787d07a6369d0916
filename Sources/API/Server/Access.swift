import Glibc

/// Who may use the TCP listeners of a server.
public struct Access: Sendable {
    let needsLoopback: Bool
    private let check: @Sendable (RequestHead) -> Response?

    func callAsFunction(_ head: RequestHead) -> Response? { check(head) }

    /// Whoever is on this machine, except web pages of other sites.
    ///
    /// Only for loopback addresses. A browser on the same machine could be made to call the API by any page
    /// it shows, directly or through a name that resolves to 127.0.0.1: the `Host` must be a loopback name,
    /// and an `Origin`, which browsers add, must be the same host.
    public static let sameMachine = Access(needsLoopback: true) { head in
        guard let host = head.headers["Host"], isLoopback(hostName(host)) else {
            return .problem(
                Problem(
                    status: 403, detail: "the Host header names another machine", remedy: "call 127.0.0.1 or localhost",
                    code: "foreign_host"))
        }
        if let origin = head.headers["Origin"], origin != "http://\(host)" {
            return .problem(
                Problem(status: 403, detail: "a web page of another site sent this request", code: "foreign_origin"))
        }
        return nil
    }

    /// Whoever sends `Authorization: Bearer TOKEN`; the comparison takes the same time for any wrong token.
    public static func bearer(token: String) -> Access {
        precondition(!token.isEmpty, "an empty token would admit everybody")
        let expected = Array(token.utf8)
        return Access(needsLoopback: false) { head in
            let words = (head.headers["Authorization"] ?? "").split(separator: " ")
            if words.count == 2, sameName(String(words[0]), "Bearer"), sameBytes(Array(words[1].utf8), expected) {
                return nil
            }
            return .problem(
                Problem(
                    status: 401, detail: "the request has no valid bearer token",
                    remedy: "send 'Authorization: Bearer TOKEN' with the token of this node", code: "token_required"),
                headers: ["WWW-Authenticate": "Bearer"])
        }
    }

    /// A check of your own: nil admits.
    public static func custom(_ check: @escaping @Sendable (RequestHead) -> Response?) -> Access {
        Access(needsLoopback: false, check: check)
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

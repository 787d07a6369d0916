internal import CUV

/// What the network, a peer's TLS or the system can refuse.
public enum TransportError: Error, Hashable, Sendable {
    // Listening.
    case addressInUse(HostPort)
    case addressNotHere(HostPort)
    case permissionDenied(HostPort)

    // Dialing.
    case unknownHost(HostPort, reason: String)
    case connectionRefused(HostPort)
    case unreachable(HostPort)
    case dialTimedOut(HostPort)
    case tooManyDials(limit: Int)

    // The TLS handshake.
    case notTLS
    case wrongTLSVersion
    case wrongProtocol
    case noCertificate
    case handshakeTimedOut
    case handshakeFailed(reason: String)

    // Admission.
    case tooManyHandshakes(limit: Int)
    case tooManyConnections(limit: Int)
    case tooManyFromAddress

    // An open connection.
    case reset
    /// The stream ended without TLS's closing message: bytes may be missing.
    case truncated
    case damaged(reason: String)
    case unsentLimit(bytes: Int)
    case totalUnsentLimit(bytes: Int)
    case lingerTimedOut
    case aborted

    case shutDown
    /// Any other refusal of the system.
    case system(operation: String, code: Int32, text: String)

    /// From a (negative) error of libuv.
    static func system(operation: String, _ status: Int32) -> TransportError {
        .system(operation: operation, code: status, text: String(cString: uv_strerror(status)))
    }

    /// A short name that never changes, for metrics and JSON.
    public enum Code: String, CaseIterable, Hashable, Sendable {
        case addressInUse = "address_in_use"
        case addressNotHere = "address_not_here"
        case permissionDenied = "permission_denied"
        case unknownHost = "unknown_host"
        case connectionRefused = "connection_refused"
        case unreachable
        case dialTimedOut = "dial_timed_out"
        case tooManyDials = "too_many_dials"
        case notTLS = "not_tls"
        case wrongTLSVersion = "wrong_tls_version"
        case wrongProtocol = "wrong_protocol"
        case noCertificate = "no_certificate"
        case handshakeTimedOut = "handshake_timed_out"
        case handshakeFailed = "handshake_failed"
        case tooManyHandshakes = "too_many_handshakes"
        case tooManyConnections = "too_many_connections"
        case tooManyFromAddress = "too_many_from_address"
        case reset
        case truncated
        case damaged
        case unsentLimit = "unsent_limit"
        case totalUnsentLimit = "total_unsent_limit"
        case lingerTimedOut = "linger_timed_out"
        case aborted
        case shutDown = "shut_down"
        case system
    }

    public var code: Code {
        switch self {
        case .addressInUse: .addressInUse
        case .addressNotHere: .addressNotHere
        case .permissionDenied: .permissionDenied
        case .unknownHost: .unknownHost
        case .connectionRefused: .connectionRefused
        case .unreachable: .unreachable
        case .dialTimedOut: .dialTimedOut
        case .tooManyDials: .tooManyDials
        case .notTLS: .notTLS
        case .wrongTLSVersion: .wrongTLSVersion
        case .wrongProtocol: .wrongProtocol
        case .noCertificate: .noCertificate
        case .handshakeTimedOut: .handshakeTimedOut
        case .handshakeFailed: .handshakeFailed
        case .tooManyHandshakes: .tooManyHandshakes
        case .tooManyConnections: .tooManyConnections
        case .tooManyFromAddress: .tooManyFromAddress
        case .reset: .reset
        case .truncated: .truncated
        case .damaged: .damaged
        case .unsentLimit: .unsentLimit
        case .totalUnsentLimit: .totalUnsentLimit
        case .lingerTimedOut: .lingerTimedOut
        case .aborted: .aborted
        case .shutDown: .shutDown
        case .system: .system
        }
    }
}

extension TransportError: CustomStringConvertible {
    /// For people: the operation, its object, the cause and the remedy.
    public var description: String {
        switch self {
        case .addressInUse(let place):
            "cannot listen on \(place): another program uses port \(place.port); stop it or choose another port (0 = any free one)"
        case .addressNotHere(let place):
            "cannot listen on \(place): no interface of this machine has that address; use 0.0.0.0:\(place.port) for all of them"
        case .permissionDenied(let place):
            "cannot listen on \(place): not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE, choose a higher port"
        case .unknownHost(let place, let reason):
            "cannot dial \(place): the name \(place.host) is not known (\(reason)); check its spelling and this machine's DNS"
        case .connectionRefused(let place):
            "cannot dial \(place): nothing listens there; start the node, or correct the address in the peer list"
        case .unreachable(let place):
            "cannot dial \(place): no route to it; check the address and this machine's network"
        case .dialTimedOut(let place):
            "cannot dial \(place): no answer in time; check that the host is up and no firewall drops port \(place.port)"
        case .tooManyDials(let limit):
            "cannot dial: \(limit) dials wait already; wait for some of them to end"
        case .notTLS:
            "TLS handshake refused: the other side does not speak TLS; check that the address is a shoal node's --listen address"
        case .wrongTLSVersion:
            "TLS handshake refused: the other side does not speak TLS 1.3; check that it is a shoal node"
        case .wrongProtocol:
            "TLS handshake refused: the other side does not offer the protocol \(TLSProfile.shoal); check that it is a shoal node of this version"
        case .noCertificate:
            "TLS handshake refused: no certificate was presented; check that it is a shoal node"
        case .handshakeTimedOut:
            "TLS handshake refused: it did not end in time; check the network between the two nodes"
        case .handshakeFailed(let reason):
            "TLS handshake failed: \(reason); check that the other side is a shoal node"
        case .tooManyHandshakes(let limit):
            "connection refused: \(limit) newer ones wait for authentication; the other side dials again by itself"
        case .tooManyConnections(let limit):
            "connection refused: all \(limit) connections are in use; raise the limit or remove peers"
        case .tooManyFromAddress:
            "connection refused: too many attempts from one address; the other side must wait before it dials again"
        case .reset:
            "connection lost: the other side or the network reset it; it is dialed again by itself"
        case .truncated:
            "connection lost: it ended without a goodbye, the other side probably died; it is dialed again by itself"
        case .damaged(let reason):
            "connection closed: its TLS records are damaged (\(reason)); look for a faulty proxy on the way"
        case .unsentLimit(let bytes):
            "connection closed: the other side reads too slowly, \(bytes) bytes were waiting for it; check its load and its network"
        case .totalUnsentLimit(let bytes):
            "connection closed: it held most of the \(bytes) bytes that all slow peers together may leave waiting; check its network"
        case .lingerTimedOut:
            "connection closed: the other side did not take the last bytes in time"
        case .aborted:
            "connection closed by this node"
        case .shutDown:
            "the transport is shut down"
        case .system(let operation, let code, let text):
            "cannot \(operation): \(text) (error \(code)); see the limits of this process (ulimit -n) and the system log"
        }
    }
}

/// libuv's numbers for what the system refuses.
enum SystemError {
    static let endOfFile = UV_EOF.rawValue
    static let tryAgain = UV_EAGAIN.rawValue
    static let reset = UV_ECONNRESET.rawValue
    static let brokenPipe = UV_EPIPE.rawValue
    static let connectionAborted = UV_ECONNABORTED.rawValue
    static let connectionRefused = UV_ECONNREFUSED.rawValue
    static let timedOut = UV_ETIMEDOUT.rawValue
    static let networkUnreachable = UV_ENETUNREACH.rawValue
    static let hostUnreachable = UV_EHOSTUNREACH.rawValue
    static let addressInUse = UV_EADDRINUSE.rawValue
    static let addressNotAvailable = UV_EADDRNOTAVAIL.rawValue
    static let notPermitted = UV_EPERM.rawValue
    static let accessDenied = UV_EACCES.rawValue
}

import Glibc

/// What can go wrong in this module, apart from ``Problem``, which travels over the wire.
public enum APIError: Error, Sendable, Equatable {
    // Listening.
    /// A Unix socket path has at most ``ListenSocket/maxPathBytes`` bytes.
    case socketPathTooLong(path: String, limit: Int)
    /// Another process answers on this Unix socket.
    case alreadyServed(path: String)
    /// Something that is no socket lies at the path.
    case notASocket(path: String)
    /// The address cannot be bound.
    case cannotListen(address: String, cause: String)
    /// The address reaches beyond this machine, and no token guards it.
    case tokenRequired(address: String)
    /// The text is not HOST:PORT.
    case badAddress(String)
    // Bodies and streams.
    /// A request body is larger than the reader allows.
    case bodyTooLarge(limit: Int)
    /// A spooled body or a file to send cannot be read.
    case unreadable(path: String, cause: String)
    /// The other side of a stream is gone, or the server stops.
    case streamClosed
    // Calling.
    /// Nobody answers at the address.
    case unreachable(address: String, cause: String, remedy: String)
    /// No answer within the time allowed.
    case timedOut(address: String, seconds: Double)
    /// The connection broke before the answer was complete.
    case interrupted(address: String, cause: String)
    /// The answer is not what was asked for.
    case badReply(address: String, cause: String)
    /// The server answered with a problem.
    case refused(Problem)
    /// The caller gave up.
    case cancelled
}

extension APIError {
    /// Whether nobody was there to answer: exit code 3 of a command.
    public var isUnreachable: Bool {
        switch self {
        case .unreachable, .timedOut, .interrupted: true
        case .socketPathTooLong, .alreadyServed, .notASocket, .cannotListen, .tokenRequired, .badAddress, .bodyTooLarge,
            .unreadable, .streamClosed, .badReply, .refused, .cancelled:
            false
        }
    }

    /// The four parts of a message for people; `remedy` may be empty.
    public var parts: (operation: String, object: String, cause: String, remedy: String) {
        switch self {
        case .socketPathTooLong(let path, let limit):
            (
                "listen", path, "the path has \(path.utf8.count) bytes, a Unix socket path at most \(limit)",
                "choose a shorter directory"
            )
        case .alreadyServed(let path):
            ("listen", path, "another process answers there", "stop it, or choose another directory")
        case .notASocket(let path):
            ("listen", path, "there is a file that is no socket", "move it away")
        case .cannotListen(let address, let cause):
            ("listen for HTTP", address, cause, "choose another address, or end what listens there")
        case .tokenRequired(let address):
            (
                "listen", address, "the address can be reached from other machines",
                "give a bearer token, or listen on 127.0.0.1"
            )
        case .badAddress(let text):
            ("read address", text, "it is not HOST:PORT", "write for example 127.0.0.1:8080 or [::1]:8080")
        case .bodyTooLarge(let limit):
            ("read body", "request", "it is larger than \(limit) bytes", "send it in smaller parts")
        case .unreadable(let path, let cause):
            ("read", path, cause, "check that the file exists and can be read")
        case .streamClosed:
            ("send", "stream", "the receiver is gone", "")
        case .unreachable(let address, let cause, let remedy):
            ("connect", address, cause, remedy)
        case .timedOut(let address, let seconds):
            ("wait for an answer", address, "none within \(seconds) seconds", "try again, or allow more time")
        case .interrupted(let address, let cause):
            ("read answer", address, cause, "look at the server's log, then try again")
        case .badReply(let address, let cause):
            ("read answer", address, cause, "check that client and server have the same version")
        case .refused(let problem):
            ("request", problem.code ?? problem.title, problem.detail, problem.remedy ?? "")
        case .cancelled:
            ("request", "call", "it was cancelled", "")
        }
    }
}

extension APIError: CustomStringConvertible {
    /// `OPERATION: OBJECT: cause. remedy`
    public var description: String {
        let (operation, object, cause, remedy) = parts
        return "\(operation): \(object): \(cause)" + (remedy.isEmpty ? "" : ". \(remedy)")
    }
}

/// What the C library says about an `errno`; Glibc keeps the text per thread.
func errorText(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

internal import API
internal import Glibc
internal import Synchronization

/// Who asked what over HTTP: one logfmt line a request, appended to the file `audit` of the data directory.
///
/// Requests that only look at the node's health are left out; they would bury the others.
final class AuditLog: Sendable {
    private let file: Mutex<Int32>
    private static let unaudited: Set<String> = ["/", "/healthz", "/readyz", "/metrics", "/api/status", "/api/peers"]

    /// - Parameter path: made with mode 0600; nothing is written if it cannot be opened.
    init(path: String) {
        file = Mutex(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600))
    }

    deinit { _ = file.withLock { close($0) } }

    func note(_ summary: RequestSummary) {
        if summary.method == .get, summary.status < 400, Self.unaudited.contains(summary.path) { return }
        let fields: [(String, String)] = [
            ("ts", EventLog.now), ("caller", summary.caller?.description ?? "refused"), ("peer", summary.peer ?? "-"),
            ("method", summary.method?.rawValue ?? "-"), ("path", summary.path), ("status", "\(summary.status)"),
            ("ms", "\(Int(summary.duration.seconds * 1_000))"),
        ]
        let line = fields.map { "\($0.0)=\(EventLog.quote($0.1))" }.joined(separator: " ") + "\n"
        file.withLock { descriptor in
            guard descriptor >= 0 else { return }
            _ = line.withCString { Glibc.write(descriptor, $0, line.utf8.count) }
        }
    }
}

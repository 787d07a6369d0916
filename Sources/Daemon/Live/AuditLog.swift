internal import API

/// Who asked what over HTTP: one logfmt line a request, appended to the file `audit` of the data directory.
///
/// Requests that only look at the node's health are left out; they would bury the others.
final class AuditLog: Sendable {
    private let file: LogFile
    private static let unaudited: Set<String> = ["/", "/healthz", "/readyz", "/metrics", "/api/status", "/api/peers"]

    /// - Parameter path: see ``LogFile``.
    init(path: String) { file = LogFile(path: path) }

    func note(_ summary: RequestSummary) {
        if summary.method == .get, summary.status < 400, Self.unaudited.contains(summary.path) { return }
        let fields: [(String, String)] = [
            ("ts", EventLog.now), ("caller", summary.caller?.description ?? "refused"), ("peer", summary.peer ?? "-"),
            ("method", summary.method?.rawValue ?? "-"), ("path", summary.path), ("status", "\(summary.status)"),
            ("ms", "\(Int(summary.duration.seconds * 1_000))"),
        ]
        let line = fields.map { "\($0.0)=\(EventLog.quote($0.1))" }.joined(separator: " ") + "\n"
        file.append(line)
    }
}

internal import Glibc
internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// What the node tells its operator: one logfmt line an event, to standard error and the log file.
final class EventLog: Sendable {
    private let file: LogFile?
    private let verbose: Bool

    /// - Parameter path: appended to; the log goes to standard error alone if it cannot be opened.
    init(path: String?, verbose: Bool) {
        file = path.map { LogFile(path: $0) }
        self.verbose = verbose
    }

    func info(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) { write("info", event, fields) }
    func warn(_ event: String, _ fields: KeyValuePairs<String, String> = [:]) { write("warn", event, fields) }
    func debug(_ text: String) {
        if verbose { write("debug", "detail", ["text": text]) }
    }

    func log(_ notice: Notice) {
        switch notice {
        case .connected(let peer): info("connected", ["peer": peer.short])
        case .disconnected(let peer, let reason): info("disconnected", ["peer": peer.short, "reason": reason])
        case .banned(let peer, let reason, _): warn("banned", ["peer": peer.short, "reason": reason])
        case .refused(let op, let code, let from):
            warn("refused", ["code": code, "op": op?.short ?? "-", "from": from?.short ?? "-"])
        case .fork(let proof):
            warn(
                "fork",
                [
                    "author": proof.key.author.short, "log": proof.key.log.hex, "seq": "\(proof.seq)",
                    "one": proof.first.id.short, "other": proof.second.id.short,
                ])
        case .diverged(let peer, let ours, let theirs):
            warn("diverged", ["peer": peer.short, "ours": ours.short, "theirs": theirs.short])
        case .beganWithSums(let blocks, let bytes):
            info("began-with-sums", ["blocks": "\(blocks)", "bytes": "\(bytes)"])
        case .replacedBodies(let blocks, let bytes):
            info("replaced-bodies", ["blocks": "\(blocks)", "bytes": "\(bytes)"])
        case .openedLog(let log, let reason): info("opened-log", ["log": log.hex, "reason": reason])
        case .reached(let contact): info("reached", ["peer": contact.peer.short, "address": contact.address])
        case .stopped(let reason): warn("stopped", ["reason": reason])
        }
    }

    private func write(_ level: String, _ event: String, _ fields: KeyValuePairs<String, String>) {
        var line = "ts=\(Self.now) level=\(level) event=\(event)"
        for (key, value) in fields { line += " \(key)=\(Self.quote(value))" }
        line += "\n"
        file?.append(line)
        Self.tell(line)
    }

    /// To standard error, unless whoever is behind it does not read: a node does not wait for a terminal.
    private static func tell(_ line: String) {
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, 0) == 1, entry.revents & Int16(POLLOUT) != 0 else { return }
        // A pipe that can take anything takes so much whole.
        let bytes = Array(line.utf8.prefix(Int(PIPE_BUF)))
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    /// The time in UTC, `2026-11-20T17:04:09Z`.
    static var now: String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var stamp = [CChar](repeating: 0, count: 32)
        let length = strftime(&stamp, stamp.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: stamp.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// A logfmt value. Parts of it come from peers: whatever could end the line or move a terminal's
    /// cursor is written as an escape.
    static func quote(_ value: String) -> String {
        let plain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        guard !plain else { return value }
        var escaped = String.UnicodeScalarView()
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += ["\\", scalar]
            case "\n": escaped += "\\n".unicodeScalars
            case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                escaped += "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars
            default: escaped.append(scalar)
            }
        }
        return "\"\(String(escaped))\""
    }
}

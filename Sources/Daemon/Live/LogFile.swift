internal import Glibc
internal import Synchronization

/// A file that lines are appended to, kept in bounds: at `limit` it becomes `PATH.1`, in place of the one before.
///
/// Nobody waits for it and nothing fails with it. What a full disk does not take is counted, and said in the file when
/// there is room again; a line that was cut off stays one line.
final class LogFile: Sendable {
    static let standardLimit = 16 << 20

    private struct State {
        var descriptor: Int32
        var size: Int
        /// Lines that could not be written, since the last one that could.
        var lost = 0
        /// The last line lacks its end.
        var isTorn = false
    }
    private let path: String
    private let limit: Int
    private let state: Mutex<State>

    /// - Parameter path: made with mode 0600; nothing is written if it cannot be opened.
    init(path: String, limit: Int = LogFile.standardLimit) {
        self.path = path
        self.limit = limit
        state = Mutex(Self.opened(path))
    }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    /// - Parameter line: with its line end.
    func append(_ line: String) {
        state.withLock { state in
            if state.size > 0, state.size + line.utf8.count > limit { turnOver(&state) }
            if state.isTorn || state.lost > 0 {
                let repair = state.isTorn ? "\n" : ""
                let notice = "ts=\(EventLog.now) level=warn event=log-lost lines=\(state.lost)\n"
                guard write(repair + notice, &state) else {
                    state.lost += 1
                    return
                }
                state.lost = 0
            }
            if !write(line, &state) { state.lost += 1 }
        }
    }

    private static func opened(_ path: String) -> State {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var info = stat()
        let size = descriptor >= 0 && fstat(descriptor, &info) == 0 ? Int(info.st_size) : 0
        return State(descriptor: descriptor, size: size)
    }

    private func turnOver(_ state: inout State) {
        guard state.descriptor >= 0, rename(path, path + ".1") == 0 else { return }
        close(state.descriptor)
        let lost = state.lost
        state = Self.opened(path)
        state.lost = lost
    }

    /// - Returns: whether all of it is in the file.
    private func write(_ text: String, _ state: inout State) -> Bool {
        guard state.descriptor >= 0 else { return true }
        let bytes = Array(text.utf8)
        let count = Glibc.write(state.descriptor, bytes, bytes.count)
        if count > 0 {
            state.size += count
            state.isTorn = bytes[count - 1] != UInt8(ascii: "\n")
        }
        return count == bytes.count
    }
}

internal import Glibc
internal import Site

/// A process that this or an earlier command started.
///
/// A process id alone could by now be somebody else's: ids are used again. Id and start time together
/// name one process until the machine is restarted.
public struct ProcessIdentity: Codable, Sendable, Hashable {
    public let pid: Int32
    /// When it started, in clock ticks since the machine did (field 22 of `/proc/PID/stat`).
    public let startTicks: UInt64

    /// The process that has this id now; nil if there is none, or it ended and was not waited for.
    public init?(of pid: Int32) {
        guard pid > 1, let stat = ProcessTable.stat(of: pid), !stat.hasEnded else { return nil }
        self.pid = pid
        startTicks = stat.startTicks
    }

    public var isAlive: Bool { ProcessIdentity(of: pid) == self }

    /// Whether a signal has stopped it in its tracks.
    var isStopped: Bool { ProcessTable.stat(of: pid).map { $0.isStopped && $0.startTicks == startTicks } ?? false }

    /// Sends a signal, if the process still lives.
    public func signal(_ number: Int32) {
        if isAlive { kill(pid, number) }
    }

    /// Waits for its end.
    ///
    /// - Returns: whether it ended in time.
    func ended(within patience: Duration) async throws -> Bool {
        try await Patience.poll(for: patience) {
            // Collects a child of ours; for others it does nothing.
            waitpid(pid, nil, WNOHANG)
            return !isAlive
        }
    }
}

/// What the system tells of processes.
enum ProcessTable {
    struct Stat {
        /// All of its threads have.
        let hasEnded: Bool
        let isStopped: Bool
        let startTicks: UInt64
    }

    static func stat(of pid: Int32) -> Stat? {
        // The second field is the name in parentheses, and may hold spaces and parentheses itself.
        guard let text = read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        // The first thread may have ended while others run yet; until they end, too, files and locks stay held.
        let hasEnded = ["Z", "X"].contains(fields[0]) && (Int(fields[17]) ?? 0) <= 1
        return Stat(hasEnded: hasEnded, isStopped: fields[0] == "T", startTicks: start)
    }

    /// Memory of a process in KiB: all that is in memory, and its share of it where several processes use the same.
    static func memory(of pid: Int32) -> (resident: Int, share: Int)? {
        guard let text = read("/proc/\(pid)/smaps_rollup") else { return nil }
        func value(_ name: String) -> Int? {
            text.split(separator: "\n").first { $0.hasPrefix("\(name):") }?.split(separator: " ").dropFirst().first
                .flatMap { Int($0) }
        }
        guard let resident = value("Rss"), let share = value("Pss") else { return nil }
        return (resident, share)
    }

    /// The words of its command line; none for a process that is gone.
    static func commandLine(of pid: Int32) -> [String] {
        (read("/proc/\(pid)/cmdline") ?? "").split(separator: "\0").map(String.init)
    }

    /// The living processes whose command line names `path` or something in it, and satisfies `isMeant`.
    static func naming(_ path: String, where isMeant: ([String]) -> Bool) -> [ProcessIdentity] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [ProcessIdentity] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let pid = Int32(name), pid != getpid() else { continue }
            let words = commandLine(of: pid)
            let isNamed = words.contains { $0 == path || $0.hasPrefix("\(path)/") }
            if isNamed, isMeant(words), let process = ProcessIdentity(of: pid) { found.append(process) }
        }
        return found
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, $0.count - count) }
            guard got > 0 else { break }
            count += got
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

import Glibc
import Wire

/// The lock that keeps two nodes out of one data directory. Held until it is released or the process
/// ends, however that happens; child processes do not inherit it.
public final class DataLock {
    /// What the holder of a lock tells others about itself.
    public struct Holder: Sendable, Equatable {
        public let pid: Int32
        /// The socket of its API, if it has told one.
        public let socketPath: String?
    }

    private let file: Descriptor

    /// - Throws: `inUse` with the holder's process id when another node runs there.
    public init(_ directory: DataDirectory) throws(SiteError) {
        // A local until the lock is ours: an initialiser that throws with all properties set runs deinit, which
        // would wipe what the holder wrote.
        let file = try Descriptor("lock", directory.lockPath, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
        guard try file.lockExclusively() else {
            let pid = try Self.holder(of: directory)?.pid
            throw SiteError(
                .inUse(pid: pid), operation: "use the data directory", object: directory.path,
                cause: "another node runs there" + (pid.map { " (process \($0))" } ?? ""),
                remedy: "stop it first, or choose another --data-dir")
        }
        self.file = file
        try tell(socketPath: nil)
    }

    deinit {
        _ = ftruncate(file.number, 0)
        file.unlock()
    }

    /// Tells others where this node's API listens.
    public func tell(socketPath: String?) throws(SiteError) {
        let text = "pid \(getpid())\n" + (socketPath.map { "socket \($0)\n" } ?? "")
        try file.truncate(to: 0)
        try file.write(Bytes(text.utf8), at: 0)
    }

    /// Who holds the lock, as far as its file tells; nil when nobody does or it is just changing. The file of a
    /// killed node stays: only a connection to the socket proves that somebody is there.
    public static func holder(of directory: DataDirectory) throws(SiteError) -> Holder? {
        if Files.status(directory.lockPath) == nil { return nil }
        let text = String(decoding: try Files.read(directory.lockPath, limit: 8_192), as: UTF8.self)
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        guard let pid = fields["pid"].flatMap({ Int32($0) }), pid > 0 else { return nil }
        return Holder(pid: pid, socketPath: fields["socket"].map { String($0) })
    }
}

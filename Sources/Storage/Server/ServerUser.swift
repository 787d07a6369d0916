import Glibc

/// The operating-system user that PostgreSQL runs as.
///
/// An ordinary user runs it as itself. PostgreSQL refuses to run as root, so root drops to:
/// 1. the owner of an existing `pg/` directory, when that is not root (the node was started
///    by an ordinary user before),
/// 2. `postgres`, which Debian's server package creates,
/// 3. `nobody`.
struct ServerUser: Equatable, Sendable {
    var id: uid_t
    var group: gid_t
    var name: String

    /// True when PostgreSQL runs as somebody else than this process.
    var isOther: Bool { id != geteuid() }

    static func choose(for directory: String) throws(StorageError) -> ServerUser {
        let own = geteuid()
        let owner = Files.status(directory)?.st_uid
        if own != 0 {
            if let owner, owner != own {
                let name = lookUp(owner)?.name ?? String(owner)
                throw StorageError(
                    .directory, operation: "use", object: directory,
                    cause: "it belongs to user \(name), so the node was started by root or that user before",
                    remedy: "start it the same way again, or run: chown -R \(own) '\(directory)'")
            }
            guard let user = lookUp(own) else {
                throw StorageError(
                    .directory, operation: "run PostgreSQL as", object: "user id \(own)",
                    cause: "this system has no name for that user id, which initdb requires",
                    remedy: "add the user to /etc/passwd, or use --database-url")
            }
            return user
        }
        if let owner, owner != 0, let user = lookUp(owner) { return user }
        if let user = lookUp("postgres") ?? lookUp("nobody") { return user }
        throw StorageError(
            .directory, operation: "run PostgreSQL as", object: "an unprivileged user",
            cause: "PostgreSQL refuses to run as root, and there is no user postgres or nobody",
            remedy: "create the user postgres, or start the node as an ordinary user")
    }

    static func lookUp(_ name: String) -> ServerUser? {
        find { entry, buffer, size, result in getpwnam_r(name, entry, buffer, size, result) }
    }

    static func lookUp(_ id: uid_t) -> ServerUser? {
        find { entry, buffer, size, result in getpwuid_r(id, entry, buffer, size, result) }
    }

    private static func find(
        _ search: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> ServerUser? {
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 16_384)
        defer { buffer.deallocate() }
        guard let base = buffer.baseAddress, search(&entry, base, buffer.count, &result) == 0, result != nil else {
            return nil
        }
        return ServerUser(id: entry.pw_uid, group: entry.pw_gid, name: String(cString: entry.pw_name))
    }

    /// Checks that this user may pass through every directory on the way to `path`.
    ///
    /// Mode bits alone decide here, so that the message can name the directory; the supervisor
    /// then really enters the directory as this user.
    ///
    /// - Parameter path: absolute, without symbolic links, existing.
    func checkTraversal(to path: String) throws(StorageError) {
        var current = ""
        for part in [""] + path.split(separator: "/").map(String.init).dropLast() {
            current = part.isEmpty ? "/" : current + (current == "/" ? "" : "/") + part
            guard let info = Files.status(current) else { continue }
            let mask: mode_t = info.st_uid == id ? 0o100 : info.st_gid == group ? 0o010 : 0o001
            if info.st_mode & mask == 0 {
                throw StorageError(
                    .directory, operation: "run PostgreSQL in", object: path,
                    cause: "PostgreSQL runs as user \(name), which may not enter \(current)",
                    remedy: "choose a --data-dir outside \(current), or run: chmod o+x '\(current)'")
            }
        }
    }
}

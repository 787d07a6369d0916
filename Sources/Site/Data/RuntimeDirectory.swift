import Glibc
import Identity
import Wire

/// Where the sockets of a running node lie: a short path whatever the data path is, since the path of
/// a Unix socket has at most 107 bytes.
///
/// `BASE/HASH`, 0700, HASH = 16 digits from the data path and what lies there: in two containers or mount namespaces
/// that share a `/tmp` the same path is two directories. BASE is `/tmp/shoal-UID`, or a `shoal`
/// below what `SHOAL_RUNTIME_DIR` or systemd's `RUNTIME_DIRECTORY` name. (Not `/run/user/UID`: it vanishes when its
/// user logs out, and a node stays.)
public struct RuntimeDirectory: Sendable, Equatable {
    /// The longest path that `sockaddr_un` holds, its NUL not counted.
    public static let maxSocketPathBytes = 107
    /// The longest name that is put there (PostgreSQL's is `.s.PGSQL.5432`).
    static let maxNameBytes = 16

    public let path: String
    public var apiSocketPath: String { path + "/api.sock" }

    /// The place for the node of `directory`; touches nothing.
    ///
    /// - Throws: `path` when the base from the environment is relative or too long.
    public init(
        for directory: DataDirectory, user: UInt32? = nil,
        environment: (String) -> String? = DataDirectory.variable
    ) throws(SiteError) {
        let info = Files.status(directory.path)
        let place = "\(info?.st_dev ?? 0) \(info?.st_ino ?? 0) \(directory.path)"
        let digest: Hash32 = blake2b256(domain: "shoal/runtime/2", Bytes(place.utf8))
        let hash = digest.hex.prefix(16)
        // systemd separates several directories by colons.
        let given = (environment("SHOAL_RUNTIME_DIR") ?? environment("RUNTIME_DIRECTORY"))?.prefix { $0 != ":" }
        let base = given.map { "\($0)/shoal" } ?? "/tmp/shoal-\(user ?? geteuid())"
        path = "\(base)/\(hash)"
        guard given?.hasPrefix("/") ?? true, path.utf8.count + 1 + Self.maxNameBytes <= Self.maxSocketPathBytes else {
            throw SiteError(
                .path, operation: "put sockets in", object: path,
                cause: "it is relative, or longer than a socket's path may be",
                remedy: "set SHOAL_RUNTIME_DIR to a short absolute path")
        }
    }

    /// Makes the directory, and checks that it and its base are this user's alone: in `/tmp` anybody could have made
    /// them first.
    ///
    /// - Throws: `permission` or `exposed` with the remedy.
    public func prepare() throws(SiteError) {
        let base = Files.parent(of: path)
        for directory in [base, path] {
            try Files.makeDirectory(directory, mode: 0o700)
            try Self.check(directory)
        }
    }

    private static func check(_ path: String) throws(SiteError) {
        guard let info = Files.status(path), info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid() else {
            throw SiteError(
                .permission, operation: "put sockets in", object: path,
                cause: "it is not a directory of this user (id \(geteuid()))",
                remedy: "remove it, or set SHOAL_RUNTIME_DIR to a directory of your own")
        }
        if info.st_mode & 0o077 != 0 {
            throw SiteError(
                .exposed, operation: "put sockets in", object: path,
                cause: "others may enter it (mode \(Files.octal(info.st_mode & 0o777)))",
                remedy: "run: chmod 700 \(Files.quoted(path))")
        }
    }

    /// Removes the directory and the sockets in it, after the node stopped. Errors do not matter any more.
    public func remove() {
        if let names = try? Files.names(in: path) {
            for name in names { unlink("\(path)/\(name)") }
        }
        rmdir(path)
    }
}

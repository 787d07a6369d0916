import Glibc

/// The 0700 directory that holds the server's Unix socket.
///
/// `pg/run` inside the data directory when the socket's path then fits into the 107 bytes that
/// Linux allows; else `/tmp/shoal-DEVICE-INODE`, named after the `pg` directory itself, so that two
/// nodes never meet there.
enum SocketDirectory {
    /// sizeof(sun_path) - 1.
    static let maxSocketPathBytes = 107
    static let socketName = ".s.PGSQL.5432"

    static func path(for pg: String, temporary: String = "/tmp") -> String {
        let inside = pg + "/run"
        if "\(inside)/\(socketName)".utf8.count <= maxSocketPathBytes { return inside }
        let info = Files.status(pg)
        let device = String(info?.st_dev ?? 0, radix: 16)
        let inode = String(info?.st_ino ?? 0, radix: 16)
        return "\(temporary)/shoal-\(device)-\(inode)"
    }

    /// Creates it for `user`. One that exists is used only if nobody else could have prepared it.
    static func prepare(_ path: String, user: ServerUser) throws(StorageError) {
        if mkdir(path, 0o700) == 0 {
            if user.isOther && chown(path, user.id, user.group) != 0 {
                throw Files.failure("change the owner of", path, errno)
            }
            return
        }
        guard errno == EEXIST else { throw Files.failure("create the socket directory", path, errno) }
        let info = Files.status(path)
        if let info, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == 0, user.isOther {
            // Killed between mkdir and chown.
            if chown(path, user.id, user.group) != 0 { throw Files.failure("change the owner of", path, errno) }
            return
        }
        guard let info, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == user.id, info.st_mode & 0o077 == 0 else {
            throw StorageError(
                .directory, operation: "use the socket directory", object: path,
                cause: "somebody else made it, or it is open to others",
                remedy: "remove it, or choose a shorter --data-dir")
        }
    }
}

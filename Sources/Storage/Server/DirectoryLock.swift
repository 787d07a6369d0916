import Glibc

/// An advisory lock on a node's `pg` directory; the system drops it when the node dies.
final class DirectoryLock: Sendable {
    private let file: Int32

    init(_ cluster: Cluster) throws(StorageError) {
        let path = cluster.root + "/lock"
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Files.failure("create", path, errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = (Files.read(path) ?? "").prefix { $0.isNumber }
            close(file)
            throw StorageError(
                .inUse, operation: "open", object: cluster.root,
                cause: "another node\(holder.isEmpty ? "" : " (process \(holder))") runs on this data directory",
                remedy: "stop it first, or give this node its own --data-dir")
        }
        ftruncate(file, 0)
        let text = "\(getpid())\n"
        pwrite(file, text, text.utf8.count, 0)
    }

    deinit {
        // Explicit: a child that is just being spawned may share the descriptor for a moment.
        flock(file, LOCK_UN)
        close(file)
    }
}

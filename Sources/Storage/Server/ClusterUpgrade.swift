import Glibc

/// Moves a private PostgreSQL to another major version, by pg_dump and pg_restore into a new cluster beside it.
///
/// ```
/// pg/cluster          serves until the last step
/// pg/cluster.next     the new one; with the file `verified` in it: equal to the other, table by table
/// pg/cluster.old      the former one; stays until ``discard(dataDirectory:)``
/// ```
/// A crash before `cluster` becomes `cluster.old` leaves everything as it was; one after it is completed by the next start
/// of a server (``Cluster/completeUpgrade()``). pg_upgrade would need the programs of both versions built alike, and leaves
/// no way back once the new server has run; a site's database is small enough to be written anew.
public enum ClusterUpgrade {
    /// What is done next.
    public enum Step: Sendable, Equatable {
        case reading(megabytes: Int)
        case creating(major: Int)
        case writing
        /// So many of so many tables are equal.
        case comparing(Int, of: Int)
        case swapping
        /// The old cluster has given up its name, and the new one has not got it yet.
        case between
    }

    public struct Outcome: Sendable {
        public let from: Int
        public let to: Int
        public let tables: Int
        public let rows: Int64
        /// Where the former database is.
        public let old: String
    }

    /// - Parameters:
    ///   - programs: the directory of the new server's programs; nil: the highest newer version that this machine has.
    ///   - told: before each step. What it throws ends the upgrade; nothing is changed then but for ``Step/between``.
    /// - Throws: `inUse` while a node runs or the database of an earlier upgrade is kept, `serverMissing` without a newer
    ///   version, `diskFull` without room for both, `unexpectedData` if the new database is not equal.
    public static func run(
        dataDirectory: String, programs: String?, told: (Step) throws -> Void
    ) throws -> Outcome {
        let cluster = try Cluster.prepare(dataDirectory: dataDirectory)
        let lock = try DirectoryLock(cluster)
        try cluster.completeUpgrade()
        guard let major = try cluster.version() else {
            throw StorageError(
                .directory, operation: "upgrade", object: cluster.root, cause: "it has no database yet",
                remedy: "start the node: it makes one with the newest PostgreSQL that is installed")
        }
        guard Files.status(cluster.old) == nil else {
            throw StorageError(
                .inUse, operation: "upgrade", object: cluster.root,
                cause: "it still has the database from before the last upgrade, in \(cluster.old)",
                remedy: "when all is well, remove it with: shoal postgres discard")
        }
        let present = try ServerPrograms.find(wanted: major, dataDirectory: cluster.root)
        let next = try ServerPrograms.newer(than: major, in: programs, dataDirectory: cluster.root)
        let fresh = cluster.next
        Files.removeTree(fresh.path)
        let dump = cluster.root + "/upgrade"
        Files.removeTree(dump)
        try Files.makeDirectory(dump, mode: 0o700)
        defer { Files.removeTree(dump) }

        let before = try serving(cluster, lock, present) { target in
            let size = try room(for: target, in: cluster.root)
            try told(.reading(megabytes: size >> 20))
            let before = try DatabaseDigest(of: target)
            try DatabaseDump.writeAll(of: target, to: dump + "/database", with: next)
            return before
        }
        try told(.creating(major: next.major))
        try serving(fresh, lock, next) { target in
            try told(.writing)
            try DatabaseDump.readAll(dump + "/database", into: target, with: next)
            try Connection(target).script("ANALYZE")
            let after = try DatabaseDigest(of: target) { try told(.comparing($0, of: before.tables.count)) }
            if let difference = before.difference(from: after) {
                throw StorageError(
                    .unexpectedData, operation: "upgrade", object: cluster.root,
                    cause: "the new database is not equal to the old one: \(difference)",
                    remedy: "nothing was changed; report this, and use backup and restore")
            }
        }
        try fresh.sync()
        try Files.write("", to: Cluster.verifiedName, in: fresh.path, mode: 0o600, owner: cluster.user)
        try Files.syncDirectory(fresh.path)
        try told(.swapping)
        try move(cluster.path, to: cluster.old)
        try told(.between)
        try cluster.completeUpgrade()
        withExtendedLifetime(lock) {}
        return Outcome(
            from: major, to: next.major, tables: before.tables.count,
            rows: before.tables.values.reduce(0) { $0 + $1.rows }, old: cluster.old)
    }

    /// Removes the database from before the last upgrade.
    ///
    /// - Returns: whether there was one.
    public static func discard(dataDirectory: String) throws(StorageError) -> Bool {
        let cluster = try Cluster.prepare(dataDirectory: dataDirectory)
        let lock = try DirectoryLock(cluster)
        defer { withExtendedLifetime(lock) {} }
        // Before anything goes, there is one to stay.
        try cluster.completeUpgrade()
        guard try cluster.version() != nil, Files.status(cluster.old) != nil else { return false }
        Files.removeTree(cluster.old)
        return true
    }

    /// A server of a cluster for the time of `body`.
    private static func serving<Value>(
        _ cluster: Cluster, _ lock: DirectoryLock, _ programs: ServerPrograms, _ body: (DatabaseTarget) throws -> Value
    ) throws -> Value {
        let server = try PrivateServer(cluster: cluster, lock: lock, programs: programs, onExit: { _ in })
        defer { server.stop() }
        return try body(server.target)
    }

    /// Both databases and the dump must fit.
    ///
    /// - Returns: the size of the database in bytes.
    private static func room(for target: DatabaseTarget, in root: String) throws(StorageError) -> Int {
        let size = try Connection(target).row("SELECT pg_database_size(current_database())").int(0)
        var info = statvfs()
        guard statvfs(root, &info) == 0 else { return size }
        let free = Int(clamping: info.f_bavail) * Int(clamping: info.f_frsize)
        let needed = 2 * size + 128 << 20
        guard free >= needed else {
            throw StorageError(
                .diskFull, operation: "upgrade", object: root,
                cause: "it takes up to \(needed >> 20) MiB beside what is there, and \(free >> 20) MiB are free",
                remedy: "free some space there")
        }
        return size
    }

    fileprivate static func move(_ path: String, to other: String) throws(StorageError) {
        guard rename(path, other) == 0 else { throw Files.failure("move", path, errno) }
        try Files.syncDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }
}

extension Cluster {
    /// In a new cluster: it is equal to the one that it is to replace.
    static let verifiedName = "verified"

    var old: String { root + "/cluster.old" }
    /// The one that an upgrade writes.
    var next: Cluster {
        var next = self
        next.name = "cluster.next"
        return next
    }

    /// Gives the new cluster its name where a crash came in between. To be called before any server starts: that of a
    /// killed upgrade may still be ending, with the socket that the next one needs.
    func completeUpgrade() throws(StorageError) {
        if Files.status(next.path) != nil { try Leftover(cluster: next).clear() }
        let verified = path + "/" + Self.verifiedName
        if Files.status(path) == nil, Files.status(next.path + "/" + Self.verifiedName) != nil {
            try ClusterUpgrade.move(next.path, to: path)
        }
        // Never without a cluster, where it would be the only copy.
        if Files.status(path) == nil, Files.status(old) != nil { try ClusterUpgrade.move(old, to: path) }
        if Files.status(verified) != nil { unlink(verified) }
    }
}

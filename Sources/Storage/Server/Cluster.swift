import CShims
import Glibc

/// A PostgreSQL data directory below the node's: `pg/cluster`.
///
/// ```
/// DATA/pg/            0700, owned by the user that PostgreSQL runs as
///     lock            held by the live node
///     cluster/        made under another name, synced, then renamed: it exists whole or not at all
///     cluster.old/    the one before an upgrade, see ``ClusterUpgrade``
///     run/            the socket, when the path is short enough
///     postgres.log    at most 1 MiB, then postgres.log.1
///     local.conf      the operator's own settings, optional
/// ```
struct Cluster {
    /// `DATA/pg`, absolute and without symbolic links.
    var root: String
    var user: ServerUser
    /// Another one while an upgrade writes it.
    var name = "cluster"

    var path: String { root + "/" + name }
    var log: String { root + "/postgres.log" }
    var postmasterFile: String { path + "/postmaster.pid" }

    /// Prepares `DATA/pg`: creates what is missing, hands it to PostgreSQL's user, checks the way to it.
    ///
    /// Only `pg` changes its owner. When root drops privileges, the data directory itself gets the
    /// execute bit for others (its files keep their modes), since PostgreSQL must pass through it.
    static func prepare(dataDirectory: String) throws(StorageError) -> Cluster {
        let user = try ServerUser.choose(for: dataDirectory + "/pg")
        try Files.makeDirectory(dataDirectory, mode: user.isOther ? 0o711 : 0o700)
        guard let data = Files.realPath(dataDirectory) else {
            throw Files.failure("open", dataDirectory, errno)
        }
        if user.isOther, let info = Files.status(data), info.st_uid == geteuid(), info.st_mode & 0o001 == 0 {
            if chmod(data, info.st_mode & 0o7777 | 0o001) != 0 {
                throw Files.failure("open to PostgreSQL", data, errno)
            }
        }
        try user.checkTraversal(to: data + "/pg")
        try Files.makeDirectory(data + "/pg", mode: 0o700)
        guard let root = Files.realPath(data + "/pg") else { throw Files.failure("open", data + "/pg", errno) }
        if user.isOther && chown(root, user.id, user.group) != 0 {
            throw Files.failure("change the owner of", root, errno)
        }
        try user.checkTraversal(to: root)
        return Cluster(root: root, user: user)
    }

    /// The major version of an existing cluster; nil when there is none yet.
    func version() throws(StorageError) -> Int? {
        guard Files.isDirectory(path) else { return nil }
        let text = Files.read(path + "/PG_VERSION") ?? ""
        guard let version = Int(text.prefix { $0.isNumber }) else {
            throw StorageError(
                .unexpectedData, operation: "open", object: path,
                cause: "it is no PostgreSQL data directory: it has no PG_VERSION",
                remedy: "restore it from a backup, or move it away to start with an empty database")
        }
        return version
    }

    /// Runs initdb if there is no cluster yet. About half a second.
    func create(with programs: ServerPrograms) throws(StorageError) {
        guard try version() == nil else { return }
        let fresh = path + ".new"
        Files.removeTree(fresh)
        try run(
            programs.initdb,
            [
                "--pgdata=\(fresh)", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8",
                "--username=\(ServerConfiguration.role)", "--auth=peer", "--wal-segsize=4",
            ], "create a database in")
        try sync(fresh)
        guard rename(fresh, path) == 0 else { throw Files.failure("create", path, errno) }
        try Files.syncDirectory(root)
    }

    /// Makes a new cluster durable before it gets its name. initdb's own way, an fsync for each of a
    /// thousand files, takes seconds on a busy disk, where one pass over the file system takes 0.1 s.
    func sync() throws(StorageError) { try sync(path) }

    private func sync(_ directory: String) throws(StorageError) {
        let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw Files.failure("open", directory, errno) }
        defer { close(file) }
        let failure = shoal_sync_filesystem(file)
        if failure != 0 { throw Files.failure("sync", directory, failure) }
    }

    func write(_ configuration: ServerConfiguration) throws(StorageError) {
        let files = [
            ("postgresql.conf", configuration.postgresqlConf()), ("pg_hba.conf", configuration.hbaConf()),
            ("pg_ident.conf", configuration.identConf()),
        ]
        for (name, text) in files {
            try Files.write(text, to: name, in: path, mode: 0o600, owner: user)
        }
    }

    private func run(_ program: String, _ arguments: [String], _ operation: String) throws(StorageError) {
        let log = root + "/initdb.log"
        unlink(log)
        let process = try SupervisedProcess(
            .init(program: program, arguments: arguments, user: user, directory: root, log: log))
        let ending = process.waitForEnd()
        if ending == .exited(code: 0) {
            unlink(log)
            return
        }
        throw ServerFailure.explain(ending, operation: operation, object: root, log: Files.read(log) ?? "")
    }
}

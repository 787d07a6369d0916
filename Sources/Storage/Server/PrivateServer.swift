import Glibc

/// A PostgreSQL of the node's own, below its data directory, reachable by a Unix socket only.
///
/// It ends with the node, however the node ends: a supervisor process holds the read end of a
/// pipe and shuts the server down when that closes (see `cshims_linux.h`). All calls block.
public final class PrivateServer: Sendable {
    private struct State {
        var process: SupervisedProcess?
        var lock: DirectoryLock?
        var isStopping = false
    }
    /// Of one server process: only one that served reports its end to the node.
    private enum Phase {
        case starting, serving, ended
    }
    private let cluster: Cluster
    private let programs: ServerPrograms
    private let socketDirectory: String
    private let onExit: @Sendable (StorageError) -> Void
    /// Held while the server starts or stops.
    private let lifecycle = Monitor(())
    private let state: Monitor<State>

    /// What to connect to.
    public let target: DatabaseTarget

    /// How long crash recovery may take.
    static let startPatienceMs = 300_000

    /// Creates the database if there is none, ends what an earlier node left, starts the server
    /// and waits until it answers. About 0.2 s, the first time 0.5 s.
    ///
    /// - Parameters:
    ///   - dataDirectory: the node's; created if its parent exists. PostgreSQL's files are in `pg/`.
    ///   - onExit: called on a thread of its own when the server ended without ``stop()``; the node
    ///     then calls ``restart()``.
    public convenience init(
        dataDirectory: String, onExit: @escaping @Sendable (StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        let cluster = try Cluster.prepare(dataDirectory: dataDirectory)
        let lock = try DirectoryLock(cluster)
        try cluster.completeUpgrade()
        let programs = try ServerPrograms.find(wanted: try cluster.version(), dataDirectory: cluster.root)
        try self.init(cluster: cluster, lock: lock, programs: programs, onExit: onExit)
    }

    /// One in a cluster that the caller has prepared and locked.
    init(
        cluster: Cluster, lock: DirectoryLock, programs: ServerPrograms,
        onExit: @escaping @Sendable (StorageError) -> Void
    ) throws(StorageError) {
        self.cluster = cluster
        self.programs = programs
        self.onExit = onExit
        socketDirectory = SocketDirectory.path(for: cluster.root)
        target = DatabaseTarget(
            socketDirectory: socketDirectory, user: ServerConfiguration.role, database: ServerConfiguration.role)
        state = Monitor(State(lock: lock))
        try cluster.create(with: programs)
        try launch()
    }

    deinit { stop() }

    /// The one that runs for a node with this data directory, if one does.
    public static func target(of dataDirectory: String) -> DatabaseTarget {
        DatabaseTarget(
            socketDirectory: SocketDirectory.path(for: dataDirectory + "/pg"), user: ServerConfiguration.role,
            database: ServerConfiguration.role)
    }

    /// The process id of the running server, for status displays; nil when it does not run.
    public var processID: Int32? {
        let process = state.change { $0.process }
        guard let process, process.ending == nil else { return nil }
        return process.process
    }

    /// The bounded log of the server.
    public var logPath: String { cluster.log }

    /// Starts the server again after it ended; crash recovery brings back all that was committed.
    /// Does nothing while it runs.
    public func restart() throws(StorageError) {
        let result: Result<Void, StorageError> = lifecycle.change { _ in
            if let process = state.change({ $0.process }) {
                if process.ending == nil { return .success(()) }
            }
            if state.change({ $0.isStopping }) { return .success(()) }
            return Result { () throws(StorageError) in try launch() }
        }
        try result.get()
    }

    /// Shuts the server down (fast, with a checkpoint; at most about 25 s) and gives up the lock.
    public func stop() {
        lifecycle.change { _ in
            let process = state.change { state in
                state.isStopping = true
                return state.process
            }
            process?.stop()
            _ = process?.waitForEnd()
            rmdir(socketDirectory)
            state.change { state in
                state.process = nil
                state.lock = nil
            }
        }
    }

    private func launch() throws(StorageError) {
        try Leftover(cluster: cluster).clear()
        try SocketDirectory.prepare(socketDirectory, user: cluster.user)
        let own = ServerUser.lookUp(geteuid())?.name
        var clients: [String] = []
        for name in [own, cluster.user.name, "root"].compactMap({ $0 }) where !clients.contains(name) {
            clients.append(name)
        }
        try cluster.write(ServerConfiguration(socketDirectory: socketDirectory, clients: clients))
        // The backends of a killed server may need a moment to notice: PostgreSQL then refuses to start.
        for _ in 0..<50 {
            do {
                return try launchOnce()
            } catch {
                guard error.cause.contains("pre-existing shared memory block") else { throw error }
                usleep(200_000)
            }
        }
        try launchOnce()
    }

    private func launchOnce() throws(StorageError) {
        let logStart = Files.status(cluster.log).map { Int($0.st_size) } ?? 0
        let state = state
        let onExit = onExit
        let root = cluster.root
        let log = cluster.log
        let phase = Monitor(Phase.starting)
        let process = try SupervisedProcess(
            .init(
                program: programs.postgres, arguments: ["-D", cluster.path], user: cluster.user,
                directory: cluster.root, log: log)
        ) { ending in
            let wasServing = phase.change { phase in
                defer { phase = .ended }
                return phase == .serving
            }
            guard wasServing, !state.change({ $0.isStopping }) else { return }
            onExit(
                ServerFailure.explain(
                    ending, operation: "keep PostgreSQL running in", object: root,
                    log: Self.tail(of: log, from: logStart), hasServed: true))
        }
        if let ending = awaitReadiness(of: process) {
            throw ServerFailure.explain(
                ending, operation: "start PostgreSQL in", object: root, log: Self.tail(of: log, from: logStart))
        }
        do {
            try openDatabase()
        } catch {
            process.stop()
            _ = process.waitForEnd()
            throw error
        }
        state.change { $0.process = process }
        phase.change { if $0 == .starting { $0 = .serving } }
        if let ending = process.ending {
            throw ServerFailure.explain(
                ending, operation: "start PostgreSQL in", object: root, log: Self.tail(of: log, from: logStart))
        }
    }

    /// Waits until `postmaster.pid` says "ready", as pg_ctl does. Returns how it ended instead, if it did.
    private func awaitReadiness(of process: SupervisedProcess) -> SupervisedProcess.Ending? {
        let pollMs = 5
        for _ in 0..<Self.startPatienceMs / pollMs {
            if let ending = process.waitForEnd(milliseconds: pollMs) { return ending }
            guard let pid = process.process, let text = Files.read(cluster.postmasterFile) else { continue }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if lines.count > 7, pid_t(lines[0]) == pid, lines[7].hasPrefix("ready") { return nil }
        }
        process.stop()
        return process.waitForEnd()
    }

    /// A new cluster has a database `postgres`: renaming it costs nothing, creating one copies a template.
    ///
    /// Looks first: trying the name would leave a complaint in the log that misleads whoever reads it later.
    private func openDatabase() throws(StorageError) {
        let template = try Connection(
            DatabaseTarget(socketDirectory: socketDirectory, user: ServerConfiguration.role, database: "template1"))
        let name = ServerConfiguration.role
        guard try template.query("SELECT 1 FROM pg_database WHERE datname = $1", [.text(name)]).isEmpty else { return }
        try template.script("ALTER DATABASE postgres RENAME TO \(name)")
    }

    private static func tail(of log: String, from start: Int) -> String {
        guard let text = Files.read(log, limit: 2 << 20) else { return "" }
        // A rotation in between: the new file holds only later lines.
        return start <= text.utf8.count ? String(decoding: text.utf8.dropFirst(start), as: UTF8.self) : text
    }
}

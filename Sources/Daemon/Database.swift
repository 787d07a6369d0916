internal import Glibc
internal import Storage
internal import Synchronization

/// The node's PostgreSQL: its own, started again whenever it ends, or somebody else's by URL.
final class Database: Sendable {
    let target: DatabaseTarget
    /// The schema that all tables are in.
    let schema: String
    private let server: PrivateServer?
    private let recovery: Recovery
    /// For services that are not the op log.
    let pool: ConnectionPool

    var isPrivate: Bool { server != nil }

    /// Brings a private server back after it ended, and says meanwhile what is wrong.
    private final class Recovery: Sendable {
        private struct State {
            var server: PrivateServer?
            var trouble: String?
        }
        private let state = Mutex(State())
        private let log: EventLog
        private let onFull: @Sendable (String) -> Void

        init(log: EventLog, onFull: @escaping @Sendable (String) -> Void) {
            self.log = log
            self.onFull = onFull
        }

        var trouble: String? { state.withLock { $0.trouble } }

        /// From now on the server is started again when it ends, at once if it has ended already.
        func watch(_ server: PrivateServer) {
            state.withLock { $0.server = server }
            if trouble != nil { restart(server) }
        }

        func ended(_ error: StorageError) {
            log.warn("postgres-ended", ["cause": "\(error)"])
            state.withLock { $0.trouble = "PostgreSQL ended and is being started again: \(error.cause)" }
            if let server = state.withLock({ $0.server }) { restart(server) }
        }

        /// Tries until it runs: whatever is in the way, such as too little memory, may pass. A full disk
        /// ends the node. Returns when the node stops the server, too.
        private func restart(_ server: PrivateServer) {
            var pause: UInt32 = 1
            while true {
                do {
                    try server.restart()
                    state.withLock { $0.trouble = nil }
                    return log.info("postgres-restarted")
                } catch {
                    state.withLock { $0.trouble = "\(error)" }
                    log.warn("postgres-not-restarted", ["cause": "\(error)"])
                    if error.reason == .diskFull { return onFull("\(error)") }
                }
                sleep(pause)
                pause = min(pause * 2, 30)
            }
        }
    }

    /// Starts or reaches the server and brings the schema up to date.
    ///
    /// - Parameter onFull: called, with the reason, when the server ended and cannot be started on a full disk.
    init(
        dataDirectory: String, url: String?, schema: String, log: EventLog,
        onFull: @escaping @Sendable (String) -> Void
    ) throws(StorageError) {
        let recovery = Recovery(log: log, onFull: onFull)
        self.recovery = recovery
        self.schema = schema
        if let url {
            server = nil
            target = try DatabaseTarget(url: url)
        } else {
            let server = try PrivateServer(dataDirectory: dataDirectory) { recovery.ended($0) }
            recovery.watch(server)
            self.server = server
            target = server.target
        }
        pool = ConnectionPool(target)
        let schemaTables = try Schema(name: schema)
        let target = target
        // The first attempt tells at once what is wrong with somebody else's server.
        if url != nil { _ = try Connection(target) }
        try Self.patiently { () throws(StorageError) in try schemaTables.migrate(Connection(target)) }
    }

    var trouble: String? { recovery.trouble }

    /// Size of the whole database on disk; nil while it is away.
    func bytes() async throws -> Int? {
        try await glance { (connection) throws(StorageError) in
            try connection.row("SELECT pg_database_size(current_database())").int(0)
        }
    }

    /// Runs a blocking piece of work with a pooled connection, away from the cooperative pool. While
    /// the database is away it is tried again for half a minute, so it must be repeatable.
    func query<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws(StorageError) -> Value
    ) async throws -> Value {
        guard worker.waiting < Self.maxWaiting else {
            throw StorageError(
                .cannotConnect, operation: "reach", object: "the database",
                cause: "\(Self.maxWaiting) questions wait for it already", remedy: "try again later")
        }
        let pool = pool
        let stopping = stopping
        return try await worker.perform { () throws(StorageError) in
            try Self.patiently(until: stopping) { () throws(StorageError) in try pool.withConnection(work) }
        }
    }

    /// Questions beyond this are refused: while the database is away each takes half a minute.
    private static let maxWaiting = 256

    /// Tries again while the database is away: a private server is back after crash recovery, which
    /// takes seconds as a rule.
    ///
    /// - Parameter stopping: tells that the node stops and nobody waits any more.
    static func patiently<Value>(
        until stopping: Flag? = nil, _ work: () throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        var attempts = 0
        while true {
            do throws(StorageError) {
                return try work()
            } catch {
                attempts += 1
                guard error.isPassing, attempts < 60, stopping?.isSet != true else { throw error }
                usleep(500_000)
            }
        }
    }

    /// As ``query(_:)``, for long work with errors of its own, which is not repeated: on a thread of its
    /// own, so that nobody waits for an import.
    func working<Value: Sendable>(_ work: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        let pool = pool
        return try await longWorker.perform { () throws(StorageError) in
            try pool.withConnection { (connection) throws(StorageError) in Result { try work(connection) } }
        }.get()
    }

    private let worker = StorageThread(name: "shoal-queries")
    private let longWorker = StorageThread(name: "shoal-imports")
    let glances = StorageThread(name: "shoal-status")
    private let stopping = Flag()

    /// - Throws: once the node stops, so that long work can end early.
    func checkRunning() throws(StorageError) {
        guard !stopping.isSet else {
            throw StorageError(
                .cancelled, operation: "use", object: "the database", cause: "the node is stopping",
                remedy: "try again when it runs")
        }
    }

    /// Something that happens once.
    final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    /// No question is worth waiting for any more.
    func stopWaiting() { stopping.set() }

    func stop() {
        stopping.set()
        worker.finish()
        longWorker.finish()
        glances.finish()
        pool.close()
        server?.stop()
    }
}

extension StorageError {
    /// The database is away and will be back, or another transaction was faster: try again.
    var isPassing: Bool { isConnectionLost || isRetryable || reason == .cannotConnect }
}

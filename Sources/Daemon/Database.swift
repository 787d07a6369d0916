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

        init(log: EventLog) { self.log = log }

        var trouble: String? { state.withLock { $0.trouble } }
        func watch(_ server: PrivateServer) { state.withLock { $0.server = server } }

        func ended(_ error: StorageError) {
            log.warn("postgres-ended", ["cause": "\(error)"])
            state.withLock { $0.trouble = "PostgreSQL ended and is being started again: \(error.cause)" }
            guard let server = state.withLock({ $0.server }) else { return }
            do {
                try server.restart()
                state.withLock { $0.trouble = nil }
                log.info("postgres-restarted")
            } catch {
                state.withLock { $0.trouble = "\(error)" }
                log.warn("postgres-not-restarted", ["cause": "\(error)"])
            }
        }
    }

    /// Starts or reaches the server and brings the schema up to date.
    init(dataDirectory: String, url: String?, schema: String, log: EventLog) throws(StorageError) {
        let recovery = Recovery(log: log)
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

    /// Size of the whole database on disk.
    func bytes() async throws -> Int {
        try await query { (connection) throws(StorageError) in
            try connection.row("SELECT pg_database_size(current_database())").int(0)
        }
    }

    /// Runs a blocking piece of work with a pooled connection, away from the cooperative pool. While
    /// the database is away it is tried again for half a minute, so it must be repeatable.
    func query<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws(StorageError) -> Value
    ) async throws -> Value {
        let pool = pool
        return try await worker.perform { () throws(StorageError) in
            try Self.patiently { () throws(StorageError) in try pool.withConnection(work) }
        }
    }

    /// Tries again while the database is away: a private server is back after crash recovery, which
    /// takes seconds as a rule.
    static func patiently<Value>(_ work: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        var attempts = 0
        while true {
            do throws(StorageError) {
                return try work()
            } catch {
                attempts += 1
                guard error.isPassing, attempts < 60 else { throw error }
                usleep(500_000)
            }
        }
    }

    /// As ``query(_:)``, for work with errors of its own.
    func working<Value: Sendable>(_ work: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        try await query { (connection) throws(StorageError) in Result { try work(connection) } }.get()
    }

    private let worker = StorageThread(name: "shoal-queries")

    func stop() {
        worker.finish()
        pool.close()
        server?.stop()
    }
}

extension StorageError {
    /// The database is away and will be back, or another transaction was faster: try again.
    var isPassing: Bool { isConnectionLost || isRetryable || reason == .cannotConnect }
}

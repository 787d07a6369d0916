/// What went wrong with a node's database, told so that the operator can act on it.
///
/// `description` is one sentence: operation, object, cause, remedy.
public struct StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a caller may decide on: exit code, retry, restart.
    public enum Reason: Equatable, Sendable {
        /// No PostgreSQL server programs on this machine.
        case serverMissing
        /// The data directory or the server is of a PostgreSQL version that does not fit.
        case serverVersion
        /// A directory cannot be used: missing rights, read-only, not a directory.
        case directory
        case diskFull
        /// Another live node holds the data directory or the schema.
        case inUse
        /// The private server did not start, or ended by itself.
        case serverFailed
        case cannotConnect
        /// The server went away during the operation. A transaction in its COMMIT may or may not be durable.
        case connectionLost
        /// Serialization failure or deadlock: the transaction may be tried again.
        case conflict
        /// A unique, foreign-key, check or not-null constraint refused a row.
        case constraint
        /// Text with U+0000, which PostgreSQL cannot hold.
        case invalidText
        /// The schema was made by a newer shoal.
        case schemaNewer
        /// The statement was cancelled.
        case cancelled
        /// Missing rights, or a read-only server.
        case notAllowed
        /// Any other error of a statement: see ``StorageError/sqlState``.
        case statement
        /// The database holds or returns something that this code does not expect.
        case unexpectedData
    }

    public var reason: Reason
    /// A verb phrase that completes "cannot …".
    public var operation: String
    /// What the operation was about: a path, a table, a server.
    public var object: String
    public var cause: String
    /// What the operator can do; empty when nothing is known to help.
    public var remedy: String
    /// The five-character SQLSTATE, when the server reported one.
    public var sqlState: String?
    /// The text of the failed statement, shortened to 200 characters.
    public var statement: String?

    public init(
        _ reason: Reason, operation: String, object: String, cause: String, remedy: String = "",
        sqlState: String? = nil, statement: String? = nil
    ) {
        self.reason = reason
        self.operation = operation
        self.object = object
        self.cause = cause
        self.remedy = remedy
        self.sqlState = sqlState
        self.statement = statement.map { $0.count > 200 ? String($0.prefix(200)) + "…" : $0 }
    }

    public var description: String {
        var text = "cannot \(operation)"
        if !object.isEmpty { text += " \(object)" }
        text += ": \(cause)"
        if let sqlState { text += " [\(sqlState)]" }
        if !remedy.isEmpty { text += "; \(remedy)" }
        return text
    }

    /// True when the same work on a fresh connection may succeed: the server restarts or was replaced.
    public var isConnectionLost: Bool { reason == .connectionLost }

    /// True when the transaction lost against a concurrent one and may be tried again at once.
    public var isRetryable: Bool { reason == .conflict }
}

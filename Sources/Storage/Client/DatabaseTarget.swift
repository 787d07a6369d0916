import CPostgres

/// Which server and database to connect to, and how.
public struct DatabaseTarget: Equatable, Sendable, CustomStringConvertible {
    struct Setting: Equatable, Sendable {
        var keyword: String
        var value: String
    }
    /// In libpq's order: a later setting wins over an earlier one.
    var settings: [Setting]

    /// Whether statements may be prepared under a name and reused.
    ///
    /// Behind a transaction pooler the next transaction may run on another server connection,
    /// where the name does not exist.
    public var usesNamedStatements: Bool

    /// Host, port, database and user for messages; never a password.
    public let description: String

    /// A server on a Unix socket in `directory`: the node's private one.
    ///
    /// Everything that libpq would otherwise take from PG… variables is set here.
    public init(socketDirectory: String, user: String = "shoal", database: String = "shoal") {
        let settings = [
            ("host", socketDirectory), ("port", "5432"), ("user", user), ("dbname", database),
            ("options", ""), ("sslmode", "disable"), ("gssencmode", "disable"), ("target_session_attrs", "any"),
        ]
        self.settings = Self.defaults + settings.map { Setting(keyword: $0.0, value: $0.1) } + Self.always
        usesNamedStatements = true
        description = "the private PostgreSQL in \(socketDirectory), database \(database)"
    }

    /// An existing server.
    ///
    /// - Parameters:
    ///   - url: `postgresql://user:password@host:port/database?…`, or libpq's `key=value` form.
    ///   - usesNamedStatements: true only when no transaction pooler sits in between.
    public init(url: String, usesNamedStatements: Bool = false) throws(StorageError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            let cause = message.map { String(cString: $0) } ?? "out of memory"
            // libpq may quote the URL, and a URL may hold a password.
            throw StorageError(
                .cannotConnect, operation: "read", object: "the database URL",
                cause: url.contains("@") ? "it is not a valid connection string" : trimmed(cause),
                remedy: "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
        }
        defer { PQconninfoFree(options) }
        var parts: [String] = []
        var option = options
        while let keyword = option.pointee.keyword {
            let name = String(cString: keyword)
            if ["host", "port", "dbname", "user"].contains(name), let value = option.pointee.val {
                parts.append("\(name)=\(String(cString: value))")
            }
            option += 1
        }
        settings = Self.defaults + [Setting(keyword: "dbname", value: url)] + Self.always
        self.usesNamedStatements = usesNamedStatements
        description =
            parts.isEmpty ? "the default PostgreSQL server" : "the PostgreSQL at " + parts.joined(separator: " ")
    }

    /// Overridden by the URL.
    private static let defaults = [
        Setting(keyword: "connect_timeout", value: "10"),
        Setting(keyword: "keepalives_idle", value: "30"),
        Setting(keyword: "tcp_user_timeout", value: "30000"),
    ]
    private static let always = [
        Setting(keyword: "client_encoding", value: "UTF8"),
        Setting(keyword: "fallback_application_name", value: "shoal"),
    ]
}

/// libpq's messages end with a line feed and may have several lines.
func trimmed(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline).map { line in
        String(line.drop { $0 == " " || $0 == "\t" })
    }.joined(separator: "; ")
}

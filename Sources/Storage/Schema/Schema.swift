/// The tables of one node, in a PostgreSQL schema of their own, brought up to date by numbered migrations.
public struct Schema: Sendable {
    /// The name in SQL, quoted.
    let name: String
    private let plainName: String

    /// In order; a released migration never changes.
    static let migrations = [Migration0001.sql]
    /// The version that this binary knows.
    public static var version: Int { migrations.count }

    /// - Parameter name: letters, digits and underscores, 1 to 63, not beginning with a digit.
    public init(name: String) throws(StorageError) {
        let letters = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F
        }
        guard letters, (1...63).contains(name.utf8.count), !name.first!.isNumber else {
            throw StorageError(
                .notAllowed, operation: "use", object: "schema '\(name)'", cause: "that is no schema name",
                remedy: "use 1 to 63 letters, digits and underscores")
        }
        plainName = name
        self.name = "\"\(name)\""
    }

    /// Creates the schema if it is missing and applies every migration that it lacks, all in one
    /// transaction; two nodes that start at once wait for each other.
    ///
    /// - Throws: a refusal when the database is newer than this binary.
    public func migrate(_ connection: Connection) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 7447))", [.text(plainName)])
            try connection.script(
                """
                CREATE SCHEMA IF NOT EXISTS \(name);
                CREATE EXTENSION IF NOT EXISTS ltree;
                CREATE TABLE IF NOT EXISTS \(name).schema_migrations (
                    version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
                """)
            let applied = try connection.row("SELECT coalesce(max(version), 0) FROM \(name).schema_migrations").int(0)
            guard applied <= Self.version else {
                throw StorageError(
                    .schemaNewer, operation: "open", object: "schema \(plainName) of \(connection.target)",
                    cause: "it has version \(applied), this shoal knows \(Self.version)",
                    remedy: "upgrade shoal, or point it at another schema")
            }
            for (number, sql) in Self.migrations.enumerated().dropFirst(applied) {
                try connection.script(Self.fill(sql, name))
                try connection.query(
                    "INSERT INTO \(name).schema_migrations (version) VALUES ($1)", [.int32(Int32(number + 1))])
            }
        }
    }

    private static func fill(_ sql: String, _ name: String) -> String {
        sql.split(separator: "{schema}", omittingEmptySubsequences: false).joined(separator: name)
    }
}

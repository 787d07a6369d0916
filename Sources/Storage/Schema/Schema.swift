/// The tables of one node, in a PostgreSQL schema of their own, brought up to date by numbered migrations.
///
/// Every statement names the schema: nothing relies on search_path, which a transaction pooler may
/// reset at any time.
public struct Schema: Equatable, Sendable, CustomStringConvertible {
    public let name: String
    let migrations: [Migration]

    /// The version that this binary knows.
    public static var version: Int { Migration.all.count }

    /// One lock for all schemas of a database, since extensions belong to the whole of it.
    static let lockKey: Int64 = 0x7368_6F61_6C2F_6D69  // "shoal/mi"

    /// - Parameter name: letters, digits and underscores, 1 to 63, not beginning with a digit.
    public init(name: String) throws(StorageError) {
        try self.init(name: name, migrations: Migration.all)
    }

    init(name: String, migrations: [Migration]) throws(StorageError) {
        let hasOnlyLetters = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard hasOnlyLetters, (1...63).contains(name.utf8.count), name.first?.isNumber == false,
            !name.hasPrefix("pg_")
        else {
            throw StorageError(
                .notAllowed, operation: "use", object: "schema '\(name)'", cause: "that is no schema name",
                remedy: "use 1 to 63 letters, digits and underscores, not beginning with a digit or pg_")
        }
        self.name = name
        self.migrations = migrations
    }

    /// The name as SQL.
    public var description: String { Self.quote(name) }

    public static func == (a: Schema, b: Schema) -> Bool { a.name == b.name }

    static func quote(_ identifier: String) -> String {
        "\"" + identifier.replacing("\"", with: "\"\"") + "\""
    }
}

extension Schema {
    /// Creates the schema if it is missing and applies every migration that it lacks, all of them or
    /// none; two nodes that start at once wait for each other.
    ///
    /// - Throws: ``StorageError/Reason/schemaNewer`` when the schema is from a newer shoal,
    ///   ``StorageError/Reason/serverVersion`` for a server that is too old.
    public func migrate(_ connection: Connection) throws(StorageError) {
        _ = try applyMissing(connection)
    }

    /// - Returns: how many migrations were missing.
    func applyMissing(_ connection: Connection) throws(StorageError) -> Int {
        guard connection.serverVersion >= ServerPrograms.oldestMajor * 10_000 else {
            throw StorageError(
                .serverVersion, operation: "use", object: connection.target.description,
                cause: "it is PostgreSQL \(connection.serverVersion / 10_000)",
                remedy: "shoal needs PostgreSQL \(ServerPrograms.oldestMajor) or newer")
        }
        return try connection.transaction { (connection) throws(StorageError) in
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.int64(Self.lockKey)])
            let done = try appliedMigrations(connection)
            let missing = migrations.dropFirst(done)
            if missing.isEmpty { return 0 }
            if done == 0 { try create(connection) }
            let names = Migration.Names(
                schema: description, ltree: try ensureExtension("ltree", connection),
                trigram: try ensureExtension("pg_trgm", connection),
                cube: try ensureExtension("cube", connection))
            for migration in missing {
                try connection.script(migration.sql(names))
                try connection.query(
                    "INSERT INTO \(self).schema_migrations (number, name) VALUES ($1, $2)",
                    [.int32(Int32(migration.number)), .text(migration.name)])
            }
            return missing.count
        }
    }

    /// How many migrations the schema has. Those are the first ones of ours, or it is not our schema.
    private func appliedMigrations(_ connection: Connection) throws(StorageError) -> Int {
        let exists = try connection.row(
            "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_migrations')",
            [.text(name)])
        guard try exists.bool(0) else { return 0 }
        let rows = try connection.query("SELECT number, name FROM \(self).schema_migrations ORDER BY number")
        for (index, row) in rows.enumerated() {
            let (number, name) = (try row.int(0), try row.text(1))
            if index >= migrations.count {
                throw StorageError(
                    .schemaNewer, operation: "open", object: "schema \(self) of \(connection.target)",
                    cause: "it has version \(try rows[rows.count - 1].int(0)), this shoal knows \(migrations.count)",
                    remedy: "upgrade shoal, or point it at another schema")
            }
            guard number == migrations[index].number, name == migrations[index].name else {
                throw StorageError(
                    .unexpectedData, operation: "open", object: "schema \(self) of \(connection.target)",
                    cause: "its migration \(number) (\(name)) is none of shoal's",
                    remedy: "choose another --schema")
            }
        }
        return rows.count
    }

    private func create(_ connection: Connection) throws(StorageError) {
        // CREATE … IF NOT EXISTS wants the right to create even when there is nothing to do.
        let found = try connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [.text(name)])
        if found.isEmpty {
            do { try connection.script("CREATE SCHEMA \(self)") } catch {
                throw error.reason == .notAllowed ? mayNotCreate(connection, error) : error
            }
        }
        try connection.script(
            """
            CREATE TABLE \(self).schema_migrations (
                number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
            """)
    }

    /// What an administrator can do about it, in his words.
    private func mayNotCreate(_ connection: Connection, _ error: StorageError) -> StorageError {
        var failure = error
        failure.operation = "create"
        failure.object = "schema \(self) of \(connection.target)"
        // The failed statement has ended the transaction: the names are those of the connection.
        let (role, database) = connection.names
        failure.remedy =
            "ask the administrator of the database to run: GRANT CREATE ON DATABASE \(database) TO \(role), or: "
            + "CREATE SCHEMA \(self) AUTHORIZATION \(role)"
        return failure
    }

    /// The schema, quoted, where a contrib extension lives; creates the extension if it is missing.
    private func ensureExtension(_ name: String, _ connection: Connection) throws(StorageError) -> String {
        let place =
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = $1"
        if let row = try connection.query(place, [.text(name)]).first { return Self.quote(try row.text(0)) }
        let hasPublic = try !connection.query("SELECT FROM pg_namespace WHERE nspname = 'public'").isEmpty
        do {
            try connection.script("CREATE EXTENSION \(name) SCHEMA \(hasPublic ? "public" : description)")
        } catch {
            guard !error.isConnectionLost else { throw error }
            var failure = error
            failure.operation = "create the extension"
            failure.object = name
            failure.remedy =
                error.reason == .notAllowed
                ? "ask the administrator of the database to run: CREATE EXTENSION \(name)"
                : "install the package postgresql-contrib on the database server"
            throw failure
        }
        return Self.quote(try connection.row(place, [.text(name)]).text(0))
    }
}

import CPostgres
import CShims
import Glibc

/// A schema as one file, and back, by PostgreSQL's own programs: `pg_dump` and `pg_restore`.
///
/// A dump is one consistent moment of a database that goes on working.
public enum DatabaseDump {
    /// - Parameter path: must not exist.
    /// - Throws: `serverMissing` without pg_dump; what it says, as `statement`.
    public static func write(
        _ schema: Schema, of target: DatabaseTarget, to path: String
    ) throws(StorageError) {
        let version = try Connection(target).serverVersion / 10_000
        try run(
            find("pg_dump", version), target, operation: "dump the database to", object: path,
            [
                "--format=custom", "--no-owner", "--no-privileges", "--schema=\(schema)", "--file=\(path)",
                "--dbname=service=shoal",
            ])
    }

    /// Replaces the schema by what a dump holds, and brings it up to date.
    ///
    /// - Parameter owner: the site whose dump it is.
    /// - Throws: `inUse` for a schema of another site, or one that a node works in; nothing is changed then.
    public static func read(
        _ path: String, into schema: Schema, of target: DatabaseTarget, owner: String
    ) throws(StorageError) {
        // Before anything is dropped: the dump makes the schema itself.
        try mayCreate(schema, try Connection(target))
        try mayReplace(schema, try Connection(target), owner)
        // Makes the extensions, which belong to the database and not to the schema.
        try schema.migrate(Connection(target))
        let version: Int
        do {
            let connection = try Connection(target)
            version = connection.serverVersion / 10_000
            try connection.script("DROP SCHEMA \(schema) CASCADE")
        }
        try run(
            find("pg_restore", version), target, operation: "restore the database from", object: path,
            [
                "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname=service=shoal",
                path,
            ])
        // Whoever held it when the dump was made does not any more.
        try Connection(target).script("DELETE FROM \(schema).lease")
        try schema.migrate(Connection(target))
    }

    /// All schemas of a database, with the programs of the server that is to read them.
    static func writeAll(
        of target: DatabaseTarget, to path: String, with programs: ServerPrograms
    ) throws(StorageError) {
        try run(
            programs.directory + "/pg_dump", target, operation: "dump the database to", object: path,
            ["--format=custom", "--no-owner", "--no-privileges", "--file=\(path)", "--dbname=service=shoal"])
    }

    /// Into a database with nothing of its own.
    static func readAll(
        _ path: String, into target: DatabaseTarget, with programs: ServerPrograms
    ) throws(StorageError) {
        try run(
            programs.directory + "/pg_restore", target, operation: "restore the database from", object: path,
            [
                "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname=service=shoal",
                path,
            ])
    }

    private static func mayReplace(
        _ schema: Schema, _ connection: Connection, _ owner: String
    ) throws(StorageError) {
        func isThere(_ table: String) throws(StorageError) -> Bool {
            try !connection.query(
                "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2", [.text(schema.name), .text(table)]
            ).isEmpty
        }
        func refused(_ cause: String, _ remedy: String) -> StorageError {
            StorageError(
                .inUse, operation: "replace", object: "schema \(schema) of \(connection.target)", cause: cause,
                remedy: remedy)
        }
        if try isThere("node_meta"),
            let site = try connection.query("SELECT value FROM \(schema).node_meta WHERE key = 'site'").first?.text(0),
            site != owner
        {
            throw refused(
                "it belongs to another site, \(site.prefix(12))", "restore into a schema of its own: SHOAL_SCHEMA=NAME")
        }
        guard try isThere("lease") else { return }
        let held = try connection.query(
            "SELECT holder, ceil(extract(epoch FROM expires_at - clock_timestamp()))::int FROM \(schema).lease "
                + "WHERE expires_at > clock_timestamp()")
        if let lease = held.first {
            throw refused(
                "node \(try lease.text(0)) holds it for another \(try lease.int(1)) s",
                "stop that node, or wait so long")
        }
    }

    private static func mayCreate(_ schema: Schema, _ connection: Connection) throws(StorageError) {
        let asked = try connection.row("SELECT has_database_privilege(current_database(), 'CREATE')")
        guard try !asked.bool(0) else { return }
        let (role, database) = connection.names
        throw StorageError(
            .notAllowed, operation: "restore", object: "schema \(schema) of \(connection.target)",
            cause: "\(role) may not create schemas there, and a dump brings its own; nothing was changed",
            remedy: "ask the administrator of the database to run: GRANT CREATE ON DATABASE \(database) TO \(role)")
    }

    private static func run(
        _ program: String, _ target: DatabaseTarget, operation: String, object: String, _ words: [String]
    ) throws(StorageError) {
        let service = try ServiceFile(target)
        defer { service.remove() }
        var output = [CChar](repeating: 0, count: 8_192)
        var length = 0
        var code: Int32 = 0
        // What it complains of goes to the standard error, which is read as well.
        let arguments = ["/bin/sh", "-c", "exec \"$@\" 2>&1", "sh", program] + words
        let failure = withCStrings(arguments) { arguments in
            withCStrings(["LC_ALL=C", "PATH=/usr/bin:/bin", "PGSERVICEFILE=\(service.path)"]) { environment in
                shoal_capture(arguments, environment, &output, output.count, &length, &code)
            }
        }
        guard failure == 0, code == 0 else {
            let told = String(decoding: output[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw StorageError(
                .statement, operation: operation, object: object,
                cause: failure != 0
                    ? String(cString: strerror(failure))
                    : "\(program.split(separator: "/").last ?? "") says: \(trimmed(told))",
                remedy: "see the space and the rights there")
        }
    }

    private static func find(_ name: String, _ version: Int) throws(StorageError) -> String {
        let places = ServerPrograms.candidates(path: environment("PATH") ?? "", debianRoot: "/usr/lib/postgresql")
        // The version of the server first: a newer program writes what an older one cannot read.
        let sorted = places.filter { $0.contains("/\(version)/") } + places.filter { !$0.contains("/\(version)/") }
        if let found = sorted.map({ "\($0)/\(name)" }).first(where: Files.isExecutable) { return found }
        throw StorageError(
            .serverMissing, operation: "find", object: name, cause: "this machine has no PostgreSQL client programs",
            remedy: "run: apt-get install postgresql-client-\(version)")
    }
}

/// How to reach a server, for programs that would else be told a password on their command line.
private struct ServiceFile {
    let path: String

    init(_ target: DatabaseTarget) throws(StorageError) {
        var text = "[shoal]\n"
        for (keyword, value) in try Self.parameters(target) { text += "\(keyword)=\(value)\n" }
        var name = Array("/tmp/shoal-service-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard file >= 0 else { throw Files.failure("make", path, errno) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw Files.failure("write", path, errno) }
    }

    func remove() { unlink(path) }

    /// What libpq makes of the target, one value a keyword.
    private static func parameters(_ target: DatabaseTarget) throws(StorageError) -> [(String, String)] {
        var values: [(String, String)] = []
        func set(_ keyword: String, _ value: String) {
            values.removeAll { $0.0 == keyword }
            if !value.isEmpty, !value.contains("\n") { values.append((keyword, value)) }
        }
        for setting in target.settings where setting.keyword != "fallback_application_name" {
            guard setting.keyword == "dbname", setting.value.contains("=") || setting.value.contains("://") else {
                set(setting.keyword, setting.value)
                continue
            }
            guard let options = PQconninfoParse(setting.value, nil) else { continue }
            defer { PQconninfoFree(options) }
            var option = options
            while let keyword = option.pointee.keyword {
                if let value = option.pointee.val { set(String(cString: keyword), String(cString: value)) }
                option += 1
            }
        }
        return values
    }
}

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
            "pg_dump", version, target, operation: "dump the database to", object: path,
            [
                "--format=custom", "--no-owner", "--no-privileges", "--schema=\(schema)", "--file=\(path)",
                "--dbname=service=shoal",
            ])
    }

    /// Replaces the schema by what a dump holds, all of it or nothing, and brings it up to date.
    public static func read(
        _ path: String, into schema: Schema, of target: DatabaseTarget
    ) throws(StorageError) {
        // Makes the extensions, which belong to the database and not to the schema.
        try schema.migrate(Connection(target))
        let version: Int
        do {
            let connection = try Connection(target)
            version = connection.serverVersion / 10_000
            try connection.script("DROP SCHEMA \(schema) CASCADE")
        }
        try run(
            "pg_restore", version, target, operation: "restore the database from", object: path,
            [
                "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname=service=shoal",
                path,
            ])
        try schema.migrate(Connection(target))
    }

    private static func run(
        _ name: String, _ version: Int, _ target: DatabaseTarget, operation: String, object: String, _ words: [String]
    ) throws(StorageError) {
        let program = try find(name, version)
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
                cause: failure != 0 ? String(cString: strerror(failure)) : "\(name) says: \(trimmed(told))",
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

import CShims
import Glibc

/// Where the PostgreSQL server programs of one major version are.
struct ServerPrograms: Equatable, Sendable {
    /// Holds `initdb` and `postgres`.
    var directory: String
    /// 15 for PostgreSQL 15.18.
    var major: Int

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// The oldest major version whose SQL the schema uses.
    static let oldestMajor = 15

    /// Finds the programs: on `path`, in `pg_config --bindir`, then below `/usr/lib/postgresql`, highest first.
    ///
    /// - Parameter wanted: the major version of an existing data directory; nil for a new one.
    static func find(
        wanted: Int?, dataDirectory: String, path: String = environment("PATH") ?? "",
        debianRoot: String = "/usr/lib/postgresql"
    ) throws(StorageError) -> ServerPrograms {
        var found: [ServerPrograms] = []
        for directory in candidates(path: path, debianRoot: debianRoot) {
            let programs = ServerPrograms(directory: directory, major: 0)
            guard Files.isExecutable(programs.initdb), Files.isExecutable(programs.postgres) else { continue }
            guard let major = major(of: programs.postgres) else { continue }
            if wanted == nil && major >= oldestMajor || wanted == major {
                return ServerPrograms(directory: directory, major: major)
            }
            found.append(ServerPrograms(directory: directory, major: major))
        }
        if let wanted, let other = found.first {
            throw StorageError(
                .serverVersion, operation: "open", object: dataDirectory,
                cause: "it was made by PostgreSQL \(wanted), and this machine has \(other.major)",
                remedy: "install the package postgresql-\(wanted), or choose another --data-dir")
        }
        throw StorageError(
            .serverMissing, operation: "start", object: "a private PostgreSQL",
            cause: found.isEmpty
                ? "this machine has no PostgreSQL server programs (initdb, postgres)"
                : "PostgreSQL \(found[0].major) is too old, shoal needs \(oldestMajor)",
            remedy: "run: apt-get install postgresql-\(wanted ?? oldestMajor) (or use --database-url)")
    }

    /// Finds the programs that a database of version `major` is to be moved to.
    ///
    /// - Parameter directory: where they are; nil for the highest newer version of this machine. Named ones may be of the
    ///   same version: a database is written anew for them, with their libraries' rules for text.
    static func newer(
        than major: Int, in directory: String?, dataDirectory: String, path: String = environment("PATH") ?? "",
        debianRoot: String = "/usr/lib/postgresql"
    ) throws(StorageError) -> ServerPrograms {
        func refused(_ reason: StorageError.Reason, _ cause: String, _ remedy: String) -> StorageError {
            StorageError(reason, operation: "upgrade", object: dataDirectory, cause: cause, remedy: remedy)
        }
        guard let directory else {
            let found = candidates(path: path, debianRoot: debianRoot).compactMap { programs(in: $0) }
            if let newest = found.filter({ $0.major > major }).max(by: { $0.major < $1.major }) { return newest }
            throw refused(
                .serverMissing, "it was made by PostgreSQL \(major), and this machine has none that is newer",
                "install one, for example with apt-get install postgresql-\(major + 1), or say where its programs are "
                    + "with --programs DIR")
        }
        guard let programs = programs(in: directory) else {
            throw refused(
                .serverMissing, "there is no initdb, postgres, pg_dump and pg_restore in \(directory)",
                "name the directory of the programs, such as /usr/lib/postgresql/\(major + 1)/bin")
        }
        guard programs.major >= major else {
            throw refused(
                .serverVersion, "it was made by PostgreSQL \(major), and \(directory) has \(programs.major)",
                "name a newer one: there is no way back to an older version")
        }
        return programs
    }

    private static func programs(in directory: String) -> ServerPrograms? {
        let needed = ["initdb", "postgres", "pg_dump", "pg_restore"]
        guard needed.allSatisfy({ Files.isExecutable("\(directory)/\($0)") }),
            let major = major(of: "\(directory)/postgres")
        else { return nil }
        return ServerPrograms(directory: directory, major: major)
    }

    static func candidates(path: String, debianRoot: String) -> [String] {
        var list = path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        if let tool = list.map({ $0 + "/pg_config" }).first(where: Files.isExecutable),
            let output = capture([tool, "--bindir"], path: path)
        {
            list.append(String(output.split(separator: "\n").first ?? ""))
        }
        let versions = Files.names(in: debianRoot).compactMap { Int($0) }.sorted(by: >)
        list += versions.map { "\(debianRoot)/\($0)/bin" }
        var seen: Set<String> = [""]
        return list.filter { seen.insert($0).inserted }
    }

    /// Reads "postgres (PostgreSQL) 15.18 (Debian …)".
    private static func major(of program: String) -> Int? {
        guard let output = capture([program, "--version"], path: "") else { return nil }
        let words = output.split { $0 == " " || $0 == "\n" }
        guard words.count >= 3, words[1] == "(PostgreSQL)" else { return nil }
        return Int(words[2].prefix { $0.isNumber })
    }

    private static func capture(_ arguments: [String], path: String) -> String? {
        var output = [CChar](repeating: 0, count: 4_096)
        var length = 0
        var code: Int32 = 0
        let failure = withCStrings(arguments) { arguments in
            withCStrings(["LC_ALL=C", "PATH=\(path)"]) { environment in
                shoal_capture(arguments, environment, &output, output.count, &length, &code)
            }
        }
        guard failure == 0, code == 0 else { return nil }
        return String(decoding: output[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The value of an environment variable of this process.
func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

/// Lends a null-terminated array of C strings.
func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("never empty") }
        return body(base)
    }
}

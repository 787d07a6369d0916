import Foundation
import Glibc
import Testing

@testable import Harness

/// A PostgreSQL that somebody else runs: over TCP, with TLS by a certificate authority of its own, for a role without
/// superuser's rights; and a PgBouncer before it, in transaction mode.
final class ForeignServer {
    static let role = "site"
    private static let password = "a:b/c@d"
    private static let escapedPassword = "a%3Ab%2Fc%40d"
    static let database = "clinic"

    let directory: String
    let port: UInt16
    let bouncerPort: UInt16
    private var server: Running?
    private var bouncer: Running?

    /// `pgbouncer` is a package of its own: a machine without it says so, and its tests are left out.
    static let bouncerProgram = Binary.find("pgbouncer")

    private init(in directory: String) throws {
        self.directory = directory
        let ports = try FreePorts.choose(2)
        (port, bouncerPort) = (ports[0], ports[1])
    }

    /// Sets one up for the time of `body`; the database exists, and the extensions that only its administrator may create.
    ///
    /// - Parameter administrator: statements that he runs there as well.
    static func with<Value>(
        administrator: [String] = ["GRANT CREATE ON DATABASE clinic TO site"] + extensions,
        _ body: (ForeignServer) async throws -> Value
    ) async throws -> Value {
        try await Place.with { place in
            let server = try ForeignServer(in: "\(place)/server")
            try await server.setUp(administrator)
            do {
                let value = try await body(server)
                await server.end()
                return value
            } catch {
                Issue.record("the server said:\n\(server.text("log").suffix(4_000))")
                await server.end()
                throw error
            }
        }
    }

    static let extensions = ["ltree", "pg_trgm", "cube"].map { "CREATE EXTENSION \($0)" }

    /// - Parameter authority: the file of whom the client believes; the server's own if nil.
    func url(bouncer: Bool = false, password: String? = nil, authority: String? = nil) -> String {
        "postgresql://\(Self.role):\(password ?? Self.escapedPassword)@localhost:\(bouncer ? bouncerPort : port)/\(Self.database)"
            + "?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=\(authority ?? "\(directory)/ca.crt")"
    }

    // MARK: Processes

    /// PostgreSQL and PgBouncer refuse to run as root.
    private var drop: [String] {
        geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    private func program(_ name: String) throws -> String {
        try #require(Binary.find(name), "\(name) is a program that the tests need")
    }

    private func tool(_ words: [String], as postgres: Bool = true) async throws {
        let all = ["-C", directory] + (postgres ? drop : []) + words
        let outcome = try await Binary.run(program: "/usr/bin/env", all)
        try #require(outcome.code == 0, "\(words): \(outcome.output)\(outcome.errors)")
    }

    private func setUp(_ administrator: [String]) async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
        try await makeCertificates()
        if geteuid() == 0 { try await tool(["chown", "-R", "postgres:", directory], as: false) }
        try await tool([
            try program("initdb"), "--pgdata=data", "--username=postgres", "--auth=trust", "--no-sync", "--locale=C",
            "--encoding=UTF8",
        ])
        // The administrator comes over the socket; everybody else with a password, over TLS or not at all.
        try write(
            """
            local all postgres trust
            hostssl \(Self.database) \(Self.role) 127.0.0.1/32 scram-sha-256
            """, to: "data/pg_hba.conf")
        try await start()
        let quoted = "'\(Self.password)'"
        for statement in [
            "CREATE ROLE \(Self.role) LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD \(quoted)",
            "CREATE DATABASE \(Self.database)",
        ] { try await ask(statement, in: "postgres") }
        // As a careful administrator leaves it: nothing may be made in `public`.
        for statement in ["REVOKE CREATE ON SCHEMA public FROM PUBLIC"] + administrator { try await ask(statement) }
    }

    private func makeCertificates() async throws {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for authority in ["ca", "stranger"] {
            try await tool(
                ["openssl", "req", "-x509"] + key
                    + [
                        "-keyout", "\(authority).key", "-out", "\(authority).crt", "-days", "30", "-subj",
                        "/CN=\(authority)",
                    ],
                as: false)
        }
        try await tool(
            ["openssl", "req"] + key + ["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"],
            as: false)
        try write("subjectAltName=DNS:localhost\n", to: "server.ext")
        try await tool(
            [
                "openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", "server.crt", "-days", "30", "-extfile", "server.ext",
            ], as: false)
        for name in ["server.key"] { chmod("\(directory)/\(name)", 0o600) }
    }

    func start() async throws {
        let settings = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=\(directory)", "ssl=on",
            "ssl_cert_file=\(directory)/server.crt", "ssl_key_file=\(directory)/server.key", "fsync=off",
            "max_connections=60", "logging_collector=off",
        ]
        let words = [try program("postgres"), "-D", "data"] + settings.flatMap { ["-c", $0] }
        server = try Running(
            "/usr/bin/env", ["-C", directory] + drop + ["sh", "-c", "exec \"$@\" >>log 2>&1", "sh"] + words)
        try await eventually("the server lets somebody in") { [self] in
            let asked = try await Binary.run(
                program: try program("psql"), ["-h", directory, "-p", "\(port)", "-U", "postgres", "-c", "SELECT 1"])
            return asked.code == 0
        }
    }

    /// - Parameter mode: `fast` ends every session, `immediate` is a crash.
    func stop(_ mode: String) async throws {
        try await tool([try program("pg_ctl"), "--pgdata=data", "--mode=\(mode)", "--wait", "stop"])
        _ = await server?.end()
        server = nil
    }

    /// In transaction mode, with fewer connections to the server than sites want.
    func startBouncer(mode: String = "transaction") async throws {
        try write("\"\(Self.role)\" \"\(Self.password)\"\n", to: "users.txt", mode: 0o644)
        try write(
            """
            [databases]
            \(Self.database) = host=localhost port=\(port) dbname=\(Self.database)
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(bouncerPort)
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = users.txt
            pool_mode = \(mode)
            default_pool_size = 4
            client_tls_sslmode = require
            client_tls_cert_file = server.crt
            client_tls_key_file = server.key
            server_tls_sslmode = verify-full
            server_tls_ca_file = ca.crt
            logfile = bouncer.log
            pidfile = bouncer.pid

            """, to: "bouncer.ini", mode: 0o644)
        let program = try #require(Self.bouncerProgram)
        bouncer = try Running("/usr/bin/env", ["-C", directory] + drop + [program, "-q", "bouncer.ini"])
        try await eventually("PgBouncer listens") { [self] in
            let asked = try await Binary.run(
                program: try self.program("psql"), [url(bouncer: true), "-c", "SELECT 1"])
            return asked.code == 0
        }
    }

    func stopBouncer() async {
        // It would wait for its clients, and the thread that started it blocks the signals that it listens to.
        bouncer?.kill()
        _ = await bouncer?.end()
        bouncer = nil
    }

    private func end() async {
        await stopBouncer()
        guard let server else { return }
        server.interrupt()
        _ = await server.end()
    }

    // MARK: Asking

    /// One statement by its administrator; the first value of each row.
    @discardableResult
    func ask(_ statement: String, in database: String = ForeignServer.database) async throws -> [String] {
        let outcome = try await Binary.run(
            program: try program("psql"),
            ["-h", directory, "-p", "\(port)", "-U", "postgres", "-d", database, "-XAtc", statement])
        try #require(outcome.code == 0, "\(statement): \(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    private func write(_ text: String, to name: String, mode: mode_t = 0o600) throws {
        try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
        chmod("\(directory)/\(name)", mode)
    }

    func text(_ name: String) -> String { (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)) ?? "" }
}

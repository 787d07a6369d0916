import Glibc
import Testing

@testable import Storage

@Suite struct PrivateServerTests {
    /// Two real servers, or one that restarts.
    @Test func `two servers on one machine do not meet, and a data directory has one node`() throws {
        let (a, b) = (TestServer.directory("a"), TestServer.directory("b"))
        let first = try PrivateServer(dataDirectory: a)
        let second = try PrivateServer(dataDirectory: b)
        defer {
            first.stop()
            second.stop()
        }
        let system = "SELECT system_identifier FROM pg_control_system()"
        #expect(try Connection(first.target).row(system).int64(0) != Connection(second.target).row(system).int64(0))
        let refused = try #require(storageError { _ = try PrivateServer(dataDirectory: a) })
        #expect(refused.reason == .inUse)
        #expect(refused.cause.contains("process \(getpid())"))
        #expect(try Connection(first.target).row("SELECT 1").int(0) == 1, "the refused one did no harm")
    }

    @Test func `a killed server is reported, and restart brings back what was committed`() throws {
        let reports = Monitor<[StorageError]>([])
        let server = try PrivateServer(dataDirectory: TestServer.directory("killed")) { error in
            reports.change { $0.append(error) }
        }
        defer { server.stop() }
        let connection = try Connection(server.target)
        try connection.script("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (2)")
        try connection.script("BEGIN; INSERT INTO public.t VALUES (3)")
        kill(try #require(server.processID), SIGKILL)
        let report = reports.wait { $0.first }
        #expect(report.reason == .serverFailed)
        #expect(report.cause.contains("signal 9"))
        #expect(server.processID == nil)
        let lost = storageError { try connection.query("SELECT 1") }
        #expect(lost?.isConnectionLost == true, "\(lost.debugDescription)")
        try server.restart()
        #expect(try Connection(server.target).row("SELECT count(*) FROM public.t").int(0) == 2)
        try server.restart()
        #expect(try Connection(server.target).row("SELECT 1").int(0) == 1, "restart of a running server does nothing")
        #expect(reports.change { $0.count } == 1)
    }

    @Test func `a server that somebody stopped in order is reported as that, not with an old complaint`() throws {
        let reports = Monitor<[StorageError]>([])
        let server = try PrivateServer(dataDirectory: TestServer.directory("stopped")) { error in
            reports.change { $0.append(error) }
        }
        defer { server.stop() }
        let log = try #require(Files.read(server.logPath))
        #expect(!log.contains("FATAL"), "setting it up leaves no complaint: \(log)")
        let connection = try Connection(server.target)
        #expect(throws: StorageError.self) { try connection.query("SELECT no_such_column") }
        kill(try #require(server.processID), SIGINT)
        #expect(reports.wait { $0.first }.cause == "somebody stopped PostgreSQL")
        try server.restart()
        #expect(try Connection(server.target).row("SELECT 1").int(0) == 1)
    }

    @Test func `a data directory with a very long path works`() throws {
        var path = TestServer.directory("long")
        for _ in 0..<4 {
            mkdir(path, 0o755)
            path += "/" + String(repeating: "x'\" ,é", count: 20)
        }
        let server = try PrivateServer(dataDirectory: path)
        #expect(try Connection(server.target).row("SELECT 1").int(0) == 1)
        let socket = SocketDirectory.path(for: Files.realPath(path + "/pg") ?? "")
        #expect(socket.hasPrefix("/tmp/shoal-"))
        #expect(Files.status(socket).map { $0.st_mode & 0o777 } == 0o700)
        server.stop()
        #expect(Files.status(socket) == nil, "an orderly stop leaves nothing in /tmp")
    }

    @Test func `a stale postmaster.pid with the number of another process is no obstacle`() throws {
        let path = TestServer.directory("stale")
        let server = try PrivateServer(dataDirectory: path)
        server.stop()
        let file = path + "/pg/cluster/postmaster.pid"
        let text = "\(getppid())\n\(path)/pg/cluster\n"
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o644)
        write(descriptor, text, text.utf8.count)
        close(descriptor)
        let next = try PrivateServer(dataDirectory: path)
        #expect(try Connection(next.target).row("SELECT 1").int(0) == 1)
        next.stop()
    }

    @Test func `another major version, and a directory that is no cluster, are refused with the remedy`() throws {
        let path = TestServer.directory("other")
        for directory in [path, path + "/pg", path + "/pg/cluster"] { mkdir(directory, 0o755) }
        let nothing = try #require(storageError { _ = try PrivateServer(dataDirectory: path) })
        #expect(nothing.reason == .unexpectedData)
        let descriptor = open(path + "/pg/cluster/PG_VERSION", O_WRONLY | O_CREAT, 0o644)
        write(descriptor, "9\n", 2)
        close(descriptor)
        let other = try #require(storageError { _ = try PrivateServer(dataDirectory: path) })
        #expect(other.reason == .serverVersion)
        #expect(other.description.contains("install the package postgresql-9"))
    }

    @Test func `an unusable local.conf is named in the error`() throws {
        let path = TestServer.directory("conf")
        mkdir(path, 0o755)
        let server = try PrivateServer(dataDirectory: path)
        server.stop()
        let descriptor = open(path + "/pg/local.conf", O_WRONLY | O_CREAT, 0o644)
        write(descriptor, "no_such_setting = 1\n", 20)
        close(descriptor)
        let error = try #require(storageError { _ = try PrivateServer(dataDirectory: path) })
        #expect(error.reason == .serverFailed)
        #expect(error.remedy.contains("postgres.log"))
    }

    @Test func `a machine without PostgreSQL is told what to install`() throws {
        let error = try #require(
            storageError {
                _ = try ServerPrograms.find(
                    wanted: nil, dataDirectory: "/d", path: "/nonexistent", debianRoot: "/nonexistent")
            })
        #expect(error.reason == .serverMissing)
        #expect(error.description.contains("apt-get install postgresql-15"))
    }

    @Test func `only the node's users may log in, and only by the socket`() throws {
        let connection = try TestServer.connect()
        #expect(try connection.row("SELECT current_setting('listen_addresses')").text(0) == "")
        let rules = "SELECT count(*), bool_and(type = 'local' AND auth_method = 'peer') FROM pg_hba_file_rules"
        let row = try connection.row(rules)
        #expect(try row.int(0) == 1)
        #expect(try row.bool(1))
        let durable =
            "SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('jit')"
        #expect(try connection.row(durable).text(0) == "onon" + "off")
    }
}

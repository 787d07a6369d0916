import Glibc
import Testing
import Wire

@testable import Storage

@Suite struct ConnectionTests {
    @Test func `every parameter type comes back as it was sent`() throws {
        let connection = try TestServer.connect()
        let row = try connection.row(
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9",
            [
                .bool(true), .int16(-2), .int32(Int32.min), .int64(Int64.max), .double(-0.1), .text("Größe \u{1F41F}"),
                .bytes([0, 255, 1]), .uuid(UInt128.max - 5), .null,
            ])
        #expect(try row.bool(0))
        #expect(try row.int64(1) == -2)
        #expect(try row.int64(2) == Int64(Int32.min))
        #expect(try row.int64(3) == Int64.max)
        #expect(try row.double(4) == -0.1)
        #expect(try row.text(5) == "Größe \u{1F41F}")
        #expect(try row.bytes(6) == [0, 255, 1])
        #expect(try row.uuid(7) == UInt128.max - 5)
        #expect(row.isNull(8))
        #expect(try row.optionalText(8) == nil)
    }

    @Test func `arrays come back as they were sent, empty ones too`() throws {
        let connection = try TestServer.connect()
        let row = try connection.row(
            "SELECT $1, $2, $3, $4, $5, $6, $7::int2[] = '{1,2}', $8::bool[] = '{t,f}', $9::int4[] = '{7}'",
            [
                .int64s([1, -1]), .doubles([0.5]), .texts(["", "a'b\\c"]), .uuids([1, .max]),
                .bytesArray([[], [0, 9]]),
                .int64s([]), .int16s([1, 2]), .bools([true, false]), .int32s([7]),
            ])
        #expect(try row.int64s(0) == [1, -1])
        #expect(try row.doubles(1) == [0.5])
        #expect(try row.texts(2) == ["", "a'b\\c"])
        #expect(try row.uuids(3) == [1, .max])
        #expect(try row.bytesArray(4) == [[], [0, 9]])
        #expect(try row.int64s(5) == [])
        #expect(try row.bool(6))
        #expect(try row.bool(7))
        #expect(try row.bool(8))
    }

    @Test func `an empty text and empty bytes are not null`() throws {
        let row = try TestServer.connect().row("SELECT $1 = '', $2 = ''::bytea, $1", [.text(""), .bytes([])])
        #expect(try row.bool(0))
        #expect(try row.bool(1))
        #expect(try row.text(2) == "")
    }

    @Test func `a uuid is the number's big-endian bytes`() throws {
        let row = try TestServer.connect().row(
            "SELECT $1::uuid::text", [.uuid(0x0123_4567_89ab_cdef_0011_2233_4455_6677)])
        #expect(try row.text(0) == "01234567-89ab-cdef-0011-223344556677")
    }

    @Test func `text with U+0000 is refused before it is sent`() throws {
        let connection = try TestServer.connect()
        let error = storageError { try connection.query("SELECT $1", [.text("a\0b")]) }
        #expect(error?.reason == .invalidText)
        #expect(storageError { try connection.query("SELECT $1", [.texts(["ok", "\0"])]) }?.reason == .invalidText)
        #expect(try connection.row("SELECT 1").int(0) == 1)
    }

    @Test func `an error carries its SQLSTATE and statement`() throws {
        let connection = try TestServer.connect()
        let error = try #require(storageError { try connection.query("SELECT 1 / $1::int", [.int32(0)]) })
        #expect(error.sqlState == "22012")
        #expect(error.reason == .statement)
        #expect(error.statement == "SELECT 1 / $1::int")
        #expect(error.description.contains("division by zero"))
        #expect(connection.isOpen)
    }

    @Test(arguments: [
        ("23505", StorageError.Reason.constraint), ("40001", .conflict), ("40P01", .conflict),
        ("57P01", .connectionLost), ("08006", .connectionLost), ("53100", .diskFull), ("57014", .cancelled),
        ("28P01", .cannotConnect), ("42501", .notAllowed), ("25006", .notAllowed), ("XX001", .unexpectedData),
        ("42601", .statement),
    ])
    func `each class of SQLSTATE has its reason`(_ sqlState: String, _ reason: StorageError.Reason) {
        #expect(Connection.reason(sqlState: sqlState) == reason)
    }

    @Test func `reading a column as another type is an error, not a crash`() throws {
        let row = try TestServer.connect().row("SELECT 1::int8, 'x'::text, NULL::int8")
        #expect(storageError { _ = try row.text(0) }?.reason == .unexpectedData)
        #expect(storageError { _ = try row.int64(1) }?.reason == .unexpectedData)
        #expect(storageError { _ = try row.int64(2) }?.reason == .unexpectedData)
    }

    @Test func `a prepared statement is parsed once and can be turned off`() throws {
        let count = "SELECT count(*) FROM pg_prepared_statements"
        let connection = try TestServer.connect()
        for value in 0..<3 as Range<Int64> {
            #expect(try connection.row("SELECT $1 + 1", [.int64(value)], prepared: true).int64(0) == value + 1)
        }
        #expect(try connection.row(count).int(0) == 1)
        var target = TestServer.shared.target
        target.usesNamedStatements = false
        let pooled = try Connection(target)
        #expect(try pooled.row("SELECT $1 + 1", [.int64(4)], prepared: true).int64(0) == 5)
        #expect(try pooled.row(count).int(0) == 0)
    }

    @Test func `affected rows are counted`() throws {
        let connection = try TestServer.connect()
        try connection.script("CREATE TEMP TABLE t (a int)")
        #expect(try connection.query("INSERT INTO t SELECT generate_series(1, 7)").affected == 7)
        #expect(try connection.query("DELETE FROM t WHERE a > 4").affected == 3)
    }

    @Test func `notices are kept, at most a hundred`() throws {
        let connection = try TestServer.connect()
        try connection.script("DO $$ BEGIN FOR i IN 1..120 LOOP RAISE NOTICE 'n%', i; END LOOP; END $$")
        let notices = connection.takeNotices()
        #expect(notices.count == 100)
        #expect(notices.last == "n120")
        #expect(connection.takeNotices().isEmpty)
    }

    @Test func `another thread cancels a running statement`() throws {
        let connection = try TestServer.connect()
        let canceller = try #require(connection.makeCanceller())
        let observer = try TestServer.connect()
        let pid = try connection.row("SELECT pg_backend_pid()").int64(0)
        let thread = StorageThread(name: "canceller")
        thread.submit {
            let active = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
            while (try? observer.row(active, [.int32(Int32(pid))]).int(0)) == 0 {}
            canceller.cancel()
        }
        let error = storageError { try connection.query("SELECT pg_sleep(60)") }
        thread.finish()
        #expect(error?.reason == .cancelled)
        #expect(try connection.row("SELECT 1").int(0) == 1)
    }

    @Test func `a terminated backend is a lost connection`() throws {
        let connection = try TestServer.connect()
        let pid = try connection.row("SELECT pg_backend_pid()").int64(0)
        let killer = try TestServer.connect()
        try killer.query("SELECT pg_terminate_backend($1, 10000)", [.int32(Int32(pid))])
        let error = storageError { try connection.query("SELECT 1") }
        #expect(error?.isConnectionLost == true)
        #expect(!connection.isOpen)
    }

    @Test func `an existing server is reached by URL, without named statements`() throws {
        let directory = try TestServer.connect().row("SELECT current_setting('unix_socket_directories')").text(0)
        let path = directory.replacing("\"", with: "").replacing("/", with: "%2F")
        let target = try DatabaseTarget(url: "postgresql://shoal@\(path)/shoal")
        #expect(!target.usesNamedStatements)
        #expect(target.description.contains("dbname=shoal"))
        #expect(try Connection(target).row("SELECT current_user = 'shoal'").bool(0))
    }

    @Test func `a server that is not there is named, a password is not`() throws {
        let target = try DatabaseTarget(url: "postgresql://me:secret@127.0.0.1:1/none")
        let error = try #require(storageError { _ = try Connection(target) })
        #expect(error.reason == .cannotConnect)
        #expect(error.description.contains("port=1"))
        #expect(!error.description.contains("secret"))
        let malformed = try #require(storageError { _ = try DatabaseTarget(url: "postgresql://me:secret@[::1") })
        #expect(!malformed.description.contains("secret"))
    }
}

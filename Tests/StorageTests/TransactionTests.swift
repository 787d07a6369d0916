import Testing

@testable import Storage

@Suite struct TransactionTests {
    private func fresh() throws -> Connection {
        let connection = try TestServer.connect()
        try connection.script("CREATE TEMP TABLE t (a int8 PRIMARY KEY)")
        return connection
    }

    private func count(_ connection: Connection) throws -> Int {
        try connection.row("SELECT count(*) FROM t").int(0)
    }

    @Test func `a transaction that returns is committed`() throws {
        let connection = try fresh()
        let value = try connection.transaction { connection throws(StorageError) in
            try connection.query("INSERT INTO t VALUES (1)")
            return 5
        }
        #expect(value == 5)
        #expect(try count(connection) == 1)
        #expect(!connection.isInTransaction)
    }

    @Test func `a transaction that throws leaves nothing`() throws {
        let connection = try fresh()
        let error = storageError {
            try connection.transaction { connection throws(StorageError) in
                try connection.query("INSERT INTO t VALUES (1)")
                try connection.query("INSERT INTO t VALUES (1)")
            }
        }
        #expect(error?.reason == .constraint)
        #expect(try count(connection) == 0)
        #expect(!connection.isInTransaction)
    }

    @Test func `a lost race is tried again, as often as asked`() throws {
        let connection = try fresh()
        var runs = 0
        var told = 0
        let body: (Connection) throws(StorageError) -> Void = { connection throws(StorageError) in
            runs += 1
            try connection.query("INSERT INTO t VALUES (1)")
            if runs < 3 { try connection.script("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$") }
        }
        try connection.transaction(attempts: 3, onRetry: { _ in told += 1 }, body)
        #expect(runs == 3)
        #expect(told == 2)
        #expect(try count(connection) == 1)

        runs = -5
        let error = storageError { try connection.transaction(attempts: 2, body) }
        #expect(error?.reason == .constraint, "the row is there: no race, so not tried again")
        #expect(runs == -4)
    }

    @Test func `a snapshot refuses writes`() throws {
        let connection = try fresh()
        let error = storageError {
            try connection.transaction(.readOnlySnapshot) { connection throws(StorageError) in
                try connection.query("CREATE TABLE public.never (a int)")
            }
        }
        #expect(error?.reason == .notAllowed)
    }
}

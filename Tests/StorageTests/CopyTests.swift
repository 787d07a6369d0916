import Testing
import Wire

@testable import Storage

@Suite struct CopyTests {
    private let columns = ["i", "t", "b", "u", "d", "f", "s", "n"]

    private func fresh() throws -> Connection {
        let connection = try TestServer.connect()
        try connection.script(
            "CREATE TEMP TABLE c (i int8, t text, b bytea, u uuid, d float8, f bool, s int2, n int4[])")
        return connection
    }

    @Test func `a hundred thousand rows go in and come out`() throws {
        let connection = try fresh()
        let rows = 100_000
        let written = try connection.copyIn("c", columns: columns) { writer throws(StorageError) in
            for index in 0..<rows {
                try writer.row()
                writer.int64(Int64(index))
                try writer.text("tab\tnewline\n\\N \(index)")
                writer.bytes([UInt8(truncatingIfNeeded: index), 0])
                writer.uuid(UInt128(index) << 64)
                writer.double(Double(index) / 3)
                writer.bool(index % 2 == 0)
                writer.int16(Int16(index % 100))
                if index % 3 == 0 { writer.null() } else { try writer.field(.int32s([Int32(index)])) }
            }
            return writer.rows
        }
        #expect(written == rows)
        #expect(try connection.row("SELECT count(*) FROM c WHERE n[1] = i").int(0) == rows - (rows + 2) / 3)
        var next = 0
        var wrong = 0
        let read = try connection.copyOut("SELECT i, t, b, u, d, f, s FROM c ORDER BY i", columns: 7) {
            row throws(StorageError) in
            let first = (try row.int64(), try row.text(), try row.bytes(), try row.uuid())
            let second = (try row.double(), try row.bool(), try row.int16())
            let isRight =
                first == (
                    Int64(next), "tab\tnewline\n\\N \(next)", [UInt8(truncatingIfNeeded: next), 0], UInt128(next) << 64
                )
                && second == (Double(next) / 3, next % 2 == 0, Int16(next % 100))
            if !isRight { wrong += 1 }
            next += 1
        }
        #expect(read == rows)
        #expect(wrong == 0)
    }

    @Test func `a COPY whose body throws leaves no row and a usable connection`() throws {
        let connection = try fresh()
        let error = storageError {
            try connection.copyIn("c", columns: ["i", "t"]) { writer throws(StorageError) in
                try writer.row()
                writer.int64(1)
                try writer.text("zero \0")
            }
        }
        #expect(error?.reason == .invalidText)
        #expect(try connection.row("SELECT count(*) FROM c").int(0) == 0)
    }

    @Test func `a row that the server refuses is reported in its words`() throws {
        let connection = try fresh()
        try connection.script("ALTER TABLE c ADD CHECK (i < 10)")
        let error = storageError {
            try connection.copyIn("c", columns: ["i"]) { writer throws(StorageError) in
                for value in 0..<200_000 as Range<Int64> {
                    try writer.row()
                    writer.int64(value)
                }
            }
        }
        #expect(error?.reason == .constraint)
        #expect(try connection.row("SELECT count(*) FROM c").int(0) == 0)
    }

    @Test func `a reader that throws ends the stream and leaves a usable connection`() throws {
        let connection = try TestServer.connect()
        let error = storageError {
            try connection.copyOut("SELECT generate_series(1, 1000000)", columns: 1) { row throws(StorageError) in
                _ = try row.int64()
            }
        }
        #expect(error?.reason == .unexpectedData)
        #expect(try connection.row("SELECT 1").int(0) == 1)
    }
}

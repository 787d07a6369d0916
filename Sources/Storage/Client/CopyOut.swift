import CPostgres
public import Wire

/// One row of a COPY TO STDOUT in binary format. Fields are read in column order, each once.
public struct CopyRow: ~Copyable {
    private var reader: BinaryReader

    fileprivate init(_ reader: BinaryReader) { self.reader = reader }

    public mutating func int16() throws(StorageError) -> Int16 { try fixed() }
    public mutating func int32() throws(StorageError) -> Int32 { try fixed() }
    public mutating func int64() throws(StorageError) -> Int64 { try fixed() }
    public mutating func uuid() throws(StorageError) -> UInt128 { try fixed() }
    public mutating func double() throws(StorageError) -> Double { Double(bitPattern: try fixed()) }
    public mutating func bool() throws(StorageError) -> Bool { try fixed(UInt8.self) != 0 }
    public mutating func text() throws(StorageError) -> String { try reader.value().text() }
    public mutating func bytes() throws(StorageError) -> Bytes { Bytes(try reader.value().bytes) }
    public mutating func optionalText() throws(StorageError) -> String? { try reader.field()?.text() }
    public mutating func optionalBytes() throws(StorageError) -> Bytes? {
        guard let field = try reader.field() else { return nil }
        return Bytes(field.bytes)
    }

    /// The bytes of a bytea, lent to `body`.
    public mutating func withBytes<Success>(
        _ body: (UnsafeRawBufferPointer) throws(StorageError) -> Success
    ) throws(StorageError) -> Success {
        try body(try reader.value().bytes)
    }

    private mutating func fixed<Integer: FixedWidthInteger>(
        _: Integer.Type = Integer.self
    ) throws(StorageError) -> Integer {
        guard try reader.integer(Int32.self) == Int32(Integer.bitWidth / 8) else {
            throw BinaryReader.malformed("a value has another length than its type, or is null")
        }
        return try reader.integer(Integer.self)
    }
}

extension Connection {
    /// Streams the rows of `select` (a SELECT without parameters) to `body`, without keeping them in memory.
    ///
    /// - Returns: the number of rows.
    @discardableResult
    public func copyOut(
        _ select: String, columns: Int, _ body: (inout CopyRow) throws(StorageError) -> Void
    ) throws(StorageError) -> Int {
        let statement = "COPY (\(select)) TO STDOUT (FORMAT binary)"
        _ = try check(PQexec(handle, statement), statement, expecting: [PGRES_COPY_OUT])
        var rows = 0
        var failed: StorageError?
        var isFirst = true
        while true {
            var message: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &message, 0)
            guard count > 0, let message else { break }
            defer { PQfreemem(message) }
            if failed != nil { continue }  // read to the end, so that the connection stays usable
            do throws(StorageError) {
                var reader = BinaryReader(UnsafeRawBufferPointer(start: message, count: Int(count)))
                if isFirst { try Self.readHeader(&reader) }
                isFirst = false
                guard reader.count > 0 else { continue }
                let fields = try reader.integer(Int16.self)
                if fields == -1 { continue }
                guard Int(fields) == columns else { throw BinaryReader.malformed("a row has \(fields) columns") }
                rows += 1
                var row = CopyRow(reader)
                try body(&row)
            } catch {
                failed = error
                _ = makeCanceller()?.cancel()
            }
        }
        while let result = PQgetResult(handle) {
            do {
                _ = try check(result, statement, expecting: [PGRES_COMMAND_OK])
            } catch {
                failed = failed ?? error
            }
            if !isOpen { break }
        }
        if let failed { throw failed }
        return rows
    }

    private static func readHeader(_ reader: inout BinaryReader) throws(StorageError) {
        let signature = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
        guard try reader.take(signature.count).elementsEqual(signature), try reader.integer(UInt32.self) == 0 else {
            throw BinaryReader.malformed("not binary COPY data")
        }
        let extensionLength = try reader.integer(Int32.self)
        _ = try reader.take(Int(extensionLength))
    }
}

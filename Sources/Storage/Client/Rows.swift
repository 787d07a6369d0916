import CPostgres
public import Wire

/// The rows that a statement returned, in memory, in binary format.
public struct Rows: RandomAccessCollection, @unchecked Sendable {
    /// Frees libpq's result with the last reference. Read only after creation.
    final class Handle {
        let result: OpaquePointer
        init(_ result: OpaquePointer) { self.result = result }
        deinit { PQclear(result) }
    }
    let handle: Handle

    init(_ result: OpaquePointer) { handle = Handle(result) }

    public var startIndex: Int { 0 }
    public var endIndex: Int { Int(PQntuples(handle.result)) }
    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < endIndex, "row out of range")
        return Row(handle: handle, index: Int32(position))
    }

    /// How many rows an INSERT, UPDATE, DELETE or COPY changed.
    public var affected: Int { Int(String(cString: PQcmdTuples(handle.result))) ?? 0 }
}

/// One row. Each accessor checks that the column has a fitting type and is not null; a
/// mismatch is an ``StorageError/Reason/unexpectedData`` error, since the database is input.
public struct Row {
    let handle: Rows.Handle
    let index: Int32

    public func isNull(_ column: Int) -> Bool {
        PQgetisnull(handle.result, index, Int32(column)) == 1
    }

    public func bool(_ column: Int) throws(StorageError) -> Bool {
        var field = try field(column, TypeID.bool)
        return try field.integer(UInt8.self) != 0
    }

    /// Any of int2, int4, int8.
    public func int64(_ column: Int) throws(StorageError) -> Int64 {
        var field = try field(column, TypeID.int64, TypeID.int32, TypeID.int16)
        switch field.count {
        case 8: return try field.integer(Int64.self)
        case 4: return Int64(try field.integer(Int32.self))
        default: return Int64(try field.integer(Int16.self))
        }
    }

    public func int(_ column: Int) throws(StorageError) -> Int { Int(try int64(column)) }

    public func double(_ column: Int) throws(StorageError) -> Double {
        var field = try field(column, TypeID.double, TypeID.float)
        if field.count == 4 { return Double(Float(bitPattern: try field.integer(UInt32.self))) }
        return Double(bitPattern: try field.integer(UInt64.self))
    }

    public func text(_ column: Int) throws(StorageError) -> String {
        try field(column, TypeID.text, TypeID.varchar, TypeID.name).text()
    }

    public func bytes(_ column: Int) throws(StorageError) -> Bytes {
        Bytes(try field(column, TypeID.bytes).bytes)
    }

    public func uuid(_ column: Int) throws(StorageError) -> UInt128 {
        var field = try field(column, TypeID.uuid)
        return try field.integer(UInt128.self)
    }

    public func int64s(_ column: Int) throws(StorageError) -> [Int64] {
        var field = try field(column, TypeID.int64s)
        return try field.array(TypeID.int64) { field throws(StorageError) in try field.integer(Int64.self) }
    }

    public func doubles(_ column: Int) throws(StorageError) -> [Double] {
        var field = try field(column, TypeID.doubles)
        return try field.array(TypeID.double) { field throws(StorageError) in
            Double(bitPattern: try field.integer(UInt64.self))
        }
    }

    public func texts(_ column: Int) throws(StorageError) -> [String] {
        var field = try field(column, TypeID.texts)
        return try field.array(TypeID.text) { field throws(StorageError) in try field.text() }
    }

    public func uuids(_ column: Int) throws(StorageError) -> [UInt128] {
        var field = try field(column, TypeID.uuids)
        return try field.array(TypeID.uuid) { field throws(StorageError) in try field.integer(UInt128.self) }
    }

    public func bytesArray(_ column: Int) throws(StorageError) -> [Bytes] {
        var field = try field(column, TypeID.bytesArray)
        return try field.array(TypeID.bytes) { field throws(StorageError) in Bytes(field.bytes) }
    }

    public func optionalInt64(_ column: Int) throws(StorageError) -> Int64? {
        isNull(column) ? nil : try int64(column)
    }

    public func optionalDouble(_ column: Int) throws(StorageError) -> Double? {
        isNull(column) ? nil : try double(column)
    }

    public func optionalText(_ column: Int) throws(StorageError) -> String? {
        isNull(column) ? nil : try text(column)
    }

    public func optionalBytes(_ column: Int) throws(StorageError) -> Bytes? {
        isNull(column) ? nil : try bytes(column)
    }

    public func optionalUUID(_ column: Int) throws(StorageError) -> UInt128? {
        isNull(column) ? nil : try uuid(column)
    }

    /// The bytes of one value, borrowed from the result, which `self` keeps alive.
    private func field(_ column: Int, _ types: UInt32...) throws(StorageError) -> BinaryReader {
        let column = Int32(column)
        precondition(column >= 0 && column < PQnfields(handle.result), "column out of range")
        let type = PQftype(handle.result, column)
        guard types.contains(type), PQfformat(handle.result, column) == 1 else {
            throw mismatch(column, "its type number is \(type), expected \(types)")
        }
        guard PQgetisnull(handle.result, index, column) == 0 else { throw mismatch(column, "it is null") }
        guard let start = PQgetvalue(handle.result, index, column) else { throw mismatch(column, "it is missing") }
        let count = Int(PQgetlength(handle.result, index, column))
        return BinaryReader(UnsafeRawBufferPointer(start: start, count: count))
    }

    private func mismatch(_ column: Int32, _ cause: String) -> StorageError {
        let name = PQfname(handle.result, column).map { String(cString: $0) } ?? String(column)
        return StorageError(.unexpectedData, operation: "read", object: "the column \(name)", cause: cause)
    }
}

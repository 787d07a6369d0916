import CPostgres
import Wire

/// Streams rows into a table through COPY in binary format (PostgreSQL's manual, COPY, "Binary Format").
///
/// ```
/// "PGCOPY\n" FF 0D 0A 00 | flags u32 | extension u32 | rows … | -1 i16
/// row = number of fields i16, then each field: length i32 (-1: null), bytes
/// ```
public struct CopyWriter: ~Copyable {
    private var buffer = BinaryWriter()
    private let handle: OpaquePointer
    private let columns: Int16
    private let fail: () -> StorageError
    /// Rows begun so far.
    public private(set) var rows = 0

    static let flushBytes = 256 * 1_024

    init(_ handle: OpaquePointer, columns: Int, fail: @escaping () -> StorageError) {
        self.handle = handle
        self.columns = Int16(columns)
        self.fail = fail
        buffer.bytes.reserveCapacity(Self.flushBytes + 16_384)
        buffer.raw(contentsOf: Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00])
        buffer.raw(0 as UInt64)
    }

    /// Begins a row; exactly as many fields as the COPY has columns must follow.
    public mutating func row() throws(StorageError) {
        if buffer.bytes.count >= Self.flushBytes { try flush() }
        buffer.raw(columns)
        rows += 1
    }

    public mutating func null() { buffer.null() }
    public mutating func bool(_ value: Bool) { buffer.integer(value ? 1 as UInt8 : 0) }
    public mutating func int16(_ value: Int16) { buffer.integer(value) }
    public mutating func int32(_ value: Int32) { buffer.integer(value) }
    public mutating func int64(_ value: Int64) { buffer.integer(value) }
    public mutating func double(_ value: Double) { buffer.integer(value.bitPattern) }
    public mutating func uuid(_ value: UInt128) { buffer.integer(value) }
    public mutating func bytes(_ value: some Collection<UInt8>) { buffer.bytes(value) }

    /// - Throws: ``StorageError/Reason/invalidText`` for U+0000.
    public mutating func text(_ value: String) throws(StorageError) { try buffer.text(value) }

    /// Anything that a statement could take.
    public mutating func field(_ value: Parameter) throws(StorageError) {
        guard value != .null else { return null() }
        let start = buffer.bytes.count
        buffer.raw(0 as Int32)
        try value.encode(into: &buffer)
        let length = Int32(buffer.bytes.count - start - 4)
        withUnsafeBytes(of: length.bigEndian) { buffer.bytes.replaceSubrange(start..<start + 4, with: $0) }
    }

    fileprivate mutating func flush() throws(StorageError) {
        let sent = buffer.bytes.withUnsafeBytes { bytes in
            PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
        buffer.bytes.removeAll(keepingCapacity: true)
        if sent != 1 { throw fail() }
    }

    fileprivate mutating func finish() throws(StorageError) {
        buffer.raw(-1 as Int16)
        try flush()
    }
}

extension Connection {
    /// Copies rows into `table`. When `body` throws, the COPY is abandoned and no row stays.
    ///
    /// - Parameters:
    ///   - table: a qualified, quoted name.
    ///   - columns: in the order in which `body` writes their fields, with exactly their types.
    /// - Returns: what `body` returned.
    public func copyIn<Success>(
        _ table: String, columns: [String],
        _ body: (inout CopyWriter) throws(StorageError) -> Success
    ) throws(StorageError) -> Success {
        try copyIn(table, columns: columns, throwing: StorageError.self, wrapping: { $0 }, body)
    }

    /// As ``copyIn(_:columns:_:)``, for a body with errors of its own.
    func copyIn<Success, Failure: Error>(
        _ table: String, columns: [String], throwing: Failure.Type, wrapping: (StorageError) -> Failure,
        _ body: (inout CopyWriter) throws(Failure) -> Success
    ) throws(Failure) -> Success {
        let statement = "COPY \(table) (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
        do {
            _ = try check(PQexec(handle, statement), statement, expecting: [PGRES_COPY_IN])
        } catch {
            throw wrapping(error)
        }
        var writer = CopyWriter(handle, columns: columns.count) { self.failure(nil, statement) }
        let success: Success
        do {
            success = try body(&writer)
        } catch {
            _ = try? endCopy(statement, abandon: "abandoned by the client")
            throw error
        }
        do {
            try writer.finish()
        } catch {
            // The server may have refused a row: its own words say more.
            do { try endCopy(statement, abandon: nil) } catch { throw wrapping(error) }
            throw wrapping(error)
        }
        do { try endCopy(statement, abandon: nil) } catch { throw wrapping(error) }
        return success
    }

    private func endCopy(_ statement: String, abandon: String?) throws(StorageError) {
        if PQputCopyEnd(handle, abandon) != 1 { throw failure(nil, statement) }
        var ending: StorageError?
        while let result = PQgetResult(handle) {
            do {
                _ = try check(result, statement, expecting: [PGRES_COMMAND_OK])
            } catch {
                ending = ending ?? error
            }
            if !isOpen { break }
        }
        if let ending { throw ending }
    }
}

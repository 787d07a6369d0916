import Identity
public import Wire

/// One entry of the sign journal: something that this site signed.
public struct JournalRecord: Sendable, Equatable {
    /// Largest record in bytes.
    public static let maxBytes = 9 << 20

    /// What it is; the caller's numbering.
    public let kind: UInt8
    public let bytes: Bytes

    public init(kind: UInt8, bytes: Bytes) {
        self.kind = kind
        self.bytes = bytes
    }
}

/// How records lie in the file, one behind the other.
///
/// ```
///  0        4                     20     21
///  +--------+---------------------+------+---- … ----+
///  | length | checksum            | kind | bytes     |
///  +--------+---------------------+------+---- … ----+
///  length    u32 big-endian: of bytes; the top bit says that the record was appended together with the one before
///  checksum  BLAKE2b-128 over offset in the file (u64), length, kind, bytes
/// ```
///
/// The offset makes a record valid in its place alone, so an image of a record inside another's bytes,
/// or one left from an older file, is none.
enum JournalFormat {
    static let fileHeader = Bytes("shoal-journal/1\n".utf8)
    static let recordHeaderBytes = 21
    static let continuesBatch: UInt32 = 1 << 31
    private static let checksumKey = Bytes("shoal/sign-journal/1".utf8)

    static func frame(_ record: JournalRecord, at offset: Int, continuesBatch isContinued: Bool) -> Bytes {
        let length = UInt32(record.bytes.count) | (isContinued ? continuesBatch : 0)
        return length.bigEndianBytes + checksum(record, at: offset, length: length) + [record.kind] + record.bytes
    }

    static func checksum(_ record: JournalRecord, at offset: Int, length: UInt32) -> Bytes {
        let start = UInt64(offset).bigEndianBytes + length.bigEndianBytes + [record.kind]
        return blake2b128(key: checksumKey, start, record.bytes).bigEndianBytes
    }
}

/// Reads the records of a journal in order, a window of the file at a time.
struct JournalCursor {
    enum Step: Equatable {
        case record(JournalRecord, continuesBatch: Bool)
        /// Exactly at the end of the file.
        case end
        /// What stands here is no whole valid record.
        case damaged
    }

    private static let windowBytes = 1 << 18

    /// Where the next record begins.
    private(set) var offset: Int
    private let size: Int
    private var window: Bytes = []
    private var windowStart = 0

    init(from offset: Int, size: Int) {
        self.offset = offset
        self.size = size
    }

    /// Reads the record at ``offset`` and moves behind it; stays where it is unless there is one.
    mutating func next(_ file: borrowing Descriptor) throws(SiteError) -> Step {
        if offset == size { return .end }
        guard let header = try bytes(offset, JournalFormat.recordHeaderBytes, file),
            let length = UInt32(bigEndianBytes: header.prefix(4))
        else { return .damaged }
        let count = Int(length & ~JournalFormat.continuesBatch)
        // A run of zeros, what a crash leaves of a block that was never written, is told without hashing.
        guard count <= JournalRecord.maxBytes, header.contains(where: { $0 != 0 }),
            let body = try bytes(offset + JournalFormat.recordHeaderBytes, count, file)
        else { return .damaged }
        let record = JournalRecord(kind: header.last!, bytes: Bytes(body))
        guard JournalFormat.checksum(record, at: offset, length: length) == Bytes(header.dropFirst(4).prefix(16))
        else { return .damaged }
        offset += JournalFormat.recordHeaderBytes + count
        return .record(record, continuesBatch: length & JournalFormat.continuesBatch != 0)
    }

    /// Moves on to the next valid record that began an append of its own, wherever it stands.
    ///
    /// - Returns: its offset, or nil if there is none up to the end of the file.
    mutating func findLaterAppend(_ file: borrowing Descriptor) throws(SiteError) -> Int? {
        while offset < size {
            offset += 1
            let start = offset
            if case .record(_, continuesBatch: false) = try next(file) { return start }
            offset = start
        }
        return nil
    }

    private mutating func bytes(
        _ start: Int, _ count: Int, _ file: borrowing Descriptor
    ) throws(SiteError) -> ArraySlice<UInt8>? {
        guard start + count <= size else { return nil }
        if start < windowStart || start + count > windowStart + window.count {
            window = try file.read(at: start, count: max(count, Self.windowBytes))
            windowStart = start
        }
        let from = start - windowStart
        return from + count <= window.count ? window[from..<from + count] : nil
    }
}

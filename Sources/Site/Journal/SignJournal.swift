import Glibc
import Wire

/// The file that keeps a site from signing two things for one place (protocol §3).
///
/// What the site signs is appended and synced *before* it is published. The journal lies outside the
/// database, so a database that goes back to an older state does not take the knowledge of what was
/// signed with it. Not for concurrent use.
///
/// After a crash the end may be torn: bytes that were never synced, so never published. They are cut
/// off. Damage in front of a later append is none of a crash's doing and is refused. Damage to the very
/// last append cannot be told from a tear: whoever sees ``droppedBytes`` compares with the database and
/// the peers, and opens a new log if they know more.
public final class SignJournal {
    public let path: String
    public private(set) var recordCount = 0
    /// Size of the file.
    public private(set) var byteCount: Int
    /// What opening cut off at the end, 0 after a clean stop.
    public private(set) var droppedBytes = 0
    private var file: Descriptor
    /// A failed sync leaves unknown what is durable, and the kernel reports it once: then nothing more is appended.
    private var isBroken = false

    /// Opens the journal, or makes an empty one, and reads every record once.
    ///
    /// - Parameter visit: gets the records in order.
    /// - Throws: `inUse`, `damaged` (in the middle), `malformed` (another file), or an error of the system.
    public init(path: String, visit: (JournalRecord) -> Void = { _ in }) throws(SiteError) {
        self.path = path
        if Files.status(path) == nil {
            do {
                try Files.create(JournalFormat.fileHeader, at: path, mode: 0o600)
            } catch {
                if error.reason != .exists { throw error }
            }
        }
        file = try Descriptor("open the sign journal", path, O_RDWR | O_NOFOLLOW)
        byteCount = Int(try file.status().st_size)
        guard try file.lockExclusively() else {
            throw SiteError(
                .inUse(pid: nil), operation: "open the sign journal", object: path,
                cause: "another process has it open", remedy: "stop the other node first")
        }
        let header = try file.read(at: 0, count: JournalFormat.fileHeader.count)
        guard header == JournalFormat.fileHeader else {
            throw SiteError(
                .malformed(line: nil), operation: "open the sign journal", object: path,
                cause: "it is not a sign journal of this version",
                remedy: "take it from a backup; if there is none, move it away and the node opens a new log")
        }
        try readAll(visit)
    }

    deinit { file.unlock() }

    private func readAll(_ visit: (JournalRecord) -> Void) throws(SiteError) {
        var cursor = JournalCursor(from: JournalFormat.fileHeader.count, size: byteCount)
        while true {
            switch try cursor.next(file) {
            case .record(let record, _):
                recordCount += 1
                visit(record)
            case .end:
                return
            case .damaged:
                let end = cursor.offset
                if let later = try cursor.findLaterAppend(file) {
                    throw SiteError(
                        .damaged, operation: "open the sign journal", object: path,
                        cause:
                            "record \(recordCount + 1) at byte \(end) is damaged, and a whole one follows at \(later)",
                        remedy:
                            "check the disk; take the file from a backup, or move it away and the node opens a new log")
                }
                droppedBytes = byteCount - end
                try file.truncate(to: end)
                try file.sync()
                byteCount = end
                return
            }
        }
    }

    /// Appends `records` and returns when they are durable. A crash before that may keep the first few of them.
    ///
    /// - Throws: `diskFull` or another error of the system; the journal is then as it was, or, if even that is not
    ///   certain, refuses every further append.
    public func append(_ records: [JournalRecord]) throws(SiteError) {
        if records.isEmpty { return }
        try checkUsable()
        var bytes = Bytes()
        for record in records {
            precondition(record.bytes.count <= JournalRecord.maxBytes, "a signed op or vote is never this large")
            bytes += JournalFormat.frame(record, at: byteCount + bytes.count, continuesBatch: !bytes.isEmpty)
        }
        do {
            try file.write(bytes, at: byteCount)
        } catch {
            do {
                try file.truncate(to: byteCount)
            } catch {
                isBroken = true
            }
            throw error
        }
        do {
            try file.sync()
        } catch {
            isBroken = true
            throw error
        }
        byteCount += bytes.count
        recordCount += records.count
    }

    /// Reads every record in order, in little memory.
    public func forEach(_ visit: (JournalRecord) -> Void) throws(SiteError) {
        var cursor = JournalCursor(from: JournalFormat.fileHeader.count, size: byteCount)
        while case .record(let record, _) = try cursor.next(file) { visit(record) }
        if cursor.offset != byteCount {
            throw SiteError(
                .damaged, operation: "read the sign journal", object: path,
                cause: "the record at byte \(cursor.offset) was whole when it was written", remedy: "check the disk")
        }
    }

    /// Rewrites the journal with the last record per key, in their order; records without a key all stay.
    ///
    /// - Parameter key: for an op its log, for a vote nil or its question.
    /// - Throws: on an error the old file stays in use; `diskFull` needs room for both files.
    public func compact<Key: Hashable>(by key: (JournalRecord) -> Key?) throws(SiteError) {
        try checkUsable()
        var lastNumber: [Key: Int] = [:]
        var number = 0
        try forEach { record in
            if let key = key(record) { lastNumber[key] = number }
            number += 1
        }
        var kept = JournalFormat.fileHeader
        var keptCount = 0
        number = 0
        try forEach { record in
            if key(record).map({ lastNumber[$0] == number }) ?? true {
                kept += JournalFormat.frame(record, at: kept.count, continuesBatch: false)
                keptCount += 1
            }
            number += 1
        }
        if keptCount == recordCount { return }
        try replaceFile(with: kept, recordCount: keptCount)
    }

    private func replaceFile(with bytes: Bytes, recordCount newCount: Int) throws(SiteError) {
        let temporary = path + ".compact"
        unlink(temporary)
        let new = try Descriptor(
            "compact the sign journal", temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do throws(SiteError) {
            try new.write(bytes, at: 0)
            try new.sync()
            guard try new.lockExclusively(), rename(temporary, path) == 0 else {
                throw SiteError.system("compact the sign journal", path, errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        file = new
        byteCount = bytes.count
        recordCount = newCount
        do {
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            // After a crash the name might lead to the old file, without what is appended to the new one.
            isBroken = true
            throw error
        }
    }

    private func checkUsable() throws(SiteError) {
        if isBroken {
            throw SiteError(
                .system(code: EIO), operation: "append to the sign journal", object: path,
                cause: "an earlier write failed and left unknown what is durable",
                remedy: "check the disk, then start the node again")
        }
    }
}

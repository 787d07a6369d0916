import Glibc
import Testing
import Wire

@testable import Site

@Suite struct SignJournalTests {
    let directory = TemporaryDirectory()
    var path: String { directory.file("sign-journal") }

    let records = [
        JournalRecord(kind: 0, bytes: [1]), JournalRecord(kind: 1, bytes: Bytes(repeating: 7, count: 300)),
        JournalRecord(kind: 0, bytes: []), JournalRecord(kind: 255, bytes: Bytes(0...99)),
    ]

    func write(_ batches: [[JournalRecord]]) throws -> Bytes {
        unlink(path)
        let journal = try SignJournal(path: path)
        for batch in batches { try journal.append(batch) }
        return try Files.read(path, limit: 1 << 24)
    }

    func reopened() throws(SiteError) -> (journal: SignJournal, records: [JournalRecord]) {
        var found: [JournalRecord] = []
        let journal = try SignJournal(path: path) { found.append($0) }
        return (journal, found)
    }

    @Test func `what was appended is read in order`() throws {
        _ = try write([[records[0]], [], [records[1], records[2]], [records[3]]])
        let (journal, found) = try reopened()
        #expect(found == records)
        #expect((journal.recordCount, journal.droppedBytes) == (4, 0))
        #expect(mode(path) == 0o600)
        var again: [JournalRecord] = []
        try journal.forEach { again.append($0) }
        #expect(again == records)
    }

    @Test func `a new journal is empty`() throws {
        let (journal, found) = try reopened()
        #expect(found == [] && journal.recordCount == 0 && journal.droppedBytes == 0)
        #expect(directory.names == ["sign-journal"])
    }

    @Test func `records larger than the window are read`() throws {
        let large = (0..<3).map { JournalRecord(kind: $0, bytes: Bytes(repeating: $0, count: 1 << 20)) }
        let small = (0..<300).map {
            JournalRecord(kind: 9, bytes: UInt64($0).bigEndianBytes + Bytes(repeating: 1, count: 250))
        }
        _ = try write([small, large, small])
        #expect(try reopened().records == small + large + small)
    }

    @Test func `an append torn at any byte is cut off, what was before stays`() throws {
        let head = try write([[records[0]], [records[1]]]).count
        let whole = try write([[records[0]], [records[1]], [records[3]]])
        for cut in head..<whole.count {
            put(Bytes(whole[..<cut]), path)
            do {
                let (journal, found) = try reopened()
                #expect(found == Array(records[..<2]))
                #expect(journal.droppedBytes == cut - head)
                try journal.append([records[2]])
            }
            let (journal, found) = try reopened()
            #expect(found == Array(records[..<3]) && journal.droppedBytes == 0)
        }
    }

    @Test func `a batch torn at any byte keeps its first whole records`() throws {
        let one = try write([[records[0]]]).count
        let two = try write([[records[0]], [records[1]]]).count
        let whole = try write([[records[0]], [records[1], records[3]]])
        for cut in one..<whole.count {
            put(Bytes(whole[..<cut]), path)
            #expect(try reopened().records == Array(records[..<(cut < two ? 1 : 2)]))
        }
    }

    @Test func `blocks of a batch that reached the disk in another order are a tear`() throws {
        let one = try write([[records[0]]]).count
        var whole = try write([[records[0]], [records[1], records[3]]])
        for at in one..<(one + 100) { whole[at] = 0 }
        put(whole + Bytes(repeating: 0, count: 5_000), path)
        let (journal, found) = try reopened()
        #expect(found == [records[0]])
        #expect(journal.droppedBytes == whole.count + 5_000 - one)
    }

    @Test func `a flipped bit before the last append is refused and nothing is changed`() throws {
        let start = JournalFormat.fileHeader.count
        let end = try write([[records[0]], [records[1]]]).count
        let whole = try write([[records[0]], [records[1]], [records[3]]])
        for at in start..<end {
            for bit in at < start + 64 || at > end - 32 ? 0..<8 : 3..<4 {
                var changed = whole
                changed[at] ^= 1 << UInt8(bit)
                put(changed, path)
                #expect(reason { () throws(SiteError) in _ = try reopened() } == .damaged, "bit \(bit) of byte \(at)")
                #expect(try Files.read(path) == changed)
            }
        }
    }

    @Test func `a flipped bit in the last append drops it and says so`() throws {
        let start = try write([[records[0]]]).count
        let whole = try write([[records[0]], [records[3]]])
        for at in start..<whole.count {
            for bit in 0..<8 {
                var changed = whole
                changed[at] ^= 1 << UInt8(bit)
                put(changed, path)
                let (journal, found) = try reopened()
                #expect(found == [records[0]] && journal.droppedBytes == whole.count - start)
            }
        }
    }

    @Test func `a record's image inside a torn record is no record`() throws {
        let image = JournalFormat.frame(records[0], at: 100, continuesBatch: false)
        let whole = try write([[records[0]], [JournalRecord(kind: 0, bytes: image + image + image)]])
        put(whole.dropLast(), path)
        #expect(try reopened().records == [records[0]])
    }

    @Test(arguments: [[], bytes("shoal-journal/"), bytes("shoal-journal/2\n"), bytes("something else altogether")])
    func `another file is no journal and stays as it is`(content: Bytes) throws {
        put(content, path)
        #expect(reason { () throws(SiteError) in _ = try reopened() } == .malformed(line: nil))
        #expect(try Files.read(path) == content)
    }

    @Test func `one opens it at a time`() throws {
        let journal = try SignJournal(path: path)
        #expect(reason { () throws(SiteError) in _ = try reopened() } == .inUse(pid: nil))
        try journal.append(records)
        try journal.compact { _ in 1 }
        #expect(reason { () throws(SiteError) in _ = try reopened() } == .inUse(pid: nil), "after compaction as well")
        withExtendedLifetime(journal) {}
    }

    @Test func `compaction keeps the last record of each key and all without`() throws {
        let journal = try SignJournal(path: path)
        let ops = (0..<200).map { JournalRecord(kind: 0, bytes: [UInt8($0 % 3), UInt8($0)]) }
        let votes = (0..<5).map { JournalRecord(kind: 1, bytes: [UInt8($0)]) }
        try journal.append(Array(ops[..<100]) + votes)
        try journal.append(Array(ops[100...]))
        let before = journal.byteCount
        try journal.compact { $0.kind == 0 ? $0.bytes[0] : nil }
        #expect(journal.byteCount < before / 10)
        #expect(journal.byteCount == (try Files.read(path).count))
        func found() throws -> [JournalRecord] {
            var found: [JournalRecord] = []
            try journal.forEach { found.append($0) }
            return found
        }
        #expect(try found() == votes + ops.suffix(3))
        let next = JournalRecord(kind: 0, bytes: [ops[198].bytes[0], 200])
        try journal.append([next])
        try journal.compact { $0.kind == 0 ? $0.bytes[0] : nil }
        #expect(try found() == votes + [ops[197], ops[199], next])
        #expect(directory.names == ["sign-journal"])
    }

    @Test func `a compacted journal opens again`() throws {
        do {
            let journal = try SignJournal(path: path)
            for _ in 0..<3 { try journal.append(records) }
            try journal.compact { $0.kind }
            try journal.append([records[0]])
        }
        #expect(try reopened().records == [records[1], records[2], records[3], records[0]])
    }

    @Test(.enabled(if: SmallFileSystem.isPossible)) func `a full disk refuses the append and keeps what is there`()
        throws
    {
        let disk = try #require(SmallFileSystem())
        let path = disk.path + "/sign-journal"
        do {
            let journal = try SignJournal(path: path)
            try journal.append([records[1]])
            let before = journal.byteCount
            let large = JournalRecord(kind: 0, bytes: Bytes(repeating: 1, count: 200_000))
            #expect(reason { () throws(SiteError) in try journal.append([records[0], large]) } == .diskFull)
            #expect(journal.byteCount == before && journal.recordCount == 1)
            #expect(try Files.read(path).count == before)
            try journal.append([records[3]])
        }
        var found: [JournalRecord] = []
        let journal = try SignJournal(path: path) { found.append($0) }
        #expect(found == [records[1], records[3]])
        try journal.append([JournalRecord(kind: 7, bytes: Bytes(repeating: 1, count: 40_000))])
        #expect(reason { () throws(SiteError) in try journal.compact { _ in 1 } } == .diskFull)
        #expect(try Files.names(in: disk.path) == ["sign-journal"])
        try journal.append([records[0]])
        #expect(journal.recordCount == 4)
    }

    @Test func `a journal cannot be made where there is no directory`() {
        put([], directory.file("file"))
        #expect(reason { () throws(SiteError) in _ = try SignJournal(path: directory.file("none/j")) } == .missing)
        #expect(reason { () throws(SiteError) in _ = try SignJournal(path: directory.file("file/j")) } == .path)
        #expect(reason { () throws(SiteError) in _ = try SignJournal(path: directory.path) } == .path)
    }
}

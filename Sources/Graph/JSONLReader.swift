public import Wire

/// A streaming reader of JSONL graph files: one object a line (docs/import.md), UTF-8.
///
/// LF and CRLF end a line, the last line may lack its end, a byte order mark at the start and blank lines
/// are skipped. Used as ``TripleReader`` is: feed a chunk, take records until there is none. Memory is bounded
/// by one chunk and one line. After an error the reader stands behind the faulty line.
public struct JSONLReader: Sendable {
    /// The number of lines read so far, the last one that ``next()`` looked at included.
    public private(set) var line = 0
    private var chunk: ArraySlice<UInt8> = []
    /// The beginning of a line whose end has not come.
    private var carry = Bytes()
    private var isFinished = false
    /// Inside a line that was refused as too long: drop bytes up to its end.
    private var isSkipping = false

    public init() {}

    /// Gives the next bytes of the file. ``next()`` must have returned nil before.
    public mutating func feed(_ bytes: Bytes) {
        precondition(chunk.isEmpty && !isFinished, "take all records of a chunk before feeding the next")
        chunk = bytes[...]
    }

    /// Says that the file has ended, so that a last line without LF counts.
    public mutating func finish() {
        precondition(chunk.isEmpty, "take all records of a chunk before finishing")
        isFinished = true
    }

    /// The next record, or nil when the chunk is used up.
    ///
    /// - Throws: ``GraphError/malformedRecord(_:)`` for the first fault of a line.
    public mutating func next() throws(GraphError) -> GraphRecord? {
        while let bytes = try nextLine() {
            let hasMark = line == 1 && bytes.starts(with: [0xEF, 0xBB, 0xBF])
            var scanner = JSONLScanner(bytes, line: line, from: hasMark ? 3 : 0)
            if scanner.isAtEnd() { continue }
            do throws(JSONLFault) {
                return try JSONLFields.record(scanner)
            } catch {
                throw .malformedRecord(error)
            }
        }
        return nil
    }

    /// Cuts the next whole line off, without its LF.
    private mutating func nextLine() throws(GraphError) -> Bytes? {
        let end = chunk.firstIndex(of: UInt8(ascii: "\n"))
        let part = chunk[..<(end ?? chunk.endIndex)]
        chunk = end.map { chunk[($0 + 1)...] } ?? []
        let isWhole = end != nil
        if isSkipping {
            isSkipping = !isWhole
            return isWhole ? try nextLine() : nil
        }
        guard carry.count + part.count <= JSONLLimits.lineBytes else {
            carry = []
            line += 1
            isSkipping = !isWhole
            throw .malformedRecord(JSONLFault(line: line, column: JSONLLimits.lineBytes + 1, reason: .longLine))
        }
        guard isWhole || (isFinished && !carry.isEmpty) else {
            carry += part
            return nil
        }
        line += 1
        defer { carry = [] }
        return carry + part
    }
}

/// Reads a whole JSONL file for its faults alone: what an import would refuse, up to a limit.
public struct JSONLCheck: Sendable {
    /// How many faults are kept; the file is read to its end all the same.
    public let limit: Int
    /// Well-formed records so far.
    public private(set) var recordCount = 0
    /// Faulty lines so far.
    public private(set) var faultCount = 0
    /// The first ``limit`` faults, in the order of the file.
    public private(set) var faults: [JSONLFault] = []
    private var reader = JSONLReader()

    public init(limit: Int = 20) { self.limit = limit }

    public mutating func feed(_ bytes: Bytes) {
        reader.feed(bytes)
        drain()
    }

    public mutating func finish() {
        reader.finish()
        drain()
    }

    private mutating func drain() {
        while true {
            do throws(GraphError) {
                guard try reader.next() != nil else { return }
                recordCount += 1
            } catch .malformedRecord(let fault) {
                faultCount += 1
                if faults.count < limit { faults.append(fault) }
            } catch {
                preconditionFailure("a reader throws nothing else: \(error)")
            }
        }
    }
}

public import Wire

/// A streaming reader of triple files: one `head TAB relation TAB tail` a line, UTF-8.
///
/// LF and CRLF end a line, the last line may lack its end, a byte order mark at the start and blank
/// lines are skipped. The caller feeds chunks of any size and takes triples until there is none:
///
/// ```swift
/// var reader = TripleReader()
/// for chunk in file {
///     reader.feed(chunk)
///     while let triple = try reader.next() { … }
/// }
/// reader.finish()
/// while let triple = try reader.next() { … }
/// ```
///
/// Triples are slices of the chunk; only a line that crosses two chunks is copied. Memory is bounded
/// by one chunk and one line. After an error the reader stands behind the faulty line: an import
/// stops and rolls back, ``TripleCheck`` goes on to find more.
public struct TripleReader: Sendable {
    /// Longest line in bytes without its LF.
    public static let maxLineBytes = 64 << 10

    /// The number of lines read so far, the last one that ``next()`` looked at included.
    public private(set) var line = 0
    /// Bytes not yet looked at.
    private var chunk: ArraySlice<UInt8> = []
    /// The beginning of a line whose end has not come.
    private var carry = Bytes()
    private var isFinished = false
    /// Inside a line that was refused as too long: drop bytes up to its end.
    private var isSkipping = false

    public init() {}

    /// Gives the next bytes of the file. ``next()`` must have returned nil before.
    public mutating func feed(_ bytes: Bytes) {
        precondition(chunk.isEmpty && !isFinished, "take all triples of a chunk before feeding the next")
        chunk = bytes[...]
    }

    /// Says that the file has ended, so that a last line without LF counts.
    public mutating func finish() {
        precondition(chunk.isEmpty, "take all triples of a chunk before finishing")
        isFinished = true
    }

    /// The next triple, or nil when the chunk is used up.
    ///
    /// - Throws: ``GraphError/malformed(_:)`` for the first fault of a line.
    public mutating func next() throws(GraphError) -> NamedTriple? {
        while let (bytes, layout) = try nextLine() {
            if let triple = try parse(bytes, layout) { return triple }
        }
        return nil
    }

    /// Cuts the next whole line off, without its LF.
    private mutating func nextLine() throws(GraphError) -> (ArraySlice<UInt8>, Layout)? {
        if isSkipping, !skipToLineEnd() { return nil }
        if carry.isEmpty {
            if chunk.isEmpty { return nil }
            let layout = Layout(chunk)
            guard let end = layout.end else {
                try keepPartialLine(chunk)
                return nil
            }
            let bytes = chunk[chunk.startIndex..<chunk.startIndex + end]
            chunk = chunk[(chunk.startIndex + end + 1)...]
            return (bytes, layout)
        }
        if let end = chunk.firstIndex(of: UInt8(ascii: "\n")) {
            carry += chunk[..<end]
            chunk = chunk[(end + 1)...]
        } else if !isFinished {
            try keepPartialLine(chunk)
            return nil
        }
        let whole = carry[...]
        carry = []
        return (whole, Layout(whole))
    }

    /// Moves a line's beginning out of the chunk, unless it is too long already.
    private mutating func keepPartialLine(_ bytes: ArraySlice<UInt8>) throws(GraphError) {
        chunk = []
        guard carry.count + bytes.count <= Self.maxLineBytes else {
            carry = []
            line += 1
            isSkipping = true
            throw .malformed(TripleFault(line: line, column: Self.maxLineBytes + 1, reason: .longLine))
        }
        carry += bytes
    }

    /// False when the refused line goes on beyond the chunk.
    private mutating func skipToLineEnd() -> Bool {
        guard let end = chunk.firstIndex(of: UInt8(ascii: "\n")) else {
            chunk = []
            return false
        }
        chunk = chunk[(end + 1)...]
        isSkipping = false
        return true
    }

    /// A triple, or nil for a blank line.
    private mutating func parse(_ bytes: ArraySlice<UInt8>, _ layout: Layout) throws(GraphError) -> NamedTriple? {
        line += 1
        if bytes.count > Self.maxLineBytes { throw fault(Self.maxLineBytes, .longLine) }
        var start = bytes.startIndex
        var end = bytes.endIndex
        if line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start += 3 }
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        if start == end { return nil }

        if layout.hasNUL, let at = bytes[start..<end].firstIndex(of: 0) { throw fault(at - start, .containsNUL) }
        if layout.hasHighBytes, let at = CanonicalName.firstInvalidUTF8(in: bytes[start..<end]) {
            throw fault(at, .invalidUTF8)
        }
        guard layout.tabs == 2 else {
            let at = layout.tabs < 2 ? end : bytes.startIndex + layout.thirdTab
            throw fault(at - start, .fieldCount(layout.tabs + 1))
        }
        let first = bytes.startIndex + layout.firstTab
        let second = bytes.startIndex + layout.secondTab
        try checkField(1, start..<first, from: start)
        try checkField(2, first + 1..<second, from: start)
        try checkField(3, second + 1..<end, from: start)
        return NamedTriple(
            head: bytes[start..<first], relation: bytes[first + 1..<second], tail: bytes[second + 1..<end],
            line: line)
    }

    private func checkField(_ field: Int, _ range: Range<Int>, from start: Int) throws(GraphError) {
        if range.isEmpty { throw fault(range.lowerBound - start, .emptyField(field)) }
        if range.count > CanonicalName.maxBytes {
            throw fault(range.lowerBound - start, .longField(field, bytes: range.count))
        }
    }

    private func fault(_ offset: Int, _ reason: TripleFault.Reason) -> GraphError {
        .malformed(TripleFault(line: line, column: offset + 1, reason: reason))
    }
}

/// Where the separators of a line stand, found in one pass over its bytes.
private struct Layout {
    /// Offset of the LF, nil if there is none.
    var end: Int?
    var tabs = 0
    /// Offsets, valid as far as ``tabs`` says.
    var firstTab = 0
    var secondTab = 0
    var thirdTab = 0
    var hasNUL = false
    var hasHighBytes = false

    init(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { buffer in
            for at in 0..<buffer.count {
                let byte = buffer[at]
                // All but control and non-ASCII bytes, in one comparison.
                if byte &- 0x0E < 0x72 { continue }
                switch byte {
                case UInt8(ascii: "\n"):
                    end = at
                    return
                case UInt8(ascii: "\t"):
                    tabs += 1
                    switch tabs {
                    case 1: firstTab = at
                    case 2: secondTab = at
                    case 3: thirdTab = at
                    default: break
                    }
                case 0: hasNUL = true
                case 0x80...: hasHighBytes = true
                default: break
                }
            }
        }
    }
}

internal import Wire

/// Reads one line of JSON from left to right, strictly (RFC 8259): the form of everything is checked, also
/// of what is skipped.
///
/// Not a tree of values: the caller asks for what a field must be. Recursion ends at ``JSONLLimits/depth``.
struct JSONLScanner {
    private let bytes: Bytes
    /// Offset of the next byte.
    private(set) var at: Int
    private let line: Int
    /// Where column 1 is.
    private let start: Int

    /// - Parameter start: offset of the line's first byte behind a byte order mark.
    init(_ bytes: Bytes, line: Int, from start: Int = 0) {
        self.bytes = bytes
        self.line = line
        self.start = start
        at = start
    }

    func fault(_ reason: JSONLFault.Reason, at offset: Int? = nil) -> JSONLFault {
        JSONLFault(line: line, column: (offset ?? at) - start + 1, reason: reason)
    }

    func slice(from offset: Int) -> Bytes { Bytes(bytes[offset..<at]) }

    mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0D { at += 1 }
    }

    /// Whether nothing follows but space.
    mutating func isAtEnd() -> Bool {
        skipSpace()
        return at == bytes.count
    }

    /// The first byte of what comes next; nil at the end.
    mutating func peek() -> UInt8? {
        skipSpace()
        return at < bytes.count ? bytes[at] : nil
    }

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: byte) else { return false }
        at += 1
        return true
    }

    mutating func need(_ byte: Unicode.Scalar, _ what: String) throws(JSONLFault) {
        if !take(byte) { throw fault(.expected(what)) }
    }

    mutating func takeNull() -> Bool { takeWord("null") }

    private mutating func takeWord(_ word: String) -> Bool {
        skipSpace()
        guard bytes[at...].starts(with: word.utf8) else { return false }
        at += word.utf8.count
        return true
    }

    /// A number's text and value; it is finite.
    mutating func number() throws(JSONLFault) -> (text: String, value: Double) {
        skipSpace()
        let first = at
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        guard at - first <= JSONLLimits.numberBytes else { throw fault(.number, at: first) }
        let text = String(decoding: bytes[first..<at], as: UTF8.self)
        guard let value = Double(text), value.isFinite else { throw fault(.number, at: first) }
        return (text, value)
    }

    private mutating func digits() throws(JSONLFault) {
        let first = at
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        if at == first { throw fault(.expected("a digit")) }
    }

    /// Passes over any value, the rules for it included.
    ///
    /// - Parameter depth: of the object or list around it; a record's is 1.
    mutating func skipValue(depth: Int) throws(JSONLFault) {
        switch peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try skipObject(depth: depth + 1)
        case UInt8(ascii: "["): try skipList(depth: depth + 1)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): _ = try number()
        default:
            guard takeWord("true") || takeWord("false") || takeNull() else { throw fault(.expected("a value")) }
        }
    }

    private mutating func skipObject(depth: Int) throws(JSONLFault) {
        guard depth <= JSONLLimits.depth else { throw fault(.tooDeep) }
        try need("{", "{")
        if take("}") { return }
        var keys: Set<Bytes> = []
        repeat {
            _ = peek()
            let place = at
            let key = try string()
            guard keys.insert(Bytes(key.utf8)).inserted else { throw fault(.repeatedKey(key), at: place) }
            try need(":", ":")
            try skipValue(depth: depth)
        } while take(",")
        try need("}", ", or }")
    }

    private mutating func skipList(depth: Int) throws(JSONLFault) {
        guard depth <= JSONLLimits.depth else { throw fault(.tooDeep) }
        try need("[", "[")
        if take("]") { return }
        repeat { try skipValue(depth: depth) } while take(",")
        try need("]", ", or ]")
    }
}

extension JSONLScanner {
    /// A string, its escapes resolved. No U+0000, no half surrogate pair.
    mutating func string() throws(JSONLFault) -> String {
        try need("\"", "\"")
        let first = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 {
            at += 1
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            at += 1
            return try text(bytes[first..<at - 1], from: first)
        }
        var content = Bytes(bytes[first..<at])
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return try text(content[...], from: first)
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw fault(.string("a control character; write it as \\u00XX"))
            default:
                content.append(bytes[at])
                at += 1
            }
        }
        throw fault(.expected("the closing \""))
    }

    private func text(_ content: ArraySlice<UInt8>, from first: Int) throws(JSONLFault) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            // Escapes are ASCII in the file: the first bad byte of the line is the first of the string.
            let bad = CanonicalName.firstInvalidUTF8(in: bytes[first..<at]) ?? 0
            throw fault(.invalidUTF8, at: first + bad)
        }
        return text
    }

    private mutating func escape(into content: inout Bytes) throws(JSONLFault) {
        let first = at
        at += 1
        guard at < bytes.count else { throw fault(.expected("the closing \"")) }
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(letter)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexUnit()
            if (0xD800..<0xDC00).contains(code) {
                guard bytes[at...].starts(with: "\\u".utf8) else { throw fault(.string(Self.halfPair), at: first) }
                at += 2
                let low = try hexUnit()
                guard (0xDC00..<0xE000).contains(low) else { throw fault(.string(Self.halfPair), at: first) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard code != 0 else { throw fault(.containsNUL, at: first) }
            guard let scalar = Unicode.Scalar(code) else { throw fault(.string(Self.halfPair), at: first) }
            content.append(contentsOf: UTF8.encode(scalar)!)
        default: throw fault(.string("an unknown escape"), at: first)
        }
    }

    private static let halfPair = "half a surrogate pair"

    private mutating func hexUnit() throws(JSONLFault) -> UInt32 {
        let digits = bytes[at...].prefix(4)
        guard let pair = Hex.decode(String(decoding: digits, as: UTF8.self)), pair.count == 2 else {
            throw fault(.expected("four hexadecimal digits behind \\u"))
        }
        at += 4
        return UInt32(pair[0]) << 8 | UInt32(pair[1])
    }
}

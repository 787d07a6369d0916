internal import Wire

/// The part of JSON (RFC 8259) that a safetensors header is made of, read strictly: no key twice, no other fields,
/// whole numbers without sign, fraction or exponent, nothing but spaces behind the end.
struct SafetensorsJSON {
    /// One tensor as the header names it, unchecked.
    struct Entry {
        var name: String
        var type: String
        var shape: [Int]
        var begin: Int
        var end: Int
    }

    /// Of a text of the metadata.
    private static let maxTextBytes = 1 << 16
    /// Of a name or key; errors show it.
    private static let maxNameBytes = 256
    /// Ten times it is still an Int.
    private static let maxNumber = 1 << 56

    private let bytes: Bytes
    private var at = 0

    init(bytes: Bytes) { self.bytes = bytes }

    mutating func header() throws(SafetensorsError) -> (entries: [Entry], metadata: [String: String]) {
        // The format has no space before the first brace.
        guard bytes.first == UInt8(ascii: "{") else { throw fault("a \"{\" must come first") }
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        var names: Set<String> = []
        try object { (parser, name) throws(SafetensorsError) in
            guard names.insert(name).inserted else { throw parser.fault("the name \"\(name)\" occurs twice") }
            if name == SafetensorsHeader.metadataKey {
                metadata = try parser.texts()
            } else {
                guard entries.count < SafetensorsHeader.maxTensors else {
                    throw .tooLarge(what: "tensors", found: entries.count + 1, limit: SafetensorsHeader.maxTensors)
                }
                entries.append(try parser.entry(name))
            }
        }
        skipSpace()
        guard at == bytes.count else { throw fault("something follows the end") }
        return (entries, metadata)
    }

    private mutating func entry(_ name: String) throws(SafetensorsError) -> Entry {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (parser, key) throws(SafetensorsError) in
            switch key {
            case "dtype" where type == nil: type = try parser.text(limit: Self.maxNameBytes)
            case "shape" where shape == nil: shape = try parser.numbers()
            case "data_offsets" where offsets == nil: offsets = try parser.numbers()
            default: throw parser.fault("\(name) has \"\(key)\" twice, or it is no field of a tensor")
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw fault("\(name) needs a dtype, a shape and two data_offsets")
        }
        return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
    }

    private mutating func texts() throws(SafetensorsError) -> [String: String] {
        var texts: [String: String] = [:]
        try object { (parser, key) throws(SafetensorsError) in
            let text = try parser.text()
            guard texts.updateValue(text, forKey: key) == nil else {
                throw parser.fault("the metadata have \"\(key)\" twice")
            }
        }
        return texts
    }

    // MARK: Values

    /// - Parameter member: called with each key, before its value.
    private mutating func object(
        _ member: (inout SafetensorsJSON, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try text(limit: Self.maxNameBytes)
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    private mutating func numbers() throws(SafetensorsError) -> [Int] {
        try expect("[")
        var numbers: [Int] = []
        if take("]") { return numbers }
        repeat {
            guard numbers.count < SafetensorsHeader.maxDimensions else {
                throw .tooLarge(
                    what: "dimensions", found: numbers.count + 1, limit: SafetensorsHeader.maxDimensions)
            }
            numbers.append(try number())
        } while take(",")
        try expect("]")
        return numbers
    }

    private mutating func number() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = at
        var value = 0
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) {
            value = 10 * value + Int(bytes[at] - UInt8(ascii: "0"))
            guard value <= Self.maxNumber else { throw fault("a number is too large") }
            at += 1
        }
        guard at > start, at == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            throw fault("there must be a whole number")
        }
        return value
    }

    private mutating func text(limit: Int = maxTextBytes) throws(SafetensorsError) -> String {
        try expect("\"")
        var content = Bytes()
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else { throw fault("a text is not UTF-8") }
                return text
            case UInt8(ascii: "\\"): content += try escape()
            case 0..<0x20: throw fault("a text has a control character in it")
            default: content.append(byte)
            }
            guard content.count <= limit else {
                throw .tooLarge(what: "bytes in one text", found: content.count, limit: limit)
            }
        }
        throw fault("a text does not end")
    }

    private mutating func escape() throws(SafetensorsError) -> Bytes {
        guard at < bytes.count else { throw fault("a text does not end") }
        let letter = bytes[at]
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): break
        default: throw fault("a text has an unknown escape")
        }
        var code = try unit()
        if (0xD800..<0xDC00).contains(code) {
            guard bytes[at...].starts(with: "\\u".utf8) else { throw fault("a text has half a surrogate pair") }
            at += 2
            let low = try unit()
            guard (0xDC00..<0xE000).contains(low) else { throw fault("a text has half a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault("a text has half a surrogate pair") }
        return Bytes(String(Character(scalar)).utf8)
    }

    private mutating func unit() throws(SafetensorsError) -> UInt32 {
        let digits = String(decoding: bytes[at...].prefix(4), as: UTF8.self)
        guard let pair = Hex.decode(digits), pair.count == 2 else { throw fault("\\u needs four hexadecimal digits") }
        at += 4
        return UInt32(pair[0]) << 8 | UInt32(pair[1])
    }

    // MARK: Letters

    private func fault(_ cause: String) -> SafetensorsError { .header(offset: at, cause: cause) }

    private mutating func skipSpace() {
        while at < bytes.count, " \n\r\t".utf8.contains(bytes[at]) { at += 1 }
    }

    /// Takes `letter` if it is next, spaces before it aside.
    private mutating func take(_ letter: Unicode.Scalar) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == UInt8(ascii: letter) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ letter: Unicode.Scalar) throws(SafetensorsError) {
        guard take(letter) else { throw fault("there must be a \(letter)") }
    }
}

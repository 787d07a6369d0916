public import Wire

/// JSON as people write it into files, read strictly (RFC 8259): no duplicate keys, no trailing commas; an error
/// knows its line.
public enum StrictJSON: Equatable, Sendable {
    case string(String)
    case bool(Bool)
    /// Finite.
    case number(Double)
    case null
    case array([StrictJSON])
    /// In the order of the text, each with its line.
    case object([(key: String, line: Int, value: StrictJSON)])

    /// Why a text is not what is asked for.
    public struct Fault: Error, Equatable {
        public let line: Int
        public let cause: String
    }

    static let maxDepth = 8

    public static func == (a: StrictJSON, b: StrictJSON) -> Bool {
        switch (a, b) {
        case (.string(let a), .string(let b)): a == b
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.null, .null): true
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }

    public init(parsing bytes: Bytes) throws(Fault) {
        var parser = Parser(bytes: bytes)
        self = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.at < bytes.count { throw parser.fault("something follows the end") }
    }

    /// `text` as a JSON string, quotes included.
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private struct Parser {
        let bytes: Bytes
        var at = 0

        func fault(_ cause: String) -> Fault {
            Fault(line: 1 + bytes.prefix(at).count { $0 == UInt8(ascii: "\n") }, cause: cause)
        }

        mutating func skipSpace() {
            while at < bytes.count, " \n\r\t".utf8.contains(bytes[at]) { at += 1 }
        }

        /// Takes `byte` if it is next, spaces before it aside.
        mutating func take(_ byte: Unicode.Scalar) -> Bool {
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: byte) else { return false }
            at += 1
            return true
        }

        mutating func value(depth: Int) throws(Fault) -> StrictJSON {
            if depth > StrictJSON.maxDepth { throw fault("it is nested too deeply") }
            if take("{") { return try object(depth: depth) }
            if take("[") { return try array(depth: depth) }
            if take("\"") { return .string(try string()) }
            for (word, value) in [("true", StrictJSON.bool(true)), ("false", .bool(false)), ("null", .null)]
            where bytes[at...].starts(with: word.utf8) {
                at += word.utf8.count
                return value
            }
            if let number = try number() { return .number(number) }
            throw fault(at == bytes.count ? "it ends too early" : "there must be a value")
        }

        /// Takes a number if one is next.
        mutating func number() throws(Fault) -> Double? {
            guard at < bytes.count, Self.isDigit(bytes[at]) || bytes[at] == UInt8(ascii: "-") else { return nil }
            let text = bytes[at...].prefix { Self.isDigit($0) || "-+.eE".utf8.contains($0) }
            guard text.count <= 32, Self.isNumber(text), let value = Double(String(decoding: text, as: UTF8.self)),
                value.isFinite
            else { throw fault("\(String(decoding: text.prefix(32), as: UTF8.self)) is not a number") }
            at += text.count
            return value
        }

        /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
        private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
            var rest = text
            func digits() -> Int {
                let count = rest.prefix(while: isDigit).count
                rest = rest.dropFirst(count)
                return count
            }
            func take(_ bytes: String) -> Bool {
                guard let first = rest.first, bytes.utf8.contains(first) else { return false }
                rest = rest.dropFirst()
                return true
            }
            _ = take("-")
            let startsWithZero = rest.first == UInt8(ascii: "0")
            let whole = digits()
            guard whole > 0, !startsWithZero || whole == 1 else { return false }
            if take("."), digits() == 0 { return false }
            if take("eE") {
                _ = take("+-")
                if digits() == 0 { return false }
            }
            return rest.isEmpty
        }

        private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

        mutating func object(depth: Int) throws(Fault) -> StrictJSON {
            var members: [(key: String, line: Int, value: StrictJSON)] = []
            if take("}") { return .object(members) }
            repeat {
                guard take("\"") else { throw fault("a key in double quotes is missing") }
                let line = fault("").line
                let key = try string()
                if members.contains(where: { $0.key == key }) { throw fault("the key \"\(key)\" occurs twice") }
                guard take(":") else { throw fault("the \":\" behind \"\(key)\" is missing") }
                members.append((key, line, try value(depth: depth + 1)))
            } while take(",")
            guard take("}") else { throw fault("a \",\" or \"}\" is missing") }
            return .object(members)
        }

        mutating func array(depth: Int) throws(Fault) -> StrictJSON {
            var elements: [StrictJSON] = []
            if take("]") { return .array(elements) }
            repeat { elements.append(try value(depth: depth + 1)) } while take(",")
            guard take("]") else { throw fault("a \",\" or \"]\" is missing") }
            return .array(elements)
        }

        /// The rest of a string behind its first quote.
        mutating func string() throws(Fault) -> String {
            var content = Bytes()
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let text = String(validating: content, as: UTF8.self) else {
                        throw fault("a string is not UTF-8")
                    }
                    return text
                case UInt8(ascii: "\\"): content += try escape()
                case 0..<0x20: throw fault("a string has a line end or control character in it")
                default: content.append(byte)
                }
            }
            throw fault("a string does not end")
        }

        mutating func escape() throws(Fault) -> Bytes {
            let simple: [UInt8: UInt8] = [
                0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
            ]
            guard at < bytes.count else { throw fault("a string does not end") }
            let letter = bytes[at]
            at += 1
            if let byte = simple[letter] { return [byte] }
            guard letter == UInt8(ascii: "u") else { throw fault("a string has an unknown escape") }
            var code = try hexUnit()
            if (0xD800..<0xDC00).contains(code), bytes[at...].starts(with: "\\u".utf8) {
                at += 2
                let low = try hexUnit()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("a string has half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("a string has half a surrogate pair") }
            return Bytes(String(Character(scalar)).utf8)
        }

        mutating func hexUnit() throws(Fault) -> UInt32 {
            let digits = String(decoding: bytes[at...].prefix(4), as: UTF8.self)
            guard let pair = Hex.decode(digits), pair.count == 2 else {
                throw fault("\\u needs four hexadecimal digits")
            }
            at += 4
            return UInt32(pair[0]) << 8 | UInt32(pair[1])
        }
    }
}

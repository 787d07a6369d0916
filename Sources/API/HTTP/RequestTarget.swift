/// The path and query of a request line, decoded strictly (RFC 3986).
///
/// Each path segment is decoded on its own, after the split, and a target that two parsers could read
/// differently is refused: malformed escapes, an escaped slash, NUL and control characters, text that
/// is not UTF-8, and the segments `.` and `..` in any spelling.
package struct RequestTarget: Equatable {
    static let maxParameters = 256

    /// The decoded segments; `/` has none, `/a/` has `a` and an empty one.
    package let segments: [String]
    package let query: Query

    package init(_ raw: String) throws(Problem) {
        var rest = Substring(raw)
        if let scheme = rest.range(ofASCII: "://"), !rest.hasPrefix("/") {
            // The absolute form, as sent to proxies: what follows the authority.
            rest = rest[scheme...].dropFirst(3)
            rest = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        guard rest.hasPrefix("/") else { throw .badRequest("the request target does not start with '/'") }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        segments = try Self.segments(parts[0])
        query = try Query(parsing: parts.count == 2 ? parts[1] : "")
    }

    private static func segments(_ path: Substring) throws(Problem) -> [String] {
        guard path != "/" else { return [] }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = percentDecoded(part.utf8) else {
                throw .badRequest("the path has a malformed escape")
            }
            guard !segment.contains(where: \.isControl) else {
                throw .unusable("the path has a control character", remedy: "no name that a path can hold has one")
            }
            guard segment != ".", segment != "..", !segment.contains("/"), !segment.contains("\\") else {
                throw .badRequest(
                    "the path has a segment '\(segment)'",
                    remedy: "write the path without '.', '..' and escaped slashes")
            }
            segments.append(segment)
        }
        return segments
    }
}

/// The query of a request: `name=value` pairs in their order.
public struct Query: Sendable, Equatable {
    /// One parameter; `?flag` has an empty value.
    public struct Parameter: Sendable, Equatable {
        public var name: String
        public var value: String
    }

    public private(set) var parameters: [Parameter] = []

    /// Parses the text behind the `?`; `+` is a space.
    init(parsing text: Substring) throws(Problem) {
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard parameters.count < RequestTarget.maxParameters else {
                throw .badRequest("the query has more than \(RequestTarget.maxParameters) parameters")
            }
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(parts[0], plusIsSpace: true),
                let value = percentDecoded(parts.count == 2 ? parts[1] : pair[pair.endIndex...], plusIsSpace: true)
            else { throw .badRequest("the query has a malformed escape") }
            guard !name.contains("\0"), !value.contains("\0") else {
                throw .unusable("the query has a NUL character", remedy: "leave it out")
            }
            parameters.append(Parameter(name: name, value: value))
        }
    }

    /// The first value of `name`.
    public subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    /// Every value of `name`, in order.
    public func all(_ name: String) -> [String] {
        parameters.filter { $0.name == name }.map(\.value)
    }

    /// A whole number within `range`; nil if absent, a 400 that names it otherwise.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .badRequest(
                "the parameter '\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound)",
                field: name)
        }
        return value
    }

    /// `1`, `true` or an empty value; nil if absent.
    public func flag(_ name: String) throws(Problem) -> Bool {
        switch self[name] {
        case nil, "0", "false": return false
        case "", "1", "true": return true
        default: throw .badRequest("the parameter '\(name)' must be 'true' or 'false'", field: name)
        }
    }

    /// Refuses parameters that the route does not know.
    public func allow(only names: String...) throws(Problem) {
        if let unknown = parameters.first(where: { !names.contains($0.name) })?.name {
            let known =
                names.isEmpty ? "this route takes none" : "known parameters: \(names.sorted().joined(separator: ", "))"
            throw .badRequest("the parameter '\(unknown)' is unknown", remedy: known, field: unknown)
        }
    }
}

/// Bytes with each `%XX` replaced; nil for a malformed escape or for text that is not UTF-8.
package func percentDecoded(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

/// `text` with every byte but letters, digits and `-._~` escaped.
package func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        default:
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch lower(byte) {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): lower(byte) - UInt8(ascii: "a") + 10
    default: nil
    }
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
}

extension Substring {
    /// Where `text` first occurs.
    fileprivate func range(ofASCII text: String) -> Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}

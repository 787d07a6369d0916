import Identity
import Wire

/// The form of key and network files: lines of text with a checksum, so that a damaged or foreign file
/// is told apart from a wrong one.
///
/// ```
/// shoal-key 1                  kind and version
/// # a comment                  sealed like everything above the last line
/// site hospital-a              fields in a fixed order
/// seed 9f86d081…               hexadecimal values fold at 64 digits: the name is repeated
/// check 3b7e…                  BLAKE2b-256 of the lines above, the first 16 bytes
/// ```
///
/// Blank lines, and CR before LF, do not count: such files travel by mail.
struct SealedText {
    enum Kind: String, CaseIterable {
        case key = "shoal-key"
        case network = "shoal-network"

        var title: String {
            switch self {
            case .key: "site key"
            case .network: "network"
            }
        }
    }

    static let version = 1
    private static let foldDigits = 64

    let kind: Kind
    private(set) var lines: [String]

    /// An empty text with its first lines.
    init(_ kind: Kind, comment: String) {
        self.kind = kind
        lines = ["\(kind.rawValue) \(Self.version)", "# \(comment)"]
    }

    /// `value` must not hold line ends.
    mutating func add(_ name: String, _ value: String) {
        lines.append("\(name) \(value)")
    }

    mutating func add(_ name: String, hex bytes: Bytes) {
        var digits = Hex.encode(bytes)[...]
        while !digits.isEmpty {
            add(name, String(digits.prefix(Self.foldDigits)))
            digits = digits.dropFirst(Self.foldDigits)
        }
    }

    func rendered() -> Bytes {
        Bytes((lines + ["check \(Self.checksum(lines))"]).map { $0 + "\n" }.joined().utf8)
    }

    private static func checksum(_ lines: [String]) -> String {
        let digest: Hash32 = blake2b256(domain: "shoal/file/1", Bytes(lines.joined(separator: "\n").utf8))
        return Hex.encode(digest.bytes.prefix(16))
    }

    /// The values of exactly the fields `names`, in that order.
    ///
    /// - Throws: `malformed` (another kind of file), `newer`, `damaged`. No value shows in the error.
    static func values(
        of kind: Kind, _ names: [String], in bytes: Bytes, path: String
    ) throws(SiteError) -> [String] {
        let fields = try fields(of: kind, in: bytes, path: path)
        guard fields.map(\.name) == names else {
            throw malformed(kind, path, "its fields are not \(names.joined(separator: ", "))")
        }
        return fields.map(\.value)
    }

    /// All fields in their order.
    static func fields(
        of kind: Kind, in bytes: Bytes, path: String
    ) throws(SiteError) -> [(name: String, value: String)] {
        // By bytes: as characters, CR LF would be one that is no LF.
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0, as: UTF8.self) }
            .filter { !$0.isEmpty }
        try checkFirstLine(lines.first ?? "", kind, path)
        guard let last = lines.last, last.hasPrefix("check "), last.dropFirst(6) == checksum(lines.dropLast()) else {
            throw SiteError(
                .damaged, operation: "use", object: path,
                cause: "this \(kind.title) file is cut off or was changed: its checksum does not fit",
                remedy: "take it from a backup")
        }
        var fields: [(name: String, value: String)] = []
        for line in lines.dropFirst().dropLast() where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]) : ""
            if let last = fields.last, last.name == parts[0] {
                fields[fields.count - 1].value += value
            } else {
                fields.append((String(parts[0]), value))
            }
        }
        return fields
    }

    private static func checkFirstLine(_ line: String, _ kind: Kind, _ path: String) throws(SiteError) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, let found = Kind(rawValue: String(words[0])), let version = Int(words[1]) else {
            throw malformed(kind, path, "it is not a shoal \(kind.title) file")
        }
        guard found == kind else {
            throw malformed(kind, path, "it is a shoal \(found.title) file, not a \(kind.title) file")
        }
        guard version == Self.version else {
            throw SiteError(
                .newer, operation: "use", object: path, cause: "it has version \(version) of the \(kind.title) file",
                remedy: "use a newer shoal")
        }
    }

    /// The one error for sealed files of the wrong content.
    static func malformed(_ kind: Kind, _ path: String, _ cause: String) -> SiteError {
        SiteError(
            .malformed(line: nil), operation: "read the \(kind.title) file", object: path, cause: cause,
            remedy: "is this the right file?")
    }
}

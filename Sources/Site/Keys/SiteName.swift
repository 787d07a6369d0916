/// The name of a site: part of file names, so 1 to 64 of the letters `A-Z a-z 0-9 . _ -`, the first one a
/// letter or digit.
public struct SiteName: Hashable, Sendable, CustomStringConvertible {
    public static let maxBytes = 64

    public let text: String

    /// Nil unless `text` keeps to the rule.
    public init?(_ text: String) {
        guard (1...Self.maxBytes).contains(text.utf8.count), let first = text.utf8.first,
            Self.isLetterOrDigit(first),
            text.utf8.allSatisfy({ Self.isLetterOrDigit($0) || "._-".utf8.contains($0) })
        else { return nil }
        self.text = text
    }

    /// - Throws: `malformed`, with the rule as remedy.
    public init(checking text: String) throws(SiteError) {
        guard let name = SiteName(text) else {
            throw SiteError(
                .malformed(line: nil), operation: "use", object: "\"\(text)\" as a name",
                cause: "it is no name for a site or a network",
                remedy: "take 1 to \(Self.maxBytes) of the letters A-Z a-z 0-9 . _ -, a letter or digit first")
        }
        self = name
    }

    public var description: String { text }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

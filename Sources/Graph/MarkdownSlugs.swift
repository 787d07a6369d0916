/// The anchors of one document's headings, as GitHub and mdBook make them.
///
/// Lower case; letters, digits, `_` and `-` stay, white space becomes `-`, all else goes. The second heading of
/// one slug gets `-1`, the third `-2`. (mdBook lowers ASCII letters only: ``find(_:)`` takes either.)
public struct MarkdownSlugs: Sendable {
    /// Longest slug in scalars: headings can be of any length, names cannot.
    public static let maxScalars = 200
    /// Of a heading without a letter or digit, which GitHub gives no anchor.
    public static let nameless = "section"

    private var counts: [String: Int] = [:]
    private var taken: Set<String> = []

    public init() {}

    /// The slug of a heading's text, mark-up aside; not yet made unique.
    public static func slug(_ text: String) -> String {
        var slug = String.UnicodeScalarView()
        for scalar in text.lowercased().unicodeScalars {
            guard slug.count < maxScalars else { break }
            let properties = scalar.properties
            if scalar == "_" || scalar == "-" || properties.isAlphabetic || properties.numericType != nil
                || isMark(properties.generalCategory)
            {
                slug.append(scalar)
            } else if properties.isWhitespace {
                slug.append("-")
            }
        }
        return slug.isEmpty ? nameless : String(slug)
    }

    private static func isMark(_ category: Unicode.GeneralCategory) -> Bool {
        switch category {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    /// A slug that no heading of this document had so far.
    public mutating func unique(_ slug: String) -> String {
        var candidate = slug
        while !taken.insert(candidate).inserted {
            let count = counts[slug, default: 0] + 1
            counts[slug] = count
            candidate = "\(slug)-\(count)"
        }
        return candidate
    }
}

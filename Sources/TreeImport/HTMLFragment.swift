/// What a tree import takes of HTML inside Markdown: names of anchors, and text.
enum HTMLFragment {
    /// The values of `id` and `name` attributes of tags, in order.
    static func anchors(in html: String) -> [String] {
        var names: [String] = []
        forEachTag(in: html) { tag in
            for attribute in ["id", "name"] {
                if let value = value(of: attribute, in: tag) { names.append(value) }
            }
        } text: { _ in
        }
        return names
    }

    /// What stands between tags and comments.
    static func text(of html: String) -> String {
        var text = ""
        forEachTag(in: html) { _ in
        } text: {
            text += $0
        }
        return text
    }

    private static func forEachTag(
        in html: String, tag: (Substring) -> Void, text: (Substring) -> Void
    ) {
        var rest = html[...]
        while let start = rest.utf8.firstIndex(of: UInt8(ascii: "<")) {
            text(rest[..<start])
            rest = rest[start...]
            let isComment = rest.utf8.starts(with: "<!--".utf8)
            let end = isComment ? rest.firstRange(of: "-->")?.upperBound : rest.utf8.firstIndex(of: UInt8(ascii: ">"))
            guard let end else { return }
            if !isComment { tag(rest[..<end]) }
            rest = isComment ? rest[end...] : rest[rest.utf8.index(after: end)...]
        }
        text(rest)
    }

    /// `attribute="value"`, quoted either way, behind white space.
    private static func value(of attribute: String, in tag: Substring) -> String? {
        for quote in ["\"", "'"] {
            guard let found = tag.firstRange(of: " \(attribute)=\(quote)") else { continue }
            let value = tag[found.upperBound...].prefix { String($0) != quote }
            return value.isEmpty ? nil : String(value)
        }
        return nil
    }
}

/// A heading's text, and the id that mdBook takes from `{#id}` at its end.
enum HeadingTitle {
    static func parts(_ text: String) -> (title: String, id: String?) {
        let title = text.trimmed
        guard title.hasSuffix("}"), let start = title.lastIndex(of: "{") else { return (title, nil) }
        let words = title[title.index(after: start)...].dropLast().split(separator: " ")
        guard !words.isEmpty, words.allSatisfy({ $0.hasPrefix("#") || $0.hasPrefix(".") }),
            words.allSatisfy({ $0.utf8.count > 1 && $0.utf8.count <= 200 })
        else { return (title, nil) }
        let id = words.first { $0.hasPrefix("#") }.map { String($0.dropFirst()) }
        return (String(title[..<start]).trimmed, id)
    }
}

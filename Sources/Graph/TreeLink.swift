internal import Wire

/// Where a link in a document leads.
public enum TreeLink: Equatable, Sendable {
    /// To a path below the root (components joined by `/`, none for the root), and an anchor there.
    case page(path: String, fragment: String?)
    /// To another site, a mail address or the like: it has a scheme, or a host.
    case external
    /// Above the root of the tree.
    case outside
    /// A path or an anchor that is no UTF-8 once its `%` escapes are resolved.
    case malformed

    /// Reads the target of a link as a browser would, were `document` a page of a site.
    ///
    /// - Parameters:
    ///   - url: as the document has it, character escapes of Markdown resolved.
    ///   - document: the path of the document below the root.
    public init(_ url: String, in document: String) {
        if url.utf8.starts(with: "//".utf8) || Self.hasScheme(url) {
            self = .external
            return
        }
        let beforeFragment = url.utf8.prefix { $0 != UInt8(ascii: "#") }
        let rawFragment = url.utf8.dropFirst(beforeFragment.count).dropFirst()
        let rawPath = beforeFragment.prefix { $0 != UInt8(ascii: "?") }
        guard let path = Self.decode(rawPath), let fragment = Self.decode(rawFragment) else {
            self = .malformed
            return
        }
        let anchor = fragment.isEmpty ? nil : fragment
        guard !path.isEmpty else {
            self = .page(path: document, fragment: anchor)
            return
        }
        var components = path.hasPrefix("/") ? [] : document.split(separator: "/").dropLast()
        for component in path.split(separator: "/") where component != "." {
            if component != ".." {
                components.append(component)
            } else if components.popLast() == nil {
                self = .outside
                return
            }
        }
        self = .page(path: components.joined(separator: "/"), fragment: anchor)
    }

    /// RFC 3986 §3.1: a letter, then letters, digits, `+`, `-`, `.`, then a colon.
    private static func hasScheme(_ url: String) -> Bool {
        for (at, byte) in url.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                if at == 0 { return false }
            case UInt8(ascii: ":"): return at > 0
            default: return false
            }
        }
        return false
    }

    /// Resolves `%XX`; a `%` that is no escape stands for itself. Nil for what is no UTF-8 or has U+0000.
    private static func decode(_ text: Substring.UTF8View) -> String? {
        var bytes = Bytes()
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let escaped = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)),
                escaped.count == 1
            {
                bytes += escaped
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}

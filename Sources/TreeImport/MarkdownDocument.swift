import CMark
import Graph
import Wire

/// A Markdown file as a tree import needs it: CommonMark, read by cmark.
struct MarkdownDocument {
    /// A heading and what follows it, up to the next heading of any level.
    struct Section: Equatable {
        /// 1 to 6.
        var level: Int
        var title: String
        /// Unique in the document.
        var slug: String
        var line: Int
        /// Title and text, without mark-up.
        var text: String
    }

    struct Link: Equatable {
        /// The section in which it is; nil before the first heading.
        var section: Int?
        /// As written, escapes resolved.
        var target: String
        var text: String
        var line: Int
    }

    /// The text before the first heading.
    private(set) var preamble = ""
    private(set) var sections: [Section] = []
    private(set) var links: [Link] = []
    /// Anchors that are no section's slug, such as `<a id="x">`, and the section they are in.
    private(set) var anchors: [String: Int?] = [:]
    /// Headings beyond ``TreeLimits/partsPerFile`` were left out: their text belongs to the last one kept.
    private(set) var isCut = false

    init(_ bytes: Bytes) {
        let root = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                cmark_parse_document($0.baseAddress, $0.count, CMARK_OPT_DEFAULT)
            }
        }
        guard let root else { preconditionFailure("cmark ends the process when memory ends") }
        defer { cmark_node_free(root) }
        cmark_consolidate_text_nodes(root)
        var reader = Reader()
        reader.read(root)
        reader.finishSection()
        preamble = reader.preamble
        sections = reader.sections
        links = reader.links
        anchors = reader.anchors
        isCut = reader.isCut
    }

    /// Walks cmark's tree once, in the order of the text.
    private struct Reader {
        var preamble = ""
        var sections: [Section] = []
        var links: [Link] = []
        var anchors: [String: Int?] = [:]
        var isCut = false
        private var slugs = MarkdownSlugs()
        private var text = PlainText()
        /// The texts of the links around the current place.
        private var open: [(link: Link, from: Int)] = []

        mutating func read(_ root: OpaquePointer) {
            let iterator = cmark_iter_new(root)
            defer { cmark_iter_free(iterator) }
            while true {
                let event = cmark_iter_next(iterator)
                if event == CMARK_EVENT_DONE { break }
                guard let node = cmark_iter_get_node(iterator) else { break }
                if event == CMARK_EVENT_ENTER { enter(node, below: root) } else { leave(node) }
            }
        }

        private mutating func enter(_ node: OpaquePointer, below root: OpaquePointer) {
            switch cmark_node_get_type(node) {
            case CMARK_NODE_HEADING: heading(node, isSection: cmark_node_parent(node) == root)
            case CMARK_NODE_PARAGRAPH: rule(node)
            case CMARK_NODE_TEXT, CMARK_NODE_CODE: text.append(Self.string(cmark_node_get_literal(node)))
            case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: text.append("\n")
            case CMARK_NODE_CODE_BLOCK:
                text.append(Self.string(cmark_node_get_literal(node)))
                text.endBlock()
            case CMARK_NODE_HTML_BLOCK:
                let html = Self.string(cmark_node_get_literal(node))
                anchors(in: html)
                text.append(HTMLFragment.text(of: html))
                text.endBlock()
            case CMARK_NODE_HTML_INLINE: anchors(in: Self.string(cmark_node_get_literal(node)))
            case CMARK_NODE_LINK:
                let link = Link(
                    section: sections.indices.last, target: Self.string(cmark_node_get_url(node)), text: "",
                    line: Int(cmark_node_get_start_line(node)))
                open.append((link, text.count))
            default: break
            }
        }

        private mutating func leave(_ node: OpaquePointer) {
            switch cmark_node_get_type(node) {
            case CMARK_NODE_PARAGRAPH, CMARK_NODE_HEADING, CMARK_NODE_LIST: text.endBlock()
            case CMARK_NODE_ITEM: text.endLine()
            case CMARK_NODE_LINK:
                guard let ended = open.popLast() else { return }
                links.append(ended.link)
                links[links.count - 1].text = text.since(ended.from)
            default: break
            }
        }

        /// A heading in a list or quotation has an anchor and is no section of its own.
        private mutating func heading(_ node: OpaquePointer, isSection: Bool) {
            let (title, id) = HeadingTitle.parts(Self.plain(node))
            let slug = slugs.unique(id ?? MarkdownSlugs.slug(title))
            guard isSection, sections.count < TreeLimits.partsPerFile else {
                isCut = isCut || isSection
                anchor(slug)
                return
            }
            finishSection()
            sections.append(
                Section(
                    level: Int(cmark_node_get_heading_level(node)), title: title, slug: slug,
                    line: Int(cmark_node_get_start_line(node)), text: ""))
        }

        mutating func finishSection() {
            let whole = text.take()
            if sections.isEmpty { preamble = whole } else { sections[sections.count - 1].text = whole }
        }

        private mutating func anchor(_ name: String) {
            if anchors.count < TreeLimits.partsPerFile, anchors[name] == nil {
                anchors.updateValue(sections.indices.last, forKey: name)
            }
        }

        private mutating func anchors(in html: String) {
            for name in HTMLFragment.anchors(in: html) { anchor(name) }
        }

        /// mdBook's books with numbered rules mark them by a paragraph that begins with `r[name]`; its anchor
        /// is `r-name`.
        private mutating func rule(_ paragraph: OpaquePointer) {
            guard let first = cmark_node_first_child(paragraph), cmark_node_get_type(first) == CMARK_NODE_TEXT else {
                return
            }
            let text = Self.string(cmark_node_get_literal(first))
            guard text.hasPrefix("r["), let end = text.firstIndex(of: "]") else { return }
            let name = text[text.index(text.startIndex, offsetBy: 2)..<end]
            if !name.isEmpty, !name.contains(where: \.isWhitespace) { anchor("r-\(name)") }
        }

        /// The text of a heading before it is passed.
        private static func plain(_ node: OpaquePointer) -> String {
            var plain = ""
            let iterator = cmark_iter_new(node)
            defer { cmark_iter_free(iterator) }
            while true {
                let event = cmark_iter_next(iterator)
                if event == CMARK_EVENT_DONE { return plain }
                guard event == CMARK_EVENT_ENTER, let inner = cmark_iter_get_node(iterator) else { continue }
                switch cmark_node_get_type(inner) {
                case CMARK_NODE_TEXT, CMARK_NODE_CODE: plain += string(cmark_node_get_literal(inner))
                case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: plain += " "
                default: break
                }
            }
        }

        private static func string(_ text: UnsafePointer<CChar>?) -> String { text.map { String(cString: $0) } ?? "" }
    }
}

/// Text that grows block by block.
private struct PlainText {
    private var text = ""

    /// A place in the text.
    var count: Int { text.utf8.count }

    mutating func append(_ part: String) { text += part }

    mutating func endLine() {
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
    }

    mutating func endBlock() {
        endLine()
        if !text.isEmpty, !text.hasSuffix("\n\n") { text += "\n" }
    }

    func since(_ place: Int) -> String { String(decoding: text.utf8.dropFirst(place), as: UTF8.self) }

    /// All of it, without white space at its ends; begins anew.
    mutating func take() -> String {
        defer { text = "" }
        return text.trimmed
    }
}

extension String {
    /// Without white space at its ends.
    var trimmed: String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
        var view = unicodeScalars[...]
        while let first = view.first, isSpace(first) { view.removeFirst() }
        while let last = view.last, isSpace(last) { view.removeLast() }
        return String(view)
    }
}

import Graph

/// All links of a tree: they wait until every file was read, since a link may lead to a later one.
struct LinkTable {
    private struct Waiting {
        var source: Int
        var file: Int
        var path: String
        var fragment: String?
        var text: String
        var line: Int
    }

    /// What is known of a file or folder as a target.
    private struct Page {
        var name: String
        var isFolder: Bool
        /// Of Markdown: where its anchors lead.
        var anchors: [String: String] = [:]
    }

    private var pages: [String: Page] = [:]
    /// Rules by their names (``MarkdownDocument``), and where they are.
    private var rules: [String: String] = [:]
    private var sources: [String] = []
    private var files: [String] = []
    private var waiting: [Waiting] = []

    mutating func add(_ entry: TreeEntry) { pages[entry.path] = Page(name: entry.name, isFolder: entry.isFolder) }

    /// Adds the anchors and the links of a document whose entry was added.
    ///
    /// - Parameter names: the canonical names of its sections.
    mutating func add(
        _ document: MarkdownDocument, of entry: TreeEntry, sections names: [String], to report: inout TreeReport
    ) throws(TreeError) {
        var anchors: [String: String] = [:]
        for (anchor, section) in document.anchors {
            anchors[anchor] = section.map { names[$0] } ?? entry.name
            if anchor.hasPrefix("r-") { rules[String(anchor.dropFirst(2))] = anchors[anchor] }
        }
        for (section, name) in zip(document.sections, names) { anchors[section.slug] = name }
        pages[entry.path]?.anchors = anchors
        files.append(entry.path)
        var lastSection: Int??
        for link in document.links {
            report.links.found += 1
            guard waiting.count < TreeLimits.links else { throw .tooManyLinks }
            if lastSection != .some(link.section) {
                lastSection = .some(link.section)
                sources.append(link.section.map { names[$0] } ?? entry.name)
            }
            switch TreeLink(link.target, in: entry.path) {
            case .external: report.links.external += 1
            case .outside: fail(link, entry, "it leads out of the tree", &report)
            case .malformed: fail(link, entry, "it is no UTF-8 once its % escapes are resolved", &report)
            case .page(let path, let fragment):
                waiting.append(
                    Waiting(
                        source: sources.count - 1, file: files.count - 1, path: path, fragment: fragment,
                        text: link.text.cut(to: 200).text, line: link.line))
            }
        }
    }

    private func fail(_ link: MarkdownDocument.Link, _ entry: TreeEntry, _ cause: String, _ report: inout TreeReport) {
        report.links.unresolved += 1
        report.note(.init(file: entry.path, line: link.line, target: link.target.cut(to: 200).text, cause: cause))
    }

    /// Hands over one edge for each pair of source and target, in the order of the links.
    mutating func resolve(_ report: inout TreeReport, _ emit: (GraphRecord) throws -> Void) throws {
        struct Pair: Hashable {
            var source: Int
            var target: String
        }
        var edges: [(pair: Pair, told: [JSONLWriter.Value], count: Int)] = []
        var places: [Pair: Int] = [:]
        for link in waiting {
            guard let target = target(of: link, &report) else { continue }
            guard target != sources[link.source] else {
                report.links.toThemselves += 1
                continue
            }
            report.links.resolved += 1
            let pair = Pair(source: link.source, target: target)
            let at = places[pair] ?? edges.endIndex
            if at == edges.endIndex {
                places[pair] = at
                edges.append((pair, [], 0))
            }
            edges[at].count += 1
            if edges[at].told.count < TreeLimits.toldOccurrences {
                edges[at].told.append(.object([("line", .number(link.line)), ("text", .text(link.text))]))
            }
        }
        report.links.edges = edges.count
        for edge in edges {
            try emit(
                .edge(
                    EdgeRecord(
                        head: sources[edge.pair.source], relation: TreeImport.linkRelation, tail: edge.pair.target,
                        weight: Double(edge.count),
                        metadata: JSONLWriter.object([("links", .list(edge.told))]))))
        }
    }

    private func target(of link: Waiting, _ report: inout TreeReport) -> String? {
        guard let page = page(at: link.path) else {
            // A rule is linked to by its name alone, from wherever.
            if let name = link.path.split(separator: "/").last, let rule = rules[String(name)] { return rule }
            report.links.unresolved += 1
            report.note(
                .init(file: files[link.file], line: link.line, target: written(link), cause: "there is no such file"))
            return nil
        }
        guard let fragment = link.fragment else { return page.name }
        if let part = page.anchors[fragment] ?? page.anchors[fragment.lowercased()] { return part }
        report.links.withoutAnchor += 1
        report.note(
            .init(
                file: files[link.file], line: link.line, target: written(link),
                cause: "the page has no such anchor; the edge leads to the page"))
        return page.name
    }

    private func written(_ link: Waiting) -> String {
        "\(link.path)\(link.fragment.map { "#\($0)" } ?? "")".cut(to: 200).text
    }

    /// The page as it is, its source when the link names the rendered page, or the index of a folder.
    private func page(at path: String) -> Page? {
        var candidates = [path]
        if path.hasSuffix(".html") { candidates.append("\(path.dropLast(5)).md") }
        candidates.append("\(path).md")
        guard let found = candidates.lazy.compactMap({ pages[$0] }).first else { return nil }
        guard found.isFolder else { return found }
        let indexes = ["index.md", "README.md"].map { path.isEmpty ? $0 : "\(path)/\($0)" }
        return indexes.lazy.compactMap { pages[$0] }.first ?? found
    }
}

public import Graph
internal import Wire

/// Turns a directory into records of a graph: folders, files, Markdown sections and the links between them,
/// symbols of source code.
///
/// Two passes over the names, one over the texts: the text of a file goes out as soon as it was read; only names,
/// anchors and links are kept until the end. The same tree gives the same records in the same order.
public struct TreeImport {
    /// The relation of a link from a section to what it links to.
    public static let linkRelation = "links_to"

    let options: TreeOptions
    private let emit: (GraphRecord) throws -> Void
    private let progress: (TreeReport) -> Void
    private(set) var report = TreeReport()
    private var links = LinkTable()
    private let sources: PathList

    /// - Parameters:
    ///   - progress: told of what was found so far, after every file.
    ///   - emit: gets every record; names are canonical, and no node is described twice.
    /// - Throws: ``TreeError``, or what `emit` throws.
    public static func run(
        _ options: TreeOptions, progress: @escaping (TreeReport) -> Void = { _ in },
        emit: @escaping (GraphRecord) throws -> Void
    ) throws -> TreeReport {
        if let fault = CanonicalName.fault(in: Bytes(options.prefix.utf8)[...]) {
            throw TreeError.prefix(options.prefix, cause: fault.description)
        }
        let sources = try PathList(below: options.root)
        let tree = Running(TreeImport(options: options, sources: sources, emit: emit, progress: progress))
        try DirectoryWalk.run(options) { entry, folder in
            try tree.state.add(entry, in: folder)
        } skip: {
            tree.state.report.skip($0, $1)
        }
        try tree.state.addSymbols()
        try tree.state.addLinks()
        return tree.state.report
    }

    /// The walk's two closures change one import.
    private final class Running {
        var state: TreeImport
        init(_ state: TreeImport) { self.state = state }
    }

    private init(
        options: TreeOptions, sources: PathList, emit: @escaping (GraphRecord) throws -> Void,
        progress: @escaping (TreeReport) -> Void
    ) {
        self.options = options
        self.sources = sources
        self.emit = emit
        self.progress = progress
    }

    private mutating func add(_ entry: TreeEntry, in folder: borrowing OpenFolder) throws {
        links.add(entry)
        guard !entry.isFolder else {
            report.folders += 1
            try emit(.node(node(entry, kind: "folder")))
            return
        }
        report.files += 1
        defer { progress(report) }
        let name = entry.path.split(separator: "/").last.map(String.init) ?? entry.path
        switch TextFile(name, in: folder) {
        case .none(let reason):
            report.skip(entry.path, reason)
            try emit(.node(node(entry, kind: "file")))
        case .text(let bytes):
            let language = FileLanguage.of(name)
            if language == FileLanguage.markdown {
                guard bytes.count > TreeLimits.markdownBytes else { return try addDocument(bytes, entry) }
                report.skip(entry.path, .largeMarkdown)
            }
            var file = node(entry, kind: "file")
            file.language = language
            file.content = cut(String(decoding: bytes, as: UTF8.self))
            try emit(.node(file))
            if options.readsSymbols, FileLanguage.mayHaveSymbols(name), try !sources.append(entry.path) {
                report.skip(entry.path, .lineBreakInName)
            }
        }
    }

    private func node(_ entry: TreeEntry, kind: String) -> NodeRecord {
        NodeRecord(name: entry.name, kind: kind, parent: entry.parent, position: entry.position)
    }

    /// Nil for a text without a character: the name is its content then.
    mutating func cut(_ text: String) -> String? {
        let (text, isWhole) = text.cut(to: TreeLimits.textBytes)
        if !isWhole { report.truncated += 1 }
        return text.isEmpty ? nil : text
    }

    mutating func emitSymbol(_ symbol: NodeRecord) throws {
        report.symbols += 1
        try emit(.node(symbol))
    }

    func tellProgress() { progress(report) }

    mutating func skip(_ path: String, _ reason: SkipReason) { report.skip(path, reason) }

    /// A page shows what its reader sees first: the text before the first heading, and the first section.
    private mutating func addDocument(_ bytes: Bytes, _ entry: TreeEntry) throws {
        let document = MarkdownDocument(bytes)
        var file = node(entry, kind: "file")
        file.language = FileLanguage.markdown
        file.content = cut(
            [document.preamble, document.sections.first?.text ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n"))
        if let title = document.sections.first?.title, !title.isEmpty {
            file.metadata = JSONLWriter.object([("title", .text(title.cut(to: 500).text))])
        }
        try emit(.node(file))
        if document.isCut { report.skip(entry.path, .tooManyParts) }

        var names: [String] = []
        var around: [(level: Int, name: String)] = []
        var children: [String: Int32] = [:]
        for section in document.sections {
            let name = TreeName.section(section.slug, of: entry.name)
            guard name.utf8.count <= CanonicalName.maxBytes else {
                report.skip(entry.path, .nameTooLong)
                names.append(entry.name)
                continue
            }
            names.append(name)
            while let last = around.last, last.level >= section.level { around.removeLast() }
            let parent = around.last?.name ?? entry.name
            try emit(
                .node(
                    NodeRecord(
                        name: name, kind: "section", content: cut(section.text), language: FileLanguage.markdown,
                        parent: parent, position: children[parent, default: 0],
                        metadata: JSONLWriter.object([
                            ("title", .text(section.title.cut(to: 500).text)), ("level", .number(section.level)),
                            ("line", .number(section.line)),
                        ]))))
            children[parent, default: 0] += 1
            around.append((section.level, name))
            report.sections += 1
        }
        try links.add(document, of: entry, sections: names, to: &report)
    }

    private mutating func addLinks() throws { try links.resolve(&report, emit) }

    private mutating func addSymbols() throws {
        guard options.readsSymbols, sources.count > 0 else { return }
        guard let program = CTags.program else {
            report.symbolTrouble = "ctags is not installed (Debian: apt-get install universal-ctags)"
            return
        }
        var scan = try SymbolScan(options: options)
        try CTags(program: program).run(sources) { tag in try scan.add(tag, to: &self) }
        try scan.finishFile(&self)
    }
}

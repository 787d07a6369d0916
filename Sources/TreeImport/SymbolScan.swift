import Graph
import Wire

/// Turns the tags of one file after another into graph nodes below that file.
struct SymbolScan: ~Copyable {
    private let options: TreeOptions
    private let root: OpenFolder
    /// The path below the root of the file whose tags are being collected.
    private var path: String?
    private var tags: [Tag] = []

    init(options: TreeOptions) throws(TreeError) {
        self.options = options
        guard let root = OpenFolder(options.root) else { throw .root(options.root, cause: "it is gone") }
        self.root = root
    }

    mutating func add(_ tag: Tag, to tree: inout TreeImport) throws {
        let prefix = "\(options.root)/"
        guard tag.path.hasPrefix(prefix), FileLanguage.isCode(tag.language ?? ""), let line = tag.line, line > 0 else {
            return
        }
        let file = String(tag.path.dropFirst(prefix.count))
        if file != path {
            try finishFile(&tree)
            path = file
        }
        if tags.count == TreeLimits.partsPerFile { tree.skip(file, .tooManyParts) }
        if tags.count <= TreeLimits.partsPerFile { tags.append(tag) }
    }

    /// Emits the symbols of the file in the order of their lines.
    mutating func finishFile(_ tree: inout TreeImport) throws {
        defer { tags = [] }
        guard let path, !tags.isEmpty, case .text(let bytes) = TextFile(path, in: root) else { return }
        let lines = Lines(bytes)
        let file = path.split(separator: "/").reduce(options.prefix) { TreeName.path(String($1), below: $0) }
        let sorted = tags.prefix(TreeLimits.partsPerFile).enumerated()
            .sorted { ($0.element.line!, $0.offset) < ($1.element.line!, $1.offset) }.map(\.element)
        var symbols = FileSymbols(file: file)
        for tag in sorted { symbols.add(tag) }
        for symbol in symbols.all {
            guard symbol.name.utf8.count <= CanonicalName.maxBytes else {
                tree.skip(path, .nameTooLong)
                continue
            }
            try tree.emitSymbol(
                NodeRecord(
                    name: symbol.name, kind: String(symbol.tag.kind?.prefix(JSONLLimits.wordBytes / 4) ?? "symbol"),
                    content: tree.cut(lines.text(symbol.tag.line!...symbol.lastLine)),
                    language: symbol.tag.language?.lowercased(), parent: symbol.parent, position: symbol.position,
                    metadata: JSONLWriter.object(symbol.metadata)))
        }
        tree.tellProgress()
    }
}

/// The symbols of one file, each below the one that its scope names.
private struct FileSymbols {
    struct Symbol {
        var tag: Tag
        var name: String
        var parent: String
        var position: Int32
        var depth: Int
        /// Up to the first symbol inside it: that has a text of its own.
        var lastLine: Int

        var metadata: [(key: String, value: JSONLWriter.Value)] {
            var metadata: [(key: String, value: JSONLWriter.Value)] = [("line", .number(tag.line!))]
            if let end = tag.end { metadata.append(("end_line", .number(end))) }
            if let scope = tag.scope { metadata.append(("scope", .text(scope.cut(to: 500).text))) }
            if let signature = tag.signature { metadata.append(("signature", .text(signature.cut(to: 500).text))) }
            return metadata
        }
    }

    let file: String
    private(set) var all: [Symbol] = []
    private var taken: [String: Int] = [:]
    /// By name and scope, as a scope of others has them, alone and with their kind.
    private var places: [String: Int] = [:]
    private var children: [String: Int32] = [:]

    init(file: String) { self.file = file }

    mutating func add(_ tag: Tag) {
        var around: Int?
        if let scope = tag.scope {
            around = tag.scopeKind.flatMap { places["\($0) \(scope)"] } ?? places[scope]
        }
        if let at = around, all[at].depth >= TreeLimits.symbolDepth { around = nil }
        let parent = around.map { all[$0].name } ?? file
        let base = TreeName.symbol(tag.name, scope: tag.scope, of: file)
        let count = taken[base, default: 0] + 1
        taken[base] = count
        let line = tag.line!
        if let around { all[around].lastLine = max(all[around].tag.line!, min(all[around].lastLine, line - 1)) }
        for separator in tag.scope == nil ? [""] : [".", "::"] {
            let full = "\(tag.scope ?? "")\(separator)\(tag.name)"
            places[full] = all.count
            if let kind = tag.kind { places["\(kind) \(full)"] = all.count }
        }
        all.append(
            Symbol(
                tag: tag, name: count == 1 ? base : "\(base)~\(count)", parent: parent,
                position: children[parent, default: 0], depth: (around.map { all[$0].depth } ?? 0) + 1,
                lastLine: max(line, tag.end ?? line)))
        children[parent, default: 0] += 1
    }
}

/// A text by its lines.
private struct Lines {
    private let bytes: Bytes
    /// Where each line begins, and where the text ends.
    private var starts: [Int] = [0]

    init(_ bytes: Bytes) {
        self.bytes = bytes
        for (at, byte) in bytes.enumerated() where byte == 0x0A { starts.append(at + 1) }
        starts.append(bytes.count)
    }

    /// Lines from 1; those behind the end are empty.
    func text(_ lines: ClosedRange<Int>) -> String {
        let first = starts[min(lines.lowerBound - 1, starts.count - 1)]
        let end = starts[min(lines.upperBound, starts.count - 1)]
        return String(decoding: bytes[first..<end], as: UTF8.self).trimmed
    }
}

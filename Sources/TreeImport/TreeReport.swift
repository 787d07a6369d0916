/// What a tree import found.
public struct TreeReport: Sendable, Equatable, Codable {
    public var folders = 0
    public var files = 0
    /// Headings of Markdown files.
    public var sections = 0
    public var symbols = 0
    public var links = Links()
    /// Files and folders that were left out, or files that came without their text.
    public var skipped: [Skipped] = []
    /// Texts that were longer than a node's may be.
    public var truncated = 0
    /// Why there are no symbols, if that was not asked for.
    public var symbolTrouble: String?

    /// Links in Markdown files: `found = resolved + toThemselves + external + unresolved`.
    public struct Links: Sendable, Equatable, Codable {
        public var found = 0
        /// Those that lead to a node of the tree.
        public var resolved = 0
        /// Different pairs of source and target among them.
        public var edges = 0
        /// From a section to itself.
        public var toThemselves = 0
        /// To another site.
        public var external = 0
        /// Resolved, to the page, since it has no such anchor.
        public var withoutAnchor = 0
        public var unresolved = 0
        /// The first ones without a target or an anchor.
        public var faults: [Fault] = []

        public init() {}
    }

    public struct Fault: Sendable, Equatable, Codable {
        /// Below the root.
        public var file: String
        public var line: Int
        public var target: String
        public var cause: String
    }

    public struct Skipped: Sendable, Equatable, Codable {
        public var reason: SkipReason
        public var count: Int
        /// The first paths, below the root.
        public var examples: [String]
    }

    static let toldFaults = 50
    static let toldExamples = 5

    public init() {}

    mutating func skip(_ path: String, _ reason: SkipReason) {
        let at = skipped.firstIndex { $0.reason == reason } ?? skipped.endIndex
        if at == skipped.endIndex { skipped.append(Skipped(reason: reason, count: 0, examples: [])) }
        skipped[at].count += 1
        if skipped[at].examples.count < Self.toldExamples { skipped[at].examples.append(path) }
    }

    mutating func note(_ fault: Fault) {
        if links.faults.count < Self.toldFaults { links.faults.append(fault) }
    }
}

/// Why something of a directory is not in the graph, or without its text.
public enum SkipReason: String, Sendable, Codable, CaseIterable {
    // Not in the graph.
    case hidden
    case ignored
    case symbolicLink = "symbolic_link"
    /// A pipe, socket or device.
    case special
    case unreadableFolder = "unreadable_folder"
    case tooDeep = "too_deep"
    case nameNotUTF8 = "name_not_utf8"
    case nameTooLong = "name_too_long"
    // In the graph, without its text or parts.
    case unreadableFile = "unreadable_file"
    case binary
    case notUTF8 = "not_utf8"
    case tooLarge = "too_large"
    case largeMarkdown = "large_markdown"
    case tooManyParts = "too_many_parts"
    /// ctags takes a list of paths by lines.
    case lineBreakInName = "line_break_in_name"

    public var text: String {
        switch self {
        case .hidden: "hidden"
        case .ignored: "ignored"
        case .symbolicLink: "symbolic link, not followed"
        case .special: "no regular file"
        case .unreadableFolder: "folder that cannot be read"
        case .tooDeep: "more than \(TreeLimits.folderDepth) folders deep"
        case .nameNotUTF8: "name that is not UTF-8"
        case .nameTooLong: "name that is too long"
        case .unreadableFile: "file that cannot be read: without its text"
        case .binary: "binary: without its content"
        case .notUTF8: "not UTF-8: without its text"
        case .tooLarge: "larger than \(TreeLimits.fileBytes >> 20) MiB: without its text"
        case .largeMarkdown: "Markdown over \(TreeLimits.markdownBytes >> 20) MiB: without sections and links"
        case .tooManyParts: "more than \(TreeLimits.partsPerFile) headings or symbols: the first ones only"
        case .lineBreakInName: "line break in its name: without symbols"
        }
    }

    /// Whether nothing of it is in the graph.
    public var leavesOut: Bool {
        switch self {
        case .hidden, .ignored, .symbolicLink, .special, .unreadableFolder, .tooDeep, .nameNotUTF8, .nameTooLong: true
        case .unreadableFile, .binary, .notUTF8, .tooLarge, .largeMarkdown, .tooManyParts, .lineBreakInName: false
        }
    }
}

/// What keeps a tree from being imported.
public enum TreeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The root cannot be read; the system's words.
    case root(String, cause: String)
    /// The prefix is no canonical name.
    case prefix(String, cause: String)
    case tooManyEntries
    case tooManyLinks
    /// ctags was found and did not do its work.
    case symbols(cause: String)

    public var description: String {
        switch self {
        case .root(let path, let cause): "\(path) cannot be read: \(cause)"
        case .prefix(let prefix, let cause): "the prefix '\(prefix)' \(cause)"
        case .tooManyEntries: "the tree has more than \(TreeLimits.entries) folders and files"
        case .tooManyLinks: "the tree has more than \(TreeLimits.links) links"
        case .symbols(let cause): "ctags failed: \(cause)"
        }
    }

    public var remedy: String {
        switch self {
        case .root: "Check the path, and that this user may read it"
        case .prefix: "Choose another with --prefix"
        case .tooManyEntries, .tooManyLinks: "Leave a part out with --ignore, or import its parts one by one"
        case .symbols: "Import without symbols: --no-symbols"
        }
    }
}

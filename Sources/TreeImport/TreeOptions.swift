/// What a tree import reads, and how far it goes.
public struct TreeOptions: Sendable {
    /// The directory.
    public var root: String
    /// What canonical names begin with: the name of the root itself.
    public var prefix: String
    /// Patterns of fnmatch(3): without `/` for any name, with `/` for the path below the root.
    public var ignored: [String] = []
    /// Whether names that begin with a dot are read. `.git` never is.
    public var includesHidden = false
    public var readsSymbols = true

    public init(root: String, prefix: String) {
        self.root = root
        self.prefix = prefix
    }
}

/// The bounds of a tree import.
public enum TreeLimits {
    /// Folders in one another. With headings, symbols and the root a path has at most 46 labels.
    public static let folderDepth = 32
    /// Folders and files in all.
    public static let entries = 1_000_000
    /// Largest file whose text is read, in bytes.
    public static let fileBytes = 4 << 20
    /// Largest Markdown file that is taken apart, in bytes: hostile ones cost cmark 0.30 the square of their size,
    /// half a minute for this much.
    public static let markdownBytes = 1 << 20
    /// Longest text of one node in bytes; the rest is cut off.
    public static let textBytes = 64 << 10
    /// Headings and symbols of one file.
    public static let partsPerFile = 20_000
    /// Links that wait for their target in all.
    public static let links = 2_000_000
    /// Occurrences of one link that an edge tells of.
    public static let toldOccurrences = 20
    /// Scopes of symbols in one another.
    public static let symbolDepth = 12
}

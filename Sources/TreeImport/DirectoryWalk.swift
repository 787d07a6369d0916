import Glibc
import Graph

/// One folder or regular file of a tree.
struct TreeEntry {
    /// Below the root, its components joined by `/`; empty for the root.
    var path: String
    /// The canonical name.
    var name: String
    var isFolder: Bool
    /// The folder's canonical name, and its place among the folder's entries.
    var parent: String?
    var position: Int32
}

/// Reads a directory tree depth first, in the order of the names' bytes. Symbolic links are not followed, so
/// that there are no loops and nothing outside the root is read.
struct DirectoryWalk {
    private let options: TreeOptions
    private let visit: (TreeEntry, borrowing OpenFolder) throws -> Void
    private let skip: (String, SkipReason) -> Void
    private var count = 0

    /// - Parameters:
    ///   - visit: gets every entry, and its folder (of the root: itself), from which a file can be opened.
    ///   - skip: gets the path of what is left out.
    static func run(
        _ options: TreeOptions, visit: @escaping (TreeEntry, borrowing OpenFolder) throws -> Void,
        skip: @escaping (String, SkipReason) -> Void
    ) throws {
        var walk = DirectoryWalk(options: options, visit: visit, skip: skip)
        guard let root = OpenFolder(options.root) else {
            throw TreeError.root(options.root, cause: String(cString: strerror(errno)))
        }
        let entry = TreeEntry(path: "", name: options.prefix, isFolder: true, parent: nil, position: 0)
        try visit(entry, root)
        try walk.read(root, entry, depth: 1)
    }

    private mutating func read(_ folder: borrowing OpenFolder, _ entry: TreeEntry, depth: Int) throws {
        guard let names = folder.names() else {
            skip(entry.path, .unreadableFolder)
            return
        }
        var position: Int32 = 0
        for bytes in names {
            count += 1
            guard count <= TreeLimits.entries else { throw TreeError.tooManyEntries }
            guard let child = child(bytes, of: entry, in: folder, at: position) else { continue }
            guard child.isFolder else {
                try visit(child, folder)
                position += 1
                continue
            }
            guard depth < TreeLimits.folderDepth else {
                skip(child.path, .tooDeep)
                continue
            }
            guard let inner = OpenFolder(bytes, in: folder) else {
                skip(child.path, .unreadableFolder)
                continue
            }
            try visit(child, inner)
            position += 1
            try read(inner, child, depth: depth + 1)
        }
    }

    /// Nil for what is left out; `skip` has heard of it.
    private func child(
        _ bytes: [CChar], of parent: TreeEntry, in folder: borrowing OpenFolder, at position: Int32
    ) -> TreeEntry? {
        let name = bytes.dropLast().map { UInt8(bitPattern: $0) }
        guard let text = String(validating: name, as: UTF8.self) else {
            skip(Self.joined(parent.path, String(decoding: name, as: UTF8.self)), .nameNotUTF8)
            return nil
        }
        let path = Self.joined(parent.path, text)
        var info = stat()
        guard fstatat(folder.descriptor, bytes, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
            skip(path, .unreadableFile)
            return nil
        }
        let isFolder = info.st_mode & S_IFMT == S_IFDIR
        if let reason = reason(text, path, info.st_mode & S_IFMT) {
            skip(path, reason)
            return nil
        }
        let canonical = TreeName.path(text, below: parent.name)
        guard canonical.utf8.count <= CanonicalName.maxBytes else {
            skip(path, .nameTooLong)
            return nil
        }
        return TreeEntry(path: path, name: canonical, isFolder: isFolder, parent: parent.name, position: position)
    }

    private func reason(_ name: String, _ path: String, _ type: mode_t) -> SkipReason? {
        if name == ".git" || (name.utf8.first == UInt8(ascii: ".") && !options.includesHidden) { return .hidden }
        if options.ignored.contains(where: { Self.matches($0, name, path, isFolder: type == S_IFDIR) }) {
            return .ignored
        }
        switch type {
        case S_IFDIR, S_IFREG: return nil
        case S_IFLNK: return .symbolicLink
        default: return .special
        }
    }

    /// A pattern that ends in `/` is for folders alone.
    static func matches(_ pattern: String, _ name: String, _ path: String, isFolder: Bool) -> Bool {
        var pattern = pattern
        if pattern.hasSuffix("/") {
            guard isFolder else { return false }
            pattern.removeLast()
        }
        let isPath = pattern.contains("/")
        if pattern.hasPrefix("/") { pattern.removeFirst() }
        return fnmatch(pattern, isPath ? path : name, isPath ? FNM_PATHNAME : 0) == 0
    }

    private static func joined(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : "\(folder)/\(name)"
    }
}

/// An open directory that closes itself.
struct OpenFolder: ~Copyable {
    let descriptor: Int32

    init?(_ path: String) {
        // Not yet stored: closing it, if it is none, would change errno.
        let opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if opened < 0 { return nil }
        descriptor = opened
    }

    /// - Parameter name: ends in 0.
    init?(_ name: [CChar], in folder: borrowing OpenFolder) {
        let opened = openat(folder.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if opened < 0 { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// The names in it, each with a 0 at its end, ascending; nil when they cannot be read.
    func names() -> [[CChar]]? {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            if name != [0x2E, 0], name != [0x2E, 0x2E, 0] { names.append(name) }
            guard names.count <= TreeLimits.entries else { break }
        }
        guard errno == 0 else { return nil }
        return names.sorted { a, b in
            a.lexicographicallyPrecedes(b) { UInt8(bitPattern: $0) < UInt8(bitPattern: $1) }
        }
    }
}

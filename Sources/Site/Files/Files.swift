import Glibc
public import Identity
public import Wire

/// Whole files, written so that a crash leaves the old or the new one and nothing in between.
public enum Files {
    /// Reads a regular file.
    ///
    /// - Parameter limit: largest size in bytes; a larger file is refused before it is read.
    /// - Throws: `missing`, `permission`, `path` (not a regular file), `malformed` (too large).
    public static func read(_ path: String, limit: Int = 1 << 20) throws(SiteError) -> Bytes {
        let file = try Descriptor("read", path, O_RDONLY | O_NONBLOCK)
        return try read(file, limit)
    }

    /// Reads a file that only its owner may read.
    ///
    /// - Throws: also `exposed` when group or others have any right to it, with the chmod that mends it;
    ///   `permission` when it belongs to neither this user nor root.
    public static func readSecret(_ path: String, limit: Int = 1 << 20) throws(SiteError) -> Bytes {
        let file = try Descriptor("read", path, O_RDONLY | O_NONBLOCK)
        try checkSecret(try file.status(), path)
        return try read(file, limit)
    }

    private static func read(_ file: borrowing Descriptor, _ limit: Int) throws(SiteError) -> Bytes {
        let info = try file.status()
        guard info.st_mode & S_IFMT == S_IFREG else {
            throw SiteError(.path, operation: "read", object: file.path, cause: "it is not a regular file")
        }
        let bytes = try file.read(at: 0, count: min(Int(info.st_size), limit) + 1)
        guard bytes.count <= limit else {
            throw SiteError(
                .malformed(line: nil), operation: "read", object: file.path,
                cause: "it has more than \(limit) bytes", remedy: "is this the right file?")
        }
        return bytes
    }

    private static func checkSecret(_ info: stat, _ path: String) throws(SiteError) {
        if info.st_mode & 0o077 != 0 {
            throw SiteError(
                .exposed, operation: "use", object: path,
                cause: "it holds a secret and others have rights to it (mode \(octal(info.st_mode & 0o777)))",
                remedy: "run: chmod 600 \(quoted(path))")
        }
        if info.st_uid != geteuid() && info.st_uid != 0 {
            throw SiteError(
                .permission, operation: "use", object: path,
                cause: "it holds a secret and belongs to user id \(info.st_uid)",
                remedy: "run: chown \(geteuid()) \(quoted(path))")
        }
    }

    /// BLAKE2b-256 of a file of any size, and its length.
    public static func digest(of path: String) throws(SiteError) -> (digest: Hash32, count: Int) {
        let file = try Descriptor("read", path, O_RDONLY)
        var hasher = Hasher32(domain: "shoal/file-digest/1")
        var offset = 0
        while case let bytes = try file.read(at: offset, count: 1 << 20), !bytes.isEmpty {
            hasher.update(bytes)
            offset += bytes.count
        }
        return (hasher.finish(), offset)
    }

    /// Gives a file or directory another name, durably.
    public static func move(_ path: String, to other: String) throws(SiteError) {
        if rename(path, other) != 0 { throw .system("move", path, errno) }
        try syncDirectory(parent(of: other))
    }

    /// Replaces `path` (or makes it): temporary file, fsync, rename, fsync of the directory.
    ///
    /// - Parameter mode: exactly this mode from the first moment, whatever the umask is.
    public static func write(_ bytes: Bytes, to path: String, mode: UInt32 = 0o644) throws(SiteError) {
        let temporary = try writeTemporary(bytes, beside: path, mode: mode)
        if rename(temporary, path) != 0 {
            let code = errno
            unlink(temporary)
            throw .system("write", path, code)
        }
        try syncDirectory(parent(of: path))
    }

    /// Makes `path`, which must not exist, as atomically as ``write(_:to:mode:)``.
    ///
    /// - Throws: also `exists`; the file that is there is left as it was.
    public static func create(_ bytes: Bytes, at path: String, mode: UInt32 = 0o644) throws(SiteError) {
        let temporary = try writeTemporary(bytes, beside: path, mode: mode)
        defer { unlink(temporary) }
        // link(2) refuses an existing name, which rename(2) would replace.
        if link(temporary, path) != 0 {
            switch errno {
            case EPERM, EOPNOTSUPP, ENOSYS: try createDirectly(bytes, at: path, mode: mode)
            case let code: throw .system("create", path, code)
            }
        }
        try syncDirectory(parent(of: path))
    }

    /// For file systems without hard links: a crash may leave a part, an existing file is safe all the same.
    private static func createDirectly(_ bytes: Bytes, at path: String, mode: UInt32) throws(SiteError) {
        let file = try Descriptor("create", path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        do {
            try file.write(bytes, at: 0)
            try file.sync()
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func writeTemporary(
        _ bytes: Bytes, beside path: String, mode: UInt32
    ) throws(SiteError) -> String {
        var random = SystemRandomNumberGenerator()
        let suffix = Hex.encode(random.next().bigEndianBytes)
        let temporary = "\(parent(of: path))/.shoal-\(suffix).tmp"
        let file = try renamed(path) { () throws(SiteError) in
            try Descriptor("write", temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        }
        do throws(SiteError) {
            // The umask may have taken rights away; it cannot have given any.
            if fchmod(file.number, mode) != 0 { throw SiteError.system("set the mode of", path, errno) }
            try renamed(path) { () throws(SiteError) in
                try file.write(bytes, at: 0)
                try file.sync()
            }
        } catch {
            unlink(temporary)
            throw error
        }
        return temporary
    }

    /// Errors about a temporary file speak of the file that the caller wants.
    private static func renamed<Result: ~Copyable>(
        _ path: String, _ body: () throws(SiteError) -> Result
    ) throws(SiteError) -> Result {
        do {
            return try body()
        } catch {
            var named = error
            named.object = path
            throw named
        }
    }

    /// Makes the names in a directory durable.
    static func syncDirectory(_ path: String) throws(SiteError) {
        let directory = try Descriptor("open", path, O_RDONLY | O_DIRECTORY)
        if fsync(directory.number) != 0 { throw .system("sync", path, errno) }
    }
}

extension Files {
    static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }

    /// A path as one word of a shell command.
    static func quoted(_ path: String) -> String {
        let plain = path.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
            default: "/._-+@%".utf8.contains(byte)
            }
        }
        if plain && !path.isEmpty { return path }
        return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` without symbolic links, `.` and `..`; nil when it does not exist.
    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// What stands at `path` itself, not behind a symbolic link.
    static func status(_ path: String) -> stat? {
        var info = stat()
        return lstat(path, &info) == 0 ? info : nil
    }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory in the order of their bytes, hidden ones left out.
    static func names(in path: String) throws(SiteError) -> [String] {
        guard let directory = opendir(path) else { throw .system("list", path, errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Makes a directory and what is missing above it.
    ///
    /// - Parameter mode: of the directory itself, exactly; those above it get 0755 less the umask. One that
    ///   exists keeps its mode.
    public static func makeDirectory(_ path: String, mode: UInt32) throws(SiteError) {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        if isDirectory(path) { return }
        if mkdir(path, mode) == 0 {
            if chmod(path, mode) != 0 { throw .system("set the mode of", path, errno) }
            return
        }
        let code = errno
        let above = parent(of: path)
        guard code == ENOENT, above != path else {
            if code == EEXIST && isDirectory(path) { return }
            if code == EEXIST {
                throw SiteError(
                    .path, operation: "create the directory", object: path, cause: "there is a file of that name",
                    remedy: "choose another path")
            }
            throw .system("create the directory", path, code)
        }
        try makeDirectory(above, mode: 0o755)
        try makeDirectory(path, mode: mode)
    }
}

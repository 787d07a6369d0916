import Glibc

/// The few file-system calls of this room, with errors for people.
enum Files {
    static func status(_ path: String) -> stat? {
        var info = stat()
        return lstat(path, &info) == 0 ? info : nil
    }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    static func isExecutable(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Creates a directory with exactly `mode`, whatever the umask is. One that exists is left as it is.
    ///
    /// - Returns: true when it did not exist.
    @discardableResult
    static func makeDirectory(_ path: String, mode: mode_t) throws(StorageError) -> Bool {
        if mkdir(path, mode) != 0 {
            if errno == EEXIST && isDirectory(path) { return false }
            throw failure("create", path, errno)
        }
        if chmod(path, mode) != 0 { throw failure("set the mode of", path, errno) }
        return true
    }

    /// The text of a small file, or nil when there is none.
    static func read(_ path: String, limit: Int = 1 << 20) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8]()
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces a file in a directory of `owner`'s: written beside it, synced, renamed, so that a
    /// reader never sees half of it.
    ///
    /// Root may write here, so a symbolic link that the unprivileged owner left is never followed.
    static func write(
        _ text: String, to name: String, in directory: String, mode: mode_t, owner: ServerUser
    ) throws(StorageError) {
        let path = directory + "/" + name
        let parent = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard parent >= 0 else { throw failure("open", directory, errno) }
        defer { close(parent) }
        var info = stat()
        guard fstat(parent, &info) == 0, info.st_uid == owner.id else {
            throw StorageError(
                .directory, operation: "write", object: path, cause: "its directory does not belong to \(owner.name)",
                remedy: "run: chown -R \(owner.name) '\(directory)'")
        }
        let temporary = name + ".new"
        unlinkat(parent, temporary, 0)
        let file = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw failure("create", path, errno) }
        defer { close(file) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                let code = errno
                unlinkat(parent, temporary, 0)
                throw failure("write", path, code)
            }
            rest = rest.dropFirst(count)
        }
        if owner.isOther, fchown(file, owner.id, owner.group) != 0 {
            throw failure("change the owner of", path, errno)
        }
        guard fsync(file) == 0, renameat(parent, temporary, parent, name) == 0 else {
            throw failure("write", path, errno)
        }
    }

    /// Makes the names in a directory durable.
    static func syncDirectory(_ path: String) throws(StorageError) {
        let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open", path, errno) }
        defer { close(file) }
        if fsync(file) != 0 { throw failure("sync", path, errno) }
    }

    /// Removes a directory and all below it, never following a symbolic link.
    static func removeTree(_ path: String) {
        removeTree(at: AT_FDCWD, path)
    }

    private static func removeTree(at parent: Int32, _ name: String) {
        let file = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            unlinkat(parent, name, 0)
            return
        }
        for entry in names(in: "/proc/self/fd/\(file)") { removeTree(at: file, entry) }
        close(file)
        unlinkat(parent, name, AT_REMOVEDIR)
    }

    /// The names in a directory, without `.` and `..`, in the order of their bytes.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The path without symbolic links, `.` and `..`, or nil when it does not exist.
    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func message(_ code: Int32) -> String {
        String(cString: strerror(code))
    }

    /// Maps an errno value to a reason and a remedy.
    static func failure(_ operation: String, _ path: String, _ code: Int32) -> StorageError {
        let (reason, remedy): (StorageError.Reason, String) =
            switch code {
            case ENOSPC, EDQUOT: (.diskFull, "free some space there, or choose another --data-dir")
            case EROFS: (.directory, "it is on a read-only file system: choose another --data-dir")
            case EACCES, EPERM: (.directory, "choose a --data-dir that this user may write")
            case ENOENT: (.directory, "create the directory above it, or choose another --data-dir")
            case ENAMETOOLONG: (.directory, "choose a shorter --data-dir")
            default: (.directory, "choose another --data-dir")
            }
        return StorageError(reason, operation: operation, object: path, cause: message(code), remedy: remedy)
    }
}

import Glibc
import Wire

/// The text of a file, or why there is none.
enum TextFile {
    case text(Bytes)
    case none(SkipReason)

    /// Reads a regular file; a symbolic link or pipe that took its place meanwhile is not opened.
    init(_ name: String, in folder: borrowing OpenFolder) {
        let descriptor = openat(folder.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            self = .none(.unreadableFile)
            return
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            self = .none(.unreadableFile)
            return
        }
        guard info.st_size <= TreeLimits.fileBytes else {
            self = .none(.tooLarge)
            return
        }
        guard var bytes = Self.read(descriptor, count: TreeLimits.fileBytes + 1, expected: Int(info.st_size)) else {
            self = .none(.unreadableFile)
            return
        }
        if bytes.count > TreeLimits.fileBytes {
            self = .none(.tooLarge)
        } else if bytes.contains(0) {
            self = .none(.binary)
        } else if (try? UTF8Span(validating: bytes.span)) == nil {
            self = .none(.notUTF8)
        } else {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
            self = .text(bytes)
        }
    }

    /// At most `count` bytes; nil on an error.
    private static func read(_ descriptor: Int32, count: Int, expected: Int) -> Bytes? {
        var bytes = Bytes()
        bytes.reserveCapacity(expected + 1)
        while bytes.count < count {
            var failed = false
            let part = Bytes(unsafeUninitializedCapacity: min(64 << 10, count - bytes.count)) { buffer, filled in
                var got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                while got < 0, errno == EINTR { got = Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
                failed = got < 0
                filled = max(got, 0)
            }
            if failed { return nil }
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }
}

extension String {
    /// As much as fits into `bytes` bytes, cut between scalars; whether that is all.
    func cut(to bytes: Int) -> (text: String, isWhole: Bool) {
        guard utf8.count > bytes else { return (self, true) }
        var end = utf8.index(utf8.startIndex, offsetBy: bytes)
        while end > utf8.startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
        return (String(self[..<end]), false)
    }
}

internal import Glibc

/// Files that are too large to be held, read and written part by part.
enum FileParts {
    static let partBytes = 1 << 20

    /// Why a file cannot be read or written, in the system's words.
    struct Fault: Error, CustomStringConvertible {
        let description: String

        init(code: Int32) { description = String(cString: strerror(code)) }
    }

    /// The file's size in bytes.
    static func size(of path: String) throws(Fault) -> Int {
        var info = Glibc.stat()
        guard stat(path, &info) == 0 else { throw Fault(code: errno) }
        return Int(info.st_size)
    }

    /// Reads a file from its beginning to its end.
    static func read(_ path: String, _ take: ([UInt8]) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Fault(code: errno) }
        defer { close(descriptor) }
        while true {
            var code: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: partBytes) { buffer, count in
                var got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                while got < 0, errno == EINTR { got = Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
                if got < 0 { code = errno }
                count = max(got, 0)
            }
            guard code == 0 else { throw Fault(code: code) }
            guard !part.isEmpty else { return }
            try take(part)
        }
    }
}

/// A file that appears under its name only when it is whole.
///
/// Written to a temporary file beside it; ``commit()`` syncs and renames. Whoever makes one defers ``discard()``:
/// a download that failed may hold on to the file longer than the program runs.
final class NewFile: Sendable {
    private let path: String
    private let temporary: String
    private let descriptor: Int32

    init(_ path: String) throws(FileParts.Fault) {
        self.path = path
        temporary = "\(path).\(getpid()).part"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileParts.Fault(code: errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Leaves nothing behind; after a commit it does nothing.
    func discard() { unlink(temporary) }

    /// Appends; calls must not overlap.
    func write(_ bytes: [UInt8]) throws(FileParts.Fault) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileParts.Fault(code: errno) }
            rest = rest.dropFirst(written)
        }
    }

    func commit() throws(FileParts.Fault) {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw FileParts.Fault(code: errno) }
    }
}

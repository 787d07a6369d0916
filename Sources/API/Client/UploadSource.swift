import Glibc

/// What an upload reads from: memory or a file. It can start again, as a retry must.
final class UploadSource {
    private enum Origin {
        case memory([UInt8])
        case file(CInt, path: String)
    }

    let contentType: String
    let count: Int
    private let origin: Origin
    private var offset = 0

    /// Nil for a call without a body.
    convenience init?(_ body: Call.Body) throws(APIError) {
        switch body {
        case .none: return nil
        case .bytes(let bytes, let contentType): self.init(.memory(bytes), bytes.count, contentType)
        case .file(let path, let contentType):
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .unreadable(path: path, cause: errorText(errno)) }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                throw .unreadable(path: path, cause: "it is not a file")
            }
            self.init(.file(descriptor, path: path), Int(status.st_size), contentType)
        }
    }

    private init(_ origin: Origin, _ count: Int, _ contentType: String) {
        self.origin = origin
        self.count = count
        self.contentType = contentType
    }

    deinit {
        if case .file(let descriptor, _) = origin { close(descriptor) }
    }

    func seek(_ offset: Int) -> Bool {
        self.offset = offset
        return offset <= count
    }

    /// The bytes read; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(APIError) -> Int {
        let size = min(buffer.count, count - offset)
        guard size > 0 else { return 0 }
        switch origin {
        case .memory(let bytes):
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + size]))
            }
            offset += size
            return size
        case .file(let descriptor, let path):
            var got = pread(descriptor, buffer.baseAddress, size, off_t(offset))
            while got < 0, errno == EINTR { got = pread(descriptor, buffer.baseAddress, size, off_t(offset)) }
            guard got > 0 else {
                throw .unreadable(path: path, cause: got < 0 ? errorText(errno) : "it became shorter while it was sent")
            }
            offset += got
            return got
        }
    }
}

import Glibc

/// A request body: in memory when small, in an unlinked temporary file when large.
///
/// It can be read any number of times, from any thread; the file goes with the last reference.
public struct RequestBody: Sendable {
    enum Content: Sendable {
        case memory([UInt8])
        case file(SpoolFile)
    }

    let content: Content

    /// The size in bytes.
    public var count: Int {
        switch content {
        case .memory(let bytes): bytes.count
        case .file(let file): file.count
        }
    }

    /// Whether the body lies in a file.
    public var isSpooled: Bool {
        switch content {
        case .memory: false
        case .file: true
        }
    }

    /// The whole body in memory, if it has at most `limit` bytes.
    public func collect(limit: Int = 16 << 20) throws(APIError) -> [UInt8] {
        guard count <= limit else { throw .bodyTooLarge(limit: limit) }
        switch content {
        case .memory(let bytes): return bytes
        case .file(let file): return try file.read(at: 0, count: file.count)
        }
    }

    /// Hands the body to `take` in order, in parts of at most `size` bytes; memory stays bounded by `size`.
    public func readChunks(of size: Int = 256 << 10, _ take: ([UInt8]) throws -> Void) throws {
        var offset = 0
        while offset < count {
            let chunk = try chunk(at: offset, size: size)
            offset += chunk.count
            try take(chunk)
        }
    }

    /// As ``readChunks(of:_:)`` for a receiver that suspends.
    public func readChunks(of size: Int = 256 << 10, _ take: ([UInt8]) async throws -> Void) async throws {
        var offset = 0
        while offset < count {
            let chunk = try chunk(at: offset, size: size)
            offset += chunk.count
            try await take(chunk)
        }
    }

    /// A part of the body; shorter than `size` at its end, empty behind it.
    public func chunk(at offset: Int, size: Int) throws(APIError) -> [UInt8] {
        let size = min(size, count - offset)
        switch content {
        case .memory(let bytes): return Array(bytes[offset..<offset + size])
        case .file(let file): return try file.read(at: offset, count: size)
        }
    }
}

/// A temporary file without a name.
final class SpoolFile: Sendable {
    private let descriptor: CInt
    let count: Int

    fileprivate init(descriptor: CInt, count: Int) {
        self.descriptor = descriptor
        self.count = count
    }

    deinit { close(descriptor) }

    func read(at offset: Int, count: Int) throws(APIError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failure = got < 0 ? errno : EIO
                    break
                }
                filled += got
            }
        }
        guard failure == 0 else { throw .unreadable(path: "spooled request body", cause: errorText(failure)) }
        return bytes
    }
}

/// Collects a body as it arrives.
struct BodyCollector: ~Copyable {
    private let limit: Int
    private let memoryLimit: Int
    private let directory: String
    private var memory: [UInt8] = []
    private var descriptor: CInt = -1
    private(set) var count = 0

    init(limit: Int, memoryLimit: Int, directory: String) {
        self.limit = limit
        self.memoryLimit = memoryLimit
        self.directory = directory
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Adds a part: 413 above the limit, 507 if the disk is full.
    mutating func append(_ part: UnsafeRawBufferPointer) throws(Problem) {
        guard part.count <= limit - count else { throw .tooLarge(limit: limit) }
        count += part.count
        if descriptor < 0, count <= memoryLimit {
            memory.append(contentsOf: part)
            return
        }
        if descriptor < 0 {
            descriptor = try Self.unlinkedFile(in: directory)
            let held = memory
            memory = []
            try Self.write(held.span.bytes, to: descriptor)
        }
        try Self.write(part.bytes, to: descriptor)
    }

    /// The complete body.
    mutating func finish() -> RequestBody {
        guard descriptor >= 0 else { return RequestBody(content: .memory(memory)) }
        let file = SpoolFile(descriptor: descriptor, count: count)
        descriptor = -1
        return RequestBody(content: .file(file))
    }

    private static func unlinkedFile(in directory: String) throws(Problem) -> CInt {
        var name = Array("\(directory)/shoal-body-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw noStorage(errno) }
        unlink(name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func write(_ part: RawSpan, to descriptor: CInt) throws(Problem) {
        var done = 0
        while done < part.byteCount {
            let written = part.extracting(done..<part.byteCount).withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { throw noStorage(errno) }
            done += written
        }
    }

    private static func noStorage(_ code: Int32) -> Problem {
        Problem(
            status: 507, detail: "the request body cannot be stored: \(errorText(code))",
            remedy: "free disk space or set TMPDIR", code: "no_storage")
    }
}

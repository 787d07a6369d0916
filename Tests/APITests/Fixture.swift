import API
import Dispatch
import Glibc
import Synchronization

/// A directory of its own for sockets and files, short enough for `sun_path`.
final class Directory: Sendable {
    let path: String

    init() {
        var name = Array("/tmp/shoal-api-XXXXXX".utf8CString)
        precondition(mkdtemp(&name) != nil)
        path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for entry in entries { unlink("\(path)/\(entry)") }
        rmdir(path)
    }

    var entries: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes a file of `count` bytes that follow ``pattern(at:)``.
    func file(_ name: String, count: Int) -> String {
        let path = "\(path)/\(name)"
        let file = fopen(path, "w")!
        defer { fclose(file) }
        var written = 0
        while written < count {
            let part = pattern(from: written, count: min(1 << 20, count - written))
            precondition(fwrite(part, 1, part.count, file) == part.count)
            written += part.count
        }
        return path
    }
}

private enum Pattern {
    static let size = 1 << 16
    static let block = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

/// Bytes that differ from block to block, so that a lost or doubled part shows: each block of 64 KiB
/// begins with its number.
func pattern(from offset: Int, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        let position = offset + bytes.count
        let inside = position % Pattern.size
        let part = Pattern.block[inside..<min(Pattern.size, inside + count - bytes.count)]
        let start = bytes.count - inside
        bytes += part
        for index in stride(from: inside, to: min(8, part.endIndex), by: 1) {
            bytes[start + index] = UInt8(truncatingIfNeeded: (position / Pattern.size) >> (8 * index))
        }
    }
    return bytes
}

/// Whether `bytes` are the pattern from `offset` on.
func isPattern(_ bytes: [UInt8], from offset: Int) -> Bool {
    memcmp(bytes, pattern(from: offset, count: bytes.count), bytes.count) == 0
}

/// A server on a Unix socket in a directory of its own, with a client for it.
struct Fixture {
    let server: HTTPServer
    let client: HTTPClient
    let path: String
    /// Goes last, when the server has removed its socket.
    let directory: Directory

    init(_ handler: any RequestHandler, configure: (inout ServerConfiguration) -> Void = { _ in }) throws {
        let directory = Directory()
        self.directory = directory
        path = "\(directory.path)/s"
        var configuration = ServerConfiguration(listen: [.unix(path: path)])
        configuration.spoolDirectory = directory.path
        configure(&configuration)
        server = try HTTPServer(configuration, handler: handler)
        client = HTTPClient(.unix(path: path))
    }

    init(
        configure: (inout ServerConfiguration) -> Void = { _ in },
        _ handler: @escaping @Sendable (Request, Responder) -> Void
    ) throws {
        try self.init(Closure(handler: handler), configure: configure)
    }

    /// The TCP port, if the server listens on one.
    var port: Int {
        for case .tcp(_, let port) in server.addresses { return port }
        return 0
    }
}

struct Closure: RequestHandler {
    let handler: @Sendable (Request, Responder) -> Void

    func admit(_ head: RequestHead) -> Admission { .accept(bodyLimit: 1 << 30) }
    func handle(_ request: Request, _ responder: Responder) { handler(request, responder) }
}

/// A client that sends exactly the bytes it is given.
///
/// It blocks, so it does so on a Dispatch thread: the cooperative pool has few, and the server's tasks need them.
final class RawConnection: Sendable {
    private let descriptor: CInt

    init(unix path: String) {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(connected == 0, "connect")
    }

    deinit { close(descriptor) }

    private func blocking<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { @Sendable in continuation.resume(returning: work()) }
        }
    }

    @discardableResult
    func send(_ text: String) async -> Bool { await send(Array(text.utf8)) }

    /// Sends what the server takes; false if it closed the connection.
    @discardableResult
    func send(_ bytes: [UInt8]) async -> Bool {
        await blocking { [self] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// Says that no more will be sent.
    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    private func receiveSome(_ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let got = recv(descriptor, &buffer, count, 0)
        return got > 0 ? Array(buffer[..<got]) : []
    }

    /// At least `count` bytes, or what there is until the server closes.
    func receive(atLeast count: Int) async -> [UInt8] {
        await blocking { [self] in
            var bytes: [UInt8] = []
            while bytes.count < count {
                let part = receiveSome(65536)
                if part.isEmpty { break }
                bytes += part
            }
            return bytes
        }
    }

    /// Everything until the server closes.
    func receiveAll() async -> String { String(decoding: await receive(atLeast: .max), as: UTF8.self) }

    /// What comes until `end` has been seen.
    func receive(until end: String) async -> String {
        await blocking { [self] in
            var bytes: [UInt8] = []
            while true {
                let part = receiveSome(1)
                bytes += part
                let text = String(decoding: bytes, as: UTF8.self)
                if part.isEmpty || text.hasSuffix(end) { return text }
            }
        }
    }
}

/// A value that one task sets and others await.
final class Signal<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiting: [CheckedContinuation<Value, Never>] = []
    }
    private let state = Mutex(State())

    func set(_ value: Value) {
        let waiting = state.withLock { state in
            state.value = value
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state in
                    if state.value == nil { state.waiting.append(continuation) }
                    return state.value
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }
}

/// Resident memory of this process in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    fgets(&line, 128, file)
    let words = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }.split(separator: " ")
    return (Int(words[1]) ?? 0) * sysconf(CInt(_SC_PAGESIZE))
}

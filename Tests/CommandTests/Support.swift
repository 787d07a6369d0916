import API
import FoundationEssentials
import Glibc
import Identity
import Membership
import Site
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

/// A directory that vanishes with its test. Short, since sockets lie in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/shoal-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    func write(_ text: String, to name: String, mode: UInt32 = 0o644) throws -> String {
        try Files.makeDirectory(Paths.parent(of: file(name)), mode: 0o755)
        try Files.write(Bytes(text.utf8), to: file(name), mode: mode)
        return file(name)
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Files.read(file(name)), as: UTF8.self)
    }

    func mode(of name: String) -> UInt32 {
        var info = stat()
        return stat(file(name), &info) == 0 ? info.st_mode & 0o777 : 0
    }
}

/// What a command line left behind.
struct Outcome {
    let code: ExitCode
    let output: String
    let errors: String

    /// The output as JSON of a type; a test fails if it is none.
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: Array(output.utf8))
    }
}

/// Runs a command line as the binary would, in a pipe.
func shoal(_ words: String...) async -> Outcome { await run(words) }

func run(_ words: [String]) async -> Outcome {
    let output = Text()
    let errors = Text()
    let console = Console(
        output: .init { output.append($0) }, errors: .init { errors.append($0) }, now: { .zero })
    let code = await program.run(words, console: console)
    return Outcome(code: code, output: output.text, errors: errors.text)
}

/// Text that any thread may add to.
final class Text: Sendable {
    private let state = Mutex("")
    var text: String { state.withLock { $0 } }
    func append(_ text: String) { state.withLock { $0 += text } }
}

/// A node as commands see it: a data directory whose lock is held, and a socket behind which the test answers.
final class FakeNode {
    let directory: TemporaryDirectory
    /// The options that choose this site.
    let site: [String]
    private let lock: DataLock
    private let server: HTTPServer
    /// What was asked, as `METHOD path?query`, in order.
    private let log: Mutex<[String]>.Shared

    init(_ routes: (inout Router) -> Void) throws {
        directory = TemporaryDirectory()
        let data = try DataDirectory(creating: directory.file("data"))
        try SiteConfig(name: SiteName(checking: "north")).save(to: data.configPath)
        lock = try DataLock(data)
        var router = Router()
        routes(&router)
        let log = Mutex<[String]>.Shared([])
        self.log = log
        let socket = directory.file("api.sock")
        server = try HTTPServer(
            ServerConfiguration(listen: [.unix(path: socket)]), handler: Recording(router: router, log: log))
        try lock.tell(socketPath: socket)
        site = ["--data-dir", data.path]
    }

    /// Runs a command of this site.
    func run(_ words: String...) async -> Outcome { await CommandTests.run(words + site) }
    func run(_ words: [String]) async -> Outcome { await CommandTests.run(words + site) }

    var asked: [String] { log.value.withLock { $0 } }

    private struct Recording: RequestHandler {
        let router: Router
        let log: Mutex<[String]>.Shared

        func admit(_ head: RequestHead) -> Admission {
            log.value.withLock { $0.append("\(head.method.rawValue) \(head.path)") }
            return router.admit(head)
        }

        func handle(_ request: Request, _ responder: Responder) { router.handle(request, responder) }
    }
}

internal import CShims
internal import Glibc
internal import Terminal

/// Starts programs that outlive the command that started them.
enum Launch {
    /// What the nodes are called in lists of processes.
    static let name = "shoal"

    /// Runs `program` in a session of its own, so that Ctrl-C at the terminal does not reach it.
    ///
    /// - Parameters:
    ///   - arguments: without the program's own name.
    ///   - log: what it prints is appended here.
    ///   - variables: added to those of this process, `NAME=VALUE` each.
    ///   - namespace: the file of the network namespace that it runs in; this process's own if nil.
    /// - Returns: the process; it may have ended already.
    static func detached(
        _ program: String, _ arguments: [String], log: String, variables added: [String] = [],
        namespace: String? = nil, lifeline: Lifeline? = nil
    ) throws(Failure) -> Started {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw failure(program, "cannot write its log \(log)", errno) }
        defer { close(output) }
        let words = ([name] + arguments).map { strdup($0) }
        let variables = (environment() + added).map { strdup($0) }
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let code = try within(namespace) {
            shoal_spawn_detached(program, words + [nil], variables + [nil], lifeline?.end ?? -1, output, &pid)
        }
        guard code == 0 else { throw failure(program, "it does not start", code) }
        return Started(pid: pid)
    }

    /// Children begin in the namespace of the thread that starts them: this one goes there and comes back.
    private static func within(_ namespace: String?, _ body: () -> Int32) throws(Failure) -> Int32 {
        guard let namespace else { return body() }
        let (home, there) = (
            open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), open(namespace, O_RDONLY | O_CLOEXEC)
        )
        defer {
            for file in [home, there] where file >= 0 { close(file) }
        }
        guard home >= 0, there >= 0 else { throw failure(namespace, "this network namespace cannot be entered", errno) }
        let code = shoal_enter_network(there)
        guard code == 0 else { throw failure(namespace, "this network namespace cannot be entered", code) }
        defer { precondition(shoal_enter_network(home) == 0, "the own network namespace is gone") }
        return body()
    }

    /// This process's variables, but for those that would override a node's settings.
    private static func environment() -> [String] {
        var texts: [String] = []
        var next = environ
        while let text = next.pointee {
            let text = String(cString: text)
            if !text.hasPrefix("SHOAL_") || text.hasPrefix("SHOAL_RUNTIME_DIR=") { texts.append(text) }
            next += 1
        }
        return texts
    }

    /// The program of this process; it stays the same when its file is replaced meanwhile.
    static func ownProgram() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return "/proc/self/exe" }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return access(path, X_OK) == 0 ? path : "/proc/self/exe"
    }

    private static func failure(_ program: String, _ what: String, _ code: Int32) -> Failure {
        Failure("start", program, "\(what): \(String(cString: strerror(code)))", exit: .unreachable)
    }
}

/// A process that was just started, until it serves or ended.
struct Started: Sendable {
    let pid: Int32
    /// Nil if it ended at once.
    let identity: ProcessIdentity?

    init(pid: Int32) {
        self.pid = pid
        identity = ProcessIdentity(of: pid)
    }

    var isAlive: Bool { identity?.isAlive ?? false }
}

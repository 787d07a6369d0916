import CShims
import Glibc

/// A program below its own supervisor process (see `cshims_linux.h`): it ends with this
/// process, however this process ends.
final class SupervisedProcess: Sendable {
    enum Ending: Equatable, Sendable {
        case exited(code: Int32)
        case signalled(Int32)
        /// A step before the program ran failed.
        case notStarted(step: String, code: Int32)
        /// The supervisor itself was killed.
        case supervisorLost
    }

    struct Specification {
        var program: String
        var arguments: [String]
        var user: ServerUser
        var directory: String
        var log: String
        var logLimit = 1 << 20
        /// How long an orderly stop may take before it is forced.
        var patienceMs = 20_000
    }

    private struct State {
        var process: pid_t?
        var ending: Ending?
        var lifeline: Int32
    }
    private let state: Monitor<State>

    /// Starts the program; returns at once.
    ///
    /// - Parameter onEnd: called once, on a thread of its own, when nothing of it is left running.
    init(_ specification: Specification, onEnd: @escaping @Sendable (Ending) -> Void = { _ in })
        throws(StorageError)
    {
        let arguments =
            [
                SHOAL_SUPERVISOR_NAME, String(specification.user.id), String(specification.user.group),
                specification.directory, specification.log, String(specification.logLimit),
                String(specification.patienceMs), specification.program,
            ] + specification.arguments
        var supervisor = shoal_supervisor()
        let failure = withCStrings(arguments) { arguments in
            withCStrings(Self.environment()) { environment in
                shoal_supervise(arguments, environment, &supervisor)
            }
        }
        guard failure == 0 else {
            throw StorageError(
                .serverFailed, operation: "start", object: specification.program, cause: Files.message(failure))
        }
        let state = Monitor(State(lifeline: supervisor.lifeline))
        self.state = state
        let (pid, status) = (supervisor.pid, supervisor.status)
        startThread("supervised") {
            Self.follow(status: status, supervisor: pid, state: state)
            onEnd(state.wait { $0.ending })
        }
    }

    deinit { stop() }

    /// The process id of the program; nil when it never ran. Waits until that is known.
    var process: pid_t? {
        state.wait { $0.process.map { .some($0) } ?? ($0.ending == nil ? nil : .some(nil)) }
    }

    /// How it ended, if it did.
    var ending: Ending? { state.change { $0.ending } }

    /// Asks for an orderly stop; returns at once.
    func stop() {
        state.change { state in
            if state.lifeline >= 0 { close(state.lifeline) }
            state.lifeline = -1
        }
    }

    /// Waits for the end, at most `milliseconds`.
    func waitForEnd(milliseconds: Int) -> Ending? {
        state.wait(milliseconds: milliseconds) { $0.ending }
    }

    func waitForEnd() -> Ending {
        state.wait { $0.ending }
    }

    /// Only what the supervisor and PostgreSQL need: no PG… variables, no secrets of the node.
    private static func environment() -> [String] {
        ["LC_ALL=C", "TZ=UTC"]
            + ["PATH", "LD_LIBRARY_PATH", "TMPDIR"].compactMap { name in
                Storage.environment(name).map { "\(name)=\($0)" }
            }
    }

    /// Reads the status lines until the supervisor has ended.
    private static func follow(status: Int32, supervisor: pid_t, state: Monitor<State>) {
        var line: [UInt8] = []
        var ending: Ending?
        var byte: UInt8 = 0
        while true {
            let count = read(status, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            if byte != UInt8(ascii: "\n") {
                line.append(byte)
                continue
            }
            let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
            line = []
            switch (words.first, words.count) {
            case ("S", 2): state.change { $0.process = pid_t(words[1]) }
            case ("E", 3): ending = .notStarted(step: words[1], code: Int32(words[2]) ?? 0)
            case ("X", 3):
                let value = Int32(words[2]) ?? 0
                ending = ending ?? (words[1] == "0" ? .exited(code: value) : .signalled(value))
            default: break
            }
        }
        close(status)
        var code: Int32 = 0
        while waitpid(supervisor, &code, 0) < 0 && errno == EINTR {}
        state.change { state in
            state.ending = ending ?? .supervisorLost
            if state.lifeline >= 0 { close(state.lifeline) }
            state.lifeline = -1
        }
    }
}

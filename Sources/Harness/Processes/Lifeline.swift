internal import CShims
internal import Glibc
internal import Terminal

/// A pipe whose one end this process alone holds, and whose other end is the input of what it starts: when this process
/// is gone, however that came, the input ends, and who was started with ``flag`` ends in order.
///
/// PR_SET_PDEATHSIG would do it without a pipe, but follows the thread that started the child.
public final class Lifeline: Sendable {
    /// To be given to a command that reads its end.
    public static let flag = "--with-starter"

    /// For children.
    let end: Int32
    private let held: Int32

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        // Closed in every child but as its input: none keeps another alive.
        let code = shoal_pipe(&ends)
        guard code == 0 else {
            throw Failure("cluster up", "a pipe", String(cString: strerror(code)), exit: .unreachable)
        }
        (end, held) = (ends[0], ends[1])
    }

    deinit {
        close(end)
        close(held)
    }

    /// Ends this process in order, as SIGTERM does, when its input ends.
    public static func follow() {
        OwnThread.begin {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            while true {
                let count = read(STDIN_FILENO, &bytes, bytes.count)
                if count == 0 || (count < 0 && errno != EINTR) { break }
            }
            kill(getpid(), SIGTERM)
        }
    }
}

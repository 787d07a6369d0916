internal import CShims
internal import Glibc
internal import Terminal

/// Programs of the system that do a small thing and end.
enum Tool {
    struct Outcome {
        let code: Int32
        /// What it printed, on both streams, in one line.
        let words: String
    }

    private static let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// Runs a program to its end, and blocks until then.
    ///
    /// - Parameter name: looked for where the system keeps its programs.
    /// - Throws: a failure that names the Debian package when it is missing.
    static func run(_ name: String, _ arguments: [String]) throws(Failure) -> Outcome {
        let candidates = places.map { "\($0)/\(name)" }
        guard let program = candidates.first(where: { access($0, X_OK) == 0 }) else {
            let package = name == "ip" ? "iproute2" : "coreutils"
            throw Failure(
                "run", name, "there is no such program", remedy: "Install it: apt-get install \(package)",
                exit: .unreachable)
        }
        // The shell leads the errors to where the output goes; the words are arguments of it, not a text that it reads.
        let command = ["/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1", program] + arguments
        let (words, variables) = (command.map { strdup($0) }, [strdup("LC_ALL=C")])
        defer { for text in words + variables { free(text) } }
        var output = [CChar](repeating: 0, count: 64 << 10)
        var (length, code): (Int, Int32) = (0, 0)
        let failure = shoal_capture(words + [nil], variables + [nil], &output, output.count, &length, &code)
        guard failure == 0 else {
            throw Failure("run", program, String(cString: strerror(failure)), exit: .unreachable)
        }
        let said = String(decoding: output.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return Outcome(code: code, words: said.split(separator: "\n").joined(separator: "; "))
    }
}

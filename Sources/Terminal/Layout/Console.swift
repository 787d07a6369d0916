import Glibc
import Synchronization

/// Where a command writes: results to the output, all else to the errors.
public final class Console: Sendable {
    /// One of the two streams.
    public struct Stream: Sendable {
        let write: @Sendable (String) -> Void
        /// The terminal's columns and rows now; nil in a pipe or a file.
        let size: @Sendable () -> (columns: Int, rows: Int)?
        let style: Style

        /// A stream of your own, such as a string in a test.
        public init(
            size: @escaping @Sendable () -> (columns: Int, rows: Int)? = { nil }, hasColours: Bool = false,
            write: @escaping @Sendable (String) -> Void
        ) {
            self.size = size
            self.write = write
            style = Style(isOn: hasColours)
        }
    }

    private let output: Stream
    let errors: Stream
    /// A clock that never goes back.
    let now: @Sendable () -> Duration
    /// Why something of the output was lost; nil: nothing was, or nobody reads it any more.
    let lost: @Sendable () -> String?

    /// - Parameters:
    ///   - lost: why something of the output was lost, if it was.
    ///   - now: the time since some moment; it never goes back.
    public init(
        output: Stream, errors: Stream, lost: @escaping @Sendable () -> String? = { nil },
        now: @escaping @Sendable () -> Duration
    ) {
        self.output = output
        self.errors = errors
        self.lost = lost
        self.now = now
    }

    /// The process's own streams. Colours only on a terminal, and not with `NO_COLOR` or `TERM=dumb`.
    public static func standard() -> Console {
        let start = ContinuousClock.now
        let lost = Loss()
        return Console(
            output: .descriptor(STDOUT_FILENO) { lost.code.store($0, ordering: .relaxed) },
            errors: .descriptor(STDERR_FILENO),
            lost: {
                let code = lost.code.load(ordering: .relaxed)
                return code == 0 || code == EPIPE ? nil : String(cString: strerror(code))
            }, now: { start.duration(to: .now) })
    }

    /// The output's columns; nil in a pipe, where nothing is cut.
    public var width: Int? { output.size()?.columns }
    /// Whether the errors stream is a terminal, where lines can be redrawn.
    public var isLive: Bool { errors.size() != nil }
    /// Colours for the output.
    public var style: Style { output.style }
    /// Colours for the errors.
    public var errorStyle: Style { errors.style }

    /// Writes `text` to the output as it is.
    public func write(_ text: String) { output.write(text) }

    /// Writes a line to the output.
    public func print(_ line: String = "") { output.write(line + "\n") }

    /// Writes a sentence to the output; on a terminal it is broken between words.
    public func say(_ sentence: String) {
        print(lines: width.map { wrapped(sentence, width: $0) } ?? [sentence])
    }

    /// Writes a table to the output.
    public func print(_ table: Table) { print(lines: table.lines(width: width, style: style)) }

    /// Writes names and values to the output.
    public func print(_ values: KeyValues) { print(lines: values.lines(width: width, style: style)) }

    /// Writes a line to the errors.
    public func complain(_ line: String) { errors.write(line + "\n") }

    private func print(lines: [String]) { output.write(lines.map { $0 + "\n" }.joined()) }
}

/// The error number of the last write that failed; 0: none did.
private final class Loss: Sendable {
    let code = Atomic<CInt>(0)
}

extension Console.Stream {
    /// A file descriptor of this process.
    ///
    /// - Parameter onLoss: takes the error number when something could not be written.
    static func descriptor(
        _ descriptor: CInt, onLoss: @escaping @Sendable (CInt) -> Void = { _ in }
    ) -> Console.Stream {
        let isTerminal = isatty(descriptor) == 1
        let isDumb = environment("TERM") == "dumb"
        let hasColours = isTerminal && !isDumb && environment("NO_COLOR") == nil
        let size: @Sendable () -> (columns: Int, rows: Int)? = {
            guard isTerminal, !isDumb else { return nil }
            var size = winsize()
            guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
            return (Int(size.ws_col), size.ws_row > 0 ? Int(size.ws_row) : 24)
        }
        return Console.Stream(size: size, hasColours: hasColours) { text in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return onLoss(written < 0 ? errno : ENOSPC) }
                rest = rest.dropFirst(written)
            }
        }
    }
}

/// A variable that is set and not empty.
private func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}

/// How a command ended, as the shell sees it.
public enum ExitCode: Int32, Sendable, CaseIterable {
    /// Done; the answer is yes.
    case done = 0
    /// Done; the answer is no.
    case no = 1
    /// The command line cannot be understood.
    case usage = 2
    /// A node, database or file that is needed cannot be reached.
    case unreachable = 3
    /// Understood, and refused.
    case refused = 4
}

/// What a person is told when a command fails, and how the command ends.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done: `graph import`.
    public var operation: String
    /// What it was done to: a file, an option, a peer.
    public var object: String
    /// Why it failed.
    public var cause: String
    /// What to do about it; may be empty.
    public var remedy: String
    public var exit: ExitCode

    public init(_ operation: String, _ object: String, _ cause: String, remedy: String = "", exit: ExitCode = .refused)
    {
        self.operation = operation
        self.object = object
        self.cause = cause
        self.remedy = remedy
        self.exit = exit
    }

    /// `OPERATION: OBJECT: cause. remedy`, without empty parts; behind a cause of several lines, the remedy is the last.
    public var description: String {
        let parts = [operation, object, cause].filter { !$0.isEmpty }.joined(separator: ": ")
        if remedy.isEmpty { return parts }
        if parts.contains("\n") { return "\(parts)\n\(remedy)" }
        // What others wrote may bring its own full stop.
        return parts.last.map { ".?!".contains($0) } ?? false ? "\(parts) \(remedy)" : "\(parts). \(remedy)"
    }
}

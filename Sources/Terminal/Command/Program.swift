/// A whole command line program.
public struct Program: Sendable {
    public let root: Command
    private let version: String
    private let welcome: String
    private let explain: @Sendable (any Error) -> Failure

    /// - Parameters:
    ///   - welcome: what is printed when there is no argument: where to begin.
    ///   - explain: turns the errors of other modules into what a person reads, and into an exit code.
    public init(root: Command, version: String, welcome: String, explain: @escaping @Sendable (any Error) -> Failure) {
        root.checkNames()
        self.root = root
        self.version = version
        self.welcome = welcome
        self.explain = explain
    }

    /// Runs a command line, without the program's own name.
    ///
    /// Results go to the console's output; failures, as `NAME: OPERATION: OBJECT: cause. remedy`, to its errors.
    /// A result that could not be written, to a full disk for example, is a failure.
    public func run(_ words: [String], console: Console) async -> ExitCode {
        let code = await perform(words, console)
        guard code.rawValue <= ExitCode.no.rawValue, let cause = console.lost() else { return code }
        return report(
            Failure(
                "", "", "the output cannot be written: \(cause)",
                remedy: "What was asked for is done; make room for its answer", exit: .unreachable),
            console)
    }

    private func perform(_ words: [String], _ console: Console) async -> ExitCode {
        do {
            switch try Parser.parse(words, root) {
            case .nothing:
                console.print(welcome)
                return .done
            case .version:
                console.print("\(root.name) \(version)")
                return .done
            case .help(let path):
                console.write(Help.page(path, width: console.width, style: console.style))
                return .done
            case .run(let command, let path, let values, let flags):
                guard let action = command.action else { preconditionFailure("'\(command.name)' does nothing") }
                return try await action(
                    Invocation(console: console, name: path.joined(separator: " "), values: values, flags: flags))
            }
        } catch {
            return report(error as? Failure ?? explain(error), console)
        }
    }

    /// Prints a failure and returns its exit code. Further lines of it are indented; on a terminal a long first
    /// one, which is a sentence, is broken between words.
    public func report(_ failure: Failure, _ console: Console) -> ExitCode {
        var lines = failure.description.split(separator: "\n").map { printable(String($0)) }
        if let first = lines.first, let columns = console.errors.size()?.columns {
            let name = root.name + ": "
            let broken = wrapped(name + first, width: columns, hanging: 2)
            lines.replaceSubrange(
                0...0,
                with: [String(broken[0].dropFirst(name.count))]
                    + broken.dropFirst().map {
                        String($0.dropFirst(2))
                    })
        }
        console.complain("\(console.errorStyle.red("\(root.name):")) \(lines.joined(separator: "\n  "))")
        return failure.exit
    }
}

/// One command of a tree: a leaf that runs, or a group of commands.
public struct Command: Sendable {
    /// A command line and what it does; every command shows at least one.
    public struct Example: Sendable {
        let line: String
        let meaning: String

        public init(_ line: String, _ meaning: String) {
            self.line = line
            self.meaning = meaning
        }
    }

    /// What a command does with a parsed command line.
    public typealias Action = @Sendable (Invocation) async throws -> ExitCode

    public let name: String
    /// One line, in the imperative: `load a graph from a file`.
    public let summary: String
    /// More about it, if one line does not say it; paragraphs are separated by an empty line.
    public let discussion: String
    public let subcommands: [Command]
    /// The command of a group that runs when none is named.
    let standard: String?
    let arguments: [ArgumentSpec]
    let options: [OptionSpec]
    let flags: [Flag]
    let examples: [Example]
    let action: Action?

    /// A command that runs.
    public init(
        _ name: String, summary: String, discussion: String = "", arguments: [any ArgumentDeclaration] = [],
        options: [any OptionDeclaration] = [], flags: [Flag] = [], examples: [Example], run: @escaping Action
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.arguments = arguments.map(\.spec)
        self.options = options.map(\.spec)
        self.flags = flags
        self.examples = examples
        subcommands = []
        standard = nil
        action = run
        check()
    }

    /// A group; its options and flags hold for every command in it, before or after the command's name.
    ///
    /// - Parameter standard: the command that runs when none is named; it takes no arguments of its own then.
    public init(
        _ name: String, summary: String, discussion: String = "", options: [any OptionDeclaration] = [],
        flags: [Flag] = [], examples: [Example], subcommands: [Command], standard: String? = nil
    ) {
        self.name = name
        self.summary = summary
        self.discussion = discussion
        arguments = []
        self.options = options.map(\.spec)
        self.flags = flags
        self.examples = examples
        self.subcommands = subcommands
        self.standard = standard
        action = nil
        check()
    }

    /// Declarations are our own: a mistake in them ends the program at its first start.
    private func check() {
        precondition(!examples.isEmpty, "the command '\(name)' has no example")
        precondition(action != nil || !subcommands.isEmpty, "the group '\(name)' is empty")
        for names in [options.map(\.name) + flags.map(\.name), subcommands.map(\.name), arguments.map(\.name)] {
            precondition(Set(names).count == names.count, "the command '\(name)' declares a name twice")
        }
        precondition(!(options.map(\.name) + flags.map(\.name)).contains("help"), "'\(name)' redefines --help")
        precondition(
            standard.map { subcommands.map(\.name).contains($0) } ?? true, "the group '\(name)' has no such standard")
        for (earlier, later) in zip(arguments, arguments.dropFirst()) {
            precondition(earlier.count.upperBound == 1, "the command '\(name)' has an argument behind a repeated one")
            precondition(
                earlier.count.lowerBound == 1 || later.count.lowerBound == 0,
                "the command '\(name)' has a required argument behind an optional one")
        }
    }

    /// Checks that no command redefines an option of a group around it.
    func checkNames(inherited: Set<String> = []) {
        let own = Set(optionNames)
        precondition(own.isDisjoint(with: inherited), "the command '\(name)' redefines an option of its group")
        for command in subcommands { command.checkNames(inherited: inherited.union(own)) }
    }

    /// Every command of the tree with its full name, depth first: for completions and for tests of the whole tree.
    public var all: [(path: [String], command: Command)] {
        [([name], self)] + subcommands.flatMap { $0.all.map { ([name] + $0.path, $0.command) } }
    }

    /// The options and flags that may be typed, with dashes.
    public var optionNames: [String] {
        (options.map(\.name) + flags.map(\.name)).sorted().map { "--\($0)" }
    }
}

/// A parsed command line.
public struct Invocation: Sendable {
    /// Where the command writes to.
    public let console: Console
    /// The command's full name: `shoal graph import`.
    public let name: String
    let values: [String: any Sendable]
    /// Every flag of the command, and whether it was given.
    let flags: [String: Bool]

    public subscript<Value>(option: Option<Value>) -> Value { value("--\(option.spec.name)") }
    public subscript<Value>(argument: Argument<Value>) -> Value { value(argument.spec.name) }
    public subscript(flag: Flag) -> Bool {
        guard let given = flags[flag.name] else { preconditionFailure("'\(name)' does not declare --\(flag.name)") }
        return given
    }

    private func value<Value>(_ key: String) -> Value {
        guard let value = values[key] as? Value else { preconditionFailure("'\(name)' does not declare \(key)") }
        return value
    }
}

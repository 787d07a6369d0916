/// The help page of a command, from its declaration.
struct Help {
    /// Longer lines are hard to read, however wide the terminal is.
    static let maxWidth = 100
    /// Option columns wider than this put their text on the next line.
    private static let maxTermWidth = 30

    private let path: [Command]
    private let width: Int
    private let style: Style
    private var lines: [String] = []

    /// - Parameter path: the commands from the root to the one explained.
    static func page(_ path: [Command], width: Int?, style: Style) -> String {
        var help = Help(path: path, width: min(width ?? maxWidth, maxWidth), style: style)
        help.write()
        return help.lines.joined(separator: "\n") + "\n"
    }

    private init(path: [Command], width: Int, style: Style) {
        self.path = path
        self.width = max(width, 40)
        self.style = style
    }

    private var command: Command { path[path.count - 1] }
    private var name: String { path.map(\.name).joined(separator: " ") }

    private mutating func write() {
        lines += wrapped("\(name): \(command.summary)", width: width)
        section("USAGE")
        lines += wrapped(usage, width: width - 2, hanging: 4).map { "  " + $0 }
        if !command.discussion.isEmpty {
            section("DESCRIPTION")
            for (index, paragraph) in command.discussion.split(separator: "\n\n").enumerated() {
                if index > 0 { lines.append("") }
                lines += wrapped(String(paragraph), width: width - 2).map { "  " + $0 }
            }
        }
        terms("COMMANDS", command.subcommands.map { ($0.name, summary(of: $0)) })
        terms("ARGUMENTS", command.arguments.map { ($0.name, $0.help) })
        terms("OPTIONS", options(of: command) + [("--help", "show this page")] + version)
        let inherited = path.dropLast().flatMap(options(of:))
        terms("GENERAL OPTIONS", inherited)
        section("EXAMPLES")
        for example in command.examples {
            lines.append("  " + style.bold(example.line))
            lines += wrapped(example.meaning, width: width - 6).map { "      " + $0 }
        }
        if !command.subcommands.isEmpty {
            lines.append("")
            lines += wrapped("'\(name) COMMAND --help' explains a command.", width: width)
        }
    }

    private func summary(of subcommand: Command) -> String {
        subcommand.summary + (subcommand.name == command.standard ? " (runs if none is named)" : "")
    }

    private var version: [(String, String)] { path.count == 1 ? [("--version", "show the version")] : [] }

    private var usage: String {
        guard command.subcommands.isEmpty else {
            return command.standard == nil ? "\(name) COMMAND …" : "\(name) [COMMAND] …"
        }
        var words = [name]
        for option in command.options {
            let text = "--\(option.name) \(option.placeholder)" + (option.isRepeated ? " …" : "")
            words.append(option.isRequired ? text : "[\(text)]")
        }
        words += command.flags.map { "[--\($0.name)]" }
        for argument in command.arguments {
            let text = argument.name + (argument.count.upperBound > 1 ? " …" : "")
            words.append(argument.count.lowerBound > 0 ? text : "[\(text)]")
        }
        // A word that holds a space stays on one line.
        return words.map { $0.replacing(" ", with: noBreakSpace) }.joined(separator: " ")
    }

    private func options(of command: Command) -> [(String, String)] {
        command.options.map { option in
            let note =
                option.isRequired
                ? " (required)"
                : option.defaultText.map { " (default: \($0))" } ?? (option.isRepeated ? " (may be repeated)" : "")
            return ("--\(option.name) \(option.placeholder)", option.help + note)
        } + command.flags.map { ("--\($0.name)", $0.help) }
    }

    private mutating func section(_ title: String) {
        lines += ["", style.bold(title)]
    }

    private mutating func terms(_ title: String, _ terms: [(term: String, meaning: String)]) {
        guard !terms.isEmpty else { return }
        section(title)
        let widest = min(Self.maxTermWidth, width / 2 - 4)
        let column = (terms.map { displayWidth($0.term) }.filter { $0 <= widest }.max() ?? widest) + 2
        for (term, meaning) in terms {
            let text = wrapped(meaning, width: max(width - 2 - column, 20))
            let fits = displayWidth(term) + 2 <= column
            if !fits { lines.append("  " + term) }
            for (index, line) in text.enumerated() {
                let lead = index == 0 && fits ? padded(term, to: column) : String(repeating: " ", count: column)
                lines.append("  " + lead + line)
            }
        }
    }
}

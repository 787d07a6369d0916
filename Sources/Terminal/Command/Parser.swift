/// Reads a command line against a tree of commands.
struct Parser {
    /// What a command line asks for.
    enum Request {
        case run(Command, path: [String], values: [String: any Sendable], flags: [String: Bool])
        /// `--help`, or `help COMMAND`.
        case help(path: [Command])
        case version
        /// No command at all.
        case nothing
    }

    private let root: Command
    private var words: ArraySlice<String>
    private var path: [Command]
    private var positional: [String] = []
    private var given: [String: [String]] = [:]
    private var flags: Set<String> = []

    static func parse(_ words: [String], _ root: Command) throws(Failure) -> Request {
        var parser = Parser(root: root, words: words[...], path: [root])
        return try parser.parse()
    }

    private init(root: Command, words: ArraySlice<String>, path: [Command]) {
        self.root = root
        self.words = words
        self.path = path
    }

    private var command: Command { path[path.count - 1] }
    private var names: [String] { path.map(\.name) }

    private mutating func parse() throws(Failure) -> Request {
        if words.isEmpty { return .nothing }
        if words.first == "help" { return try helpRequest() }
        while let word = words.popFirst() {
            if word == "--" {
                positional += words
                words = []
            } else if word == "--help" || word == "-h" {
                return .help(path: path)
            } else if word == "--version", path.count == 1 {
                return .version
            } else if word.hasPrefix("-"), word != "-", Double(word) == nil {
                try readOption(word)
            } else if command.subcommands.isEmpty {
                positional.append(word)
            } else {
                path.append(try subcommand(word))
            }
        }
        if let standard = command.subcommands.first(where: { $0.name == command.standard }) { path.append(standard) }
        guard command.subcommands.isEmpty else {
            throw usage(command.name, "it needs a command: \(listed(command.subcommands.map(\.name)))")
        }
        let declared = path.flatMap(\.flags).map { ($0.name, flags.contains($0.name)) }
        return .run(command, path: names, values: try values(), flags: Dictionary(uniqueKeysWithValues: declared))
    }

    /// `help graph import`, and `help` alone.
    private mutating func helpRequest() throws(Failure) -> Request {
        for word in words.dropFirst() where !word.hasPrefix("-") { path.append(try subcommand(word)) }
        return .help(path: path)
    }

    private func subcommand(_ word: String) throws(Failure) -> Command {
        if let found = command.subcommands.first(where: { $0.name == word }) { return found }
        let near = nearest(to: word, among: command.subcommands.map(\.name))
        throw usage(printable(word), "there is no such command", meant: near)
    }

    private mutating func readOption(_ word: String) throws(Failure) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let typed = String(parts[0])
        let name = String(typed.drop { $0 == "-" })
        if typed.hasPrefix("--"), let option = path.flatMap(\.options).first(where: { $0.name == name }) {
            try take(option, inline: parts.count == 2 ? String(parts[1]) : nil)
        } else if typed.hasPrefix("--"), path.flatMap(\.flags).contains(where: { $0.name == name }) {
            guard parts.count == 1 else { throw usage(typed, "it takes no value") }
            flags.insert(name)
        } else {
            let known = path.flatMap(\.optionNames) + ["--help"]
            let near = nearest(to: typed.hasPrefix("--") ? typed : "-\(typed)", among: known)
            throw usage(printable(typed), "there is no such option", meant: near)
        }
    }

    private mutating func take(_ option: OptionSpec, inline: String?) throws(Failure) {
        let object = "--\(option.name)"
        var value = inline
        if value == nil, let next = words.first, !isKnownOption(next) {
            value = next
            words.removeFirst()
        }
        guard let value else { throw usage(object, "its value \(option.placeholder) is missing") }
        guard option.isRepeated || given[option.name] == nil else { throw usage(object, "it is given twice") }
        given[option.name, default: []].append(value)
    }

    /// A value may begin with a dash, unless it is an option of this command: then a value was forgotten.
    private func isKnownOption(_ word: String) -> Bool {
        let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
        return word == "--" || (path.flatMap(\.optionNames) + ["--help", "-h"]).contains(name)
    }

    private func values() throws(Failure) -> [String: any Sendable] {
        var values: [String: any Sendable] = [:]
        for option in path.flatMap(\.options) {
            do throws(WrongValue) {
                values["--\(option.name)"] = try option.parse(given[option.name] ?? [])
            } catch {
                throw usage("--\(option.name)", error.cause)
            }
        }
        var rest = positional[...]
        for argument in command.arguments {
            let taken = Array(rest.prefix(argument.count.upperBound))
            rest = rest.dropFirst(taken.count)
            guard taken.count >= argument.count.lowerBound else { throw usage(argument.name, "it is missing") }
            do throws(WrongValue) {
                values[argument.name] = try argument.parse(taken)
            } catch {
                throw usage(argument.name, error.cause)
            }
        }
        if let extra = rest.first { throw usage(printable(extra), "there is no place for this argument") }
        return values
    }

    private func usage(_ object: String, _ cause: String, meant: String? = nil) -> Failure {
        let name = names.joined(separator: " ")
        let operation = path.count == 1 ? "" : names.dropFirst().joined(separator: " ")
        let question = meant.map { "Did you mean '\($0)'? " } ?? ""
        return Failure(
            operation, object == operation ? "" : object, cause, remedy: "\(question)See '\(name) --help'", exit: .usage
        )
    }
}

/// The candidate with the fewest typing mistakes, if it is near enough to be meant.
func nearest(to word: String, among candidates: [String]) -> String? {
    let scored = candidates.map { ($0, typingDistance(word, $0)) }
    guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
    let meaningful = best.0.drop { $0 == "-" }.count
    return best.1 <= max(1, min(3, (meaningful + 1) / 3)) || (word.count >= 2 && best.0.hasPrefix(word)) ? best.0 : nil
}

/// The number of insertions, deletions, replacements and swaps of neighbours that turn one word into the other
/// (optimal string alignment distance).
func typingDistance(_ one: String, _ other: String) -> Int {
    let one = Array(one)
    let other = Array(other)
    var before: [Int] = []
    var last = Array(0...other.count)
    for row in one.indices {
        var current = [row + 1]
        for column in other.indices {
            let replaced = last[column] + (one[row] == other[column] ? 0 : 1)
            var best = min(replaced, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                best = min(best, before[column - 1] + 1)
            }
            current.append(best)
        }
        before = last
        last = current
    }
    return last[other.count]
}

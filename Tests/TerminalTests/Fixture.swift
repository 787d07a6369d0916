import Synchronization

@testable import Terminal

/// A console whose streams are strings and whose clock is set by hand.
final class Recorder: Sendable {
    private struct State {
        var output = ""
        var errors = ""
        var now = Duration.zero
        var size: (columns: Int, rows: Int)?
    }
    private let state: Mutex<State>

    init(columns: Int? = nil, rows: Int = 24) {
        state = Mutex(State(size: columns.map { ($0, rows) }))
    }

    func console(hasColours: Bool = false) -> Console {
        let size: @Sendable () -> (columns: Int, rows: Int)? = { self.state.withLock { $0.size } }
        return Console(
            output: .init(size: size, hasColours: hasColours) { text in self.state.withLock { $0.output += text } },
            errors: .init(size: size, hasColours: hasColours) { text in self.state.withLock { $0.errors += text } },
            now: { self.state.withLock { $0.now } })
    }

    var output: String { state.withLock { $0.output } }

    /// What came since the last look.
    func takeErrors() -> String {
        state.withLock { state in
            defer { state.errors = "" }
            return state.errors
        }
    }

    func advance(_ time: Duration) { state.withLock { $0.now += time } }
    func resize(columns: Int, rows: Int) { state.withLock { $0.size = (columns, rows) } }
}

/// What a terminal shows after `text`: lines, cursor up, erase line and erase below, which is all we write.
struct Screen {
    private(set) var lines: [String] = [""]
    private var row = 0

    mutating func feed(_ text: String) {
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\n":
                row += 1
                if row == lines.count { lines.append("") }
            case "\r": lines[row] = lines[row]
            case "\u{1B}":
                let code = rest.dropFirst().prefix { !$0.isLetter }
                rest = rest.dropFirst(1 + code.count)
                switch rest.popFirst() {
                case "A": row -= Int(code) ?? 1
                case "J":
                    lines.removeSubrange((row + 1)...)
                    lines[row] = ""
                default: break
                }
            default: lines[row].append(character)
            }
        }
    }

    var text: String { lines.joined(separator: "\n") }
}

/// A small tree with one of everything.
enum Sample {
    enum Form: String, CaseIterable { case tsv, jsonl, tree }

    static let steps = Option("steps", .integer(1...1000), default: 200, "training steps")
    static let rate = Option("rate", .number(0...1), "the learning rate")
    static let form = Option("format", .choice(Form.self), default: .tsv, "what the file holds")
    static let peer = Option(required: "peer", .hostAndPort, "whom to ask")
    static let tags = Option(repeated: "tag", .text, "a word to remember")
    static let wait = Option("wait", .duration, default: .seconds(30), "how long to wait")
    static let json = Flag("json", "print one JSON object")
    static let data = Option("data-dir", .path.named("DIR"), "the node's directory")
    static let file = Argument("FILE", .path, "the file to read")
    static let more = Argument(repeated: "MORE", .text, atLeast: 0, "more files")
    static let name = Argument(optional: "NAME", .text, "the name")

    static func tree(_ seen: @escaping @Sendable (Invocation) throws -> ExitCode = { _ in .done }) -> Command {
        Command(
            "shoal", summary: "learn together", options: [data], examples: [.init("shoal demo", "Play.")],
            subcommands: [
                Command(
                    "graph", summary: "the graph of this site", examples: [.init("shoal graph stats", "Count.")],
                    subcommands: [
                        Command(
                            "import", summary: "load a graph from a file",
                            discussion:
                                "Reads triples and adds them to the graph of this site. A file that cannot be read to its end leaves the graph as it was.",
                            arguments: [file, more], options: [form, wait, tags], flags: [json],
                            examples: [.init("shoal graph import train.txt", "Load the triples of a TSV file.")]
                        ) { try seen($0) }
                    ]),
                Command(
                    "peers", summary: "the other sites", flags: [json], examples: [.init("shoal peers", "List them.")],
                    subcommands: [
                        Command("list", summary: "list them", examples: [.init("shoal peers list", "List them.")]) {
                            try seen($0)
                        }
                    ], standard: "list"),
                Command(
                    "train", summary: "train the model", arguments: [name], options: [steps, rate], flags: [json],
                    examples: [.init("shoal train --steps 50", "Train for 50 steps.")]
                ) { try seen($0) },
                Command(
                    "ask", summary: "ask a peer", options: [peer], examples: [.init("shoal ask --peer a:1", "Ask.")]
                ) { try seen($0) },
            ])
    }
}

import Testing

@testable import Terminal
@testable import shoal

@Suite struct TreeTests {
    @Test func `every command explains itself with examples that it understands`() async throws {
        for (path, command) in program.root.all {
            let help = await run(path.dropFirst() + ["--help"])
            #expect(help.code == .done, "\(path)")
            #expect(help.output.contains("EXAMPLES"), "\(path)")
            #expect(help.output.split(separator: "\n").allSatisfy { displayWidth(String($0)) <= 100 }, "\(path)")
            for example in command.examples {
                #expect(throws: Never.self, "\(example.line)") {
                    let request = try Parser.parse(Self.words(example.line), program.root)
                    if case .run(_, let parsed, _, _) = request, command.subcommands.isEmpty {
                        #expect(parsed == path, "\(example.line)")
                    }
                }
            }
        }
    }

    @Test func `an answer that cannot be written is a failure`() async {
        let errors = Text()
        let console = Console(
            output: .init { _ in }, errors: .init { errors.append($0) }, lost: { "No space left on device" },
            now: { .zero })
        #expect(await program.run(["--version"], console: console) == .unreachable)
        #expect(errors.text.contains("the output cannot be written: No space left on device"))
    }

    @Test func `every command prints JSON when asked to`() {
        for (path, command) in program.root.all where command.subcommands.isEmpty {
            let above = path.indices.map { Array(path[...$0]) }
            let options = program.root.all.filter { above.contains($0.path) }.flatMap(\.command.optionNames)
            #expect(options.contains("--json"), "\(path.joined(separator: " "))")
        }
    }

    @Test func `a command line that is not understood is exit code 2 with a pointer to the help`() async {
        for line in [
            ["prune"], ["graph"], ["graph", "import"], ["model", "train"], ["model", "predict", "--agent", "a"],
            ["init"], ["init", "--name"], ["network", "new", "n"], ["ops", "list", "--limit", "0"],
            ["peers", "add", "no-id"], ["model", "create", "--agent", "a", "--dim", "4"], ["status", "--jsn"],
        ] {
            let outcome = await run(line)
            #expect(outcome.code == .usage, "\(line): \(outcome.errors)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.hasPrefix("shoal: "), "\(line)")
        }
    }

    /// Words as a shell splits them, as far as examples need it.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case " " where !isQuoted:
                words.append(word)
                word = ""
            default: word.append(character)
            }
        }
        // Placeholders stand for values of a type.
        return (words + [word]).dropFirst().map { $0 == "PEER_ID" ? String(repeating: "ab", count: 32) : $0 }
    }
}

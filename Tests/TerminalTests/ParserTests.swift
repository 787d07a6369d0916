import Synchronization
import Testing

@testable import Terminal

@Suite struct ParserTests {
    private func run(
        _ line: String, columns: Int? = nil,
        _ seen: @escaping @Sendable (Invocation) throws -> ExitCode = { _ in .done }
    ) async -> (ExitCode, Recorder) {
        let recorder = Recorder(columns: columns)
        let program = Program(root: Sample.tree(seen), version: "1.2", welcome: "Begin with 'shoal demo'.") { error in
            Failure("run", "", "\(error)", exit: .unreachable)
        }
        let words = line.split(separator: " ", omittingEmptySubsequences: true).map { $0 == "''" ? "" : String($0) }
        return (await program.run(words, console: recorder.console()), recorder)
    }

    @Test func `values arrive typed, in every spelling and order`() async {
        for line in [
            "--data-dir /d graph import --format jsonl a b c --tag x --json --tag y --wait 5m",
            "graph import a --format=jsonl --json --tag=x b --wait=300s --data-dir=/d c --tag y",
            "graph --data-dir /d import --tag x --tag y --wait 5m --json --format jsonl -- a b c",
        ] {
            let (code, recorder) = await run(line) { call in
                #expect(call.name == "shoal graph import")
                #expect(call[Sample.data] == "/d")
                #expect(call[Sample.form] == .jsonl)
                #expect(call[Sample.tags] == ["x", "y"])
                #expect(call[Sample.wait] == .seconds(300))
                #expect(call[Sample.file] == "a")
                #expect(call[Sample.more] == ["b", "c"])
                #expect(call[Sample.json])
                return .no
            }
            #expect(code == .no, "\(line): \(recorder.takeErrors())")
        }
    }

    @Test func `a group runs its standard command when none is named`() async {
        let (code, recorder) = await run("peers --json") { call in
            #expect(call.name == "shoal peers list")
            #expect(call[Sample.json])
            return .no
        }
        #expect(code == .no, "\(recorder.takeErrors())")
        let (wrong, _) = await run("peers lost")
        #expect(wrong == .usage)
    }

    @Test func `defaults hold where nothing is given`() async {
        let (code, _) = await run("train") { call in
            #expect(call[Sample.steps] == 200)
            #expect(call[Sample.rate] == nil)
            #expect(call[Sample.name] == nil)
            #expect(!call[Sample.json])
            return .done
        }
        #expect(code == .done)
    }

    @Test func `a dash may begin a value, a number or stand for itself`() async {
        _ = await run("graph import - --tag -x -- --json") { call in
            #expect(call[Sample.file] == "-")
            #expect(call[Sample.tags] == ["-x"])
            #expect(call[Sample.more] == ["--json"])
            #expect(!call[Sample.json])
            return .done
        }
        _ = await run("train -5") { call in
            #expect(call[Sample.name] == "-5")
            return .done
        }
    }

    @Test(arguments: [
        ("trian", "shoal: trian: there is no such command. Did you mean 'train'? See 'shoal --help'"),
        ("quux", "shoal: quux: there is no such command. See 'shoal --help'"),
        ("graph imp", "shoal: graph: imp: there is no such command. Did you mean 'import'? See 'shoal graph --help'"),
        ("graph", "shoal: graph: it needs a command: import. See 'shoal graph --help'"),
        (
            "train --step 5",
            "shoal: train: --step: there is no such option. Did you mean '--steps'? See 'shoal train --help'"
        ),
        (
            "train --stpes=5",
            "shoal: train: --stpes: there is no such option. Did you mean '--steps'? See 'shoal train --help'"
        ),
        ("train --zzzzzz", "shoal: train: --zzzzzz: there is no such option. See 'shoal train --help'"),
        (
            "train -json",
            "shoal: train: -json: there is no such option. Did you mean '--json'? See 'shoal train --help'"
        ),
        ("train --json=yes", "shoal: train: --json: it takes no value. See 'shoal train --help'"),
        ("train --steps", "shoal: train: --steps: its value N is missing. See 'shoal train --help'"),
        ("train --steps --json", "shoal: train: --steps: its value N is missing. See 'shoal train --help'"),
        ("train --steps 1 --steps 2", "shoal: train: --steps: it is given twice. See 'shoal train --help'"),
        (
            "train --steps 0",
            "shoal: train: --steps: '0' is not a whole number from 1 to 1000. See 'shoal train --help'"
        ),
        (
            "train --steps 1e3",
            "shoal: train: --steps: '1e3' is not a whole number from 1 to 1000. See 'shoal train --help'"
        ),
        ("train --steps=", "shoal: train: --steps: '' is not a whole number from 1 to 1000. See 'shoal train --help'"),
        ("train --rate nan", "shoal: train: --rate: 'nan' is not a number from 0.0 to 1.0. See 'shoal train --help'"),
        ("train a b", "shoal: train: b: there is no place for this argument. See 'shoal train --help'"),
        ("ask", "shoal: ask: --peer: it is missing. See 'shoal ask --help'"),
        (
            "ask --peer host",
            "shoal: ask: --peer: 'host' is not an address like 127.0.0.1:4747 or [::1]:4747. See 'shoal ask --help'"
        ),
        (
            "ask --peer ::1:5",
            "shoal: ask: --peer: '::1:5' is not an address like 127.0.0.1:4747 or [::1]:4747. See 'shoal ask --help'"
        ),
        (
            "ask --peer h:65536",
            "shoal: ask: --peer: 'h:65536' is not an address like 127.0.0.1:4747 or [::1]:4747. See 'shoal ask --help'"
        ),
        ("graph import", "shoal: graph import: FILE: it is missing. See 'shoal graph import --help'"),
        ("graph import ''", "shoal: graph import: FILE: '' is not a path. See 'shoal graph import --help'"),
        (
            "graph import a --format xml",
            "shoal: graph import: --format: 'xml' is not one of tsv, jsonl or tree. See 'shoal graph import --help'"
        ),
        (
            "graph import a --wait 5",
            "shoal: graph import: --wait: '5' is not a time like 500ms, 30s, 5m or 2h. See 'shoal graph import --help'"
        ),
    ])
    func `a wrong command line is a usage error that says what to do`(line: String, message: String) async {
        let (code, recorder) = await run(line) { _ in
            Issue.record("the command ran")
            return .done
        }
        #expect(code == .usage)
        #expect(recorder.takeErrors() == message + "\n")
        #expect(recorder.output == "")
    }

    @Test func `failures become one line and an exit code`() async {
        let (refused, first) = await run("train") { _ in
            throw Failure("train", "model 'm'", "it is gone\u{1B}[2J", remedy: "Create it", exit: .refused)
        }
        #expect(refused == .refused)
        #expect(first.takeErrors() == "shoal: train: model 'm': it is gone\\u{1b}[2J. Create it\n")
        struct Other: Error {}
        let (other, second) = await run("train") { _ in throw Other() }
        #expect(other == .unreachable)
        #expect(second.takeErrors() == "shoal: run: Other()\n")
    }

    @Test func `on a terminal a failure is broken between words, and what follows it is left as it is`() async {
        let (_, recorder) = await run("train", columns: 30) { _ in
            throw Failure("train", "", "it is gone for good\n  a  log line that is longer than the terminal")
        }
        #expect(
            recorder.takeErrors() == """
                shoal: train: it is gone for
                  good
                    a  log line that is longer than the terminal

                """)
    }

    @Test func `no argument prints where to begin, --version the version`() async {
        let (nothing, first) = await run("")
        #expect(nothing == .done)
        #expect(first.output == "Begin with 'shoal demo'.\n")
        let (version, second) = await run("--version")
        #expect(version == .done)
        #expect(second.output == "shoal 1.2\n")
    }

    @Test(arguments: ["train --help", "help train", "train -h --nonsense", "train --steps 5 x --help"])
    func `help is found wherever it is asked for`(line: String) async {
        let (code, recorder) = await run(line)
        #expect(code == .done)
        #expect(recorder.output.hasPrefix("shoal train: train the model\n"))
    }

    @Test func `the whole tree can be listed`() {
        let all = Sample.tree().all
        #expect(
            all.map { $0.path.joined(separator: " ") } == [
                "shoal", "shoal graph", "shoal graph import", "shoal peers", "shoal peers list", "shoal train",
                "shoal ask",
            ])
        #expect(all[5].command.optionNames == ["--json", "--rate", "--steps"])
    }

    @Test(arguments: [
        ("import", "import", 0), ("imoprt", "import", 1), ("improt", "import", 1), ("imprt", "import", 1),
        ("", "abc", 3), ("ca", "abc", 3),
    ])
    func `typing mistakes are counted`(one: String, other: String, distance: Int) {
        #expect(typingDistance(one, other) == distance)
        #expect(typingDistance(other, one) == distance)
    }
}

import Foundation
import Testing

@testable import Terminal
@testable import shoal

/// The scripts are run by the shells that read them, where they are installed; bash always is.
@Suite struct CompletionsTests {
    private func bash(_ words: [String]) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let script =
            Completions.script(for: .bash, of: program.root)
            + "\nCOMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); _shoal; printf '%s\\n' \"${COMPREPLY[@]}\""
        process.arguments = ["--norc", "-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `bash completes commands, options and choices at their place`() throws {
        #expect(try bash(["shoal", "sta"]) == ["status"])
        #expect(try bash(["shoal", "graph", "imp"]) == ["import"])
        #expect(try bash(["shoal", "graph", "import", "--spl"]) == ["--split"])
        #expect(try bash(["shoal", "completions", "--js"]) == ["--json"])
        #expect(try bash(["shoal", "graph", "import", "--split", "v"]) == ["valid"])
        #expect(try bash(["shoal", "status", "--nonsense"]) == [])
    }

    @Test(arguments: Completions.Shell.allCases)
    func `a script knows every command`(shell: Completions.Shell) {
        let script = Completions.script(for: shell, of: program.root)
        for (path, _) in program.root.all.dropFirst() {
            #expect(script.contains(path.joined(separator: " ")), "\(path)")
        }
    }

    @Test func `the man page has every command, and no line that troff would take for a request`() {
        let page = ManPage.text(of: program.root, version: "1")
        for (path, command) in program.root.all.dropFirst() where command.subcommands.isEmpty {
            #expect(page.contains(".SS \(path.joined(separator: " ").replacing("-", with: "\\-"))\n"), "\(path)")
        }
        let requests: Set<String> = [".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I"]
        for line in page.split(separator: "\n") where line.hasPrefix(".") {
            #expect(requests.contains(String(line.prefix { $0 != " " })), "\(line)")
        }
    }
}

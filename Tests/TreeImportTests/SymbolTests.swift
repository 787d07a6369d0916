import Graph
import Testing
import Wire

@testable import TreeImport

@Suite struct SymbolTests {
    @Test func `symbols are nodes below the symbol around them, with kind, line, scope and their own text`() throws {
        let folder = Folder().add(
            "m.py",
            """
            import os

            class Parser(object):
                limit = 3

                def next(self, count):
                    return count

            def main():
                pass
            """)
        let (records, report) = try folder.read()
        #expect(report.symbolTrouble == nil)
        #expect(report.symbols == 4)
        let parser = try #require(records.node("t/m.py::Parser"))
        #expect((parser.kind, parser.parent, parser.position, parser.language) == ("class", "t/m.py", 0, "python"))
        #expect(parser.content == "class Parser(object):", "up to the first symbol inside it")
        #expect(parser.metadata == Bytes(#"{"line":3,"end_line":7}"#.utf8))
        let next = try #require(records.node("t/m.py::Parser.next"))
        #expect((next.kind, next.parent, next.position) == ("member", "t/m.py::Parser", 1))
        #expect(next.content == "def next(self, count):\n        return count")
        #expect(
            next.metadata == Bytes(#"{"line":6,"end_line":7,"scope":"Parser","signature":"(self, count)"}"#.utf8))
        #expect(records.node("t/m.py::main")?.parent == "t/m.py")
    }

    @Test func `two symbols of one name are two nodes`() throws {
        let folder = Folder().add(
            "m.c", "int f(int a);\n#ifdef X\nint f(int a) { return 1; }\n#else\nint f(int a) { return 2; }\n#endif\n")
        let (records, _) = try folder.read()
        #expect(records.nodes.filter { $0.kind == "function" }.map(\.name) == ["t/m.c::f", "t/m.c::f~2"])
    }

    @Test func `keys of data and headings of prose are no symbols`() throws {
        let folder = Folder().add("a.json", #"{"key": {"inner": 1}}"#).add("b.md", "# Head\n").add("c.yaml", "key: 1\n")
            .add("d", "{\"key\": 1}").add("e.html", "<h1>Head</h1>")
        #expect(try folder.read().report.symbols == 0)
    }

    @Test func `option files of a hostile tree are not read`() throws {
        let folder = Folder().add(
            ".ctags.d/evil.ctags", "--langdef=Evil\n--map-Evil=+.evil\n--regex-Evil=/^(.*)$/\\1/x/\n"
        )
        .add(".ctags", "--exclude=*\n").add("a.evil", "word\n").add("m.c", "int f(void) { return 1; }\n")
        let (records, report) = try folder.read { $0.includesHidden = true }
        #expect(report.files == 4)
        #expect(!records.nodes.contains { $0.name.hasPrefix("t/a.evil:") })
        #expect(records.node("t/m.c::f") != nil)
    }

    @Test func `a line break in a name costs the symbols of that file alone`() throws {
        let folder = Folder().add("a\nb.c", "int f(void) { return 1; }\n").add("-n.c", "int g(void) { return 1; }\n")
        let (records, report) = try folder.read()
        #expect(report.count(.lineBreakInName) == 1)
        #expect(records.node("t/a\nb.c") != nil)
        #expect(records.node("t/-n.c::g") != nil)
    }

    @Test func `without symbols nothing is asked of ctags`() throws {
        let folder = Folder().add("m.c", "int f(void) { return 1; }\n")
        let (records, report) = try folder.read { $0.readsSymbols = false }
        #expect(records.nodes.count == 2)
        #expect(report.symbols == 0 && report.symbolTrouble == nil)
    }

    @Test func `a program that is no universal-ctags is named, with the way out`() throws {
        let sources = try PathList(below: "/tmp")
        #expect(try sources.append("x.c"))
        for program in ["/bin/cat", "/bin/false", "/nonexistent/ctags"] {
            let error = #expect(throws: TreeError.self) { try CTags(program: program).run(sources) { _ in } }
            guard case .symbols(let cause) = error else {
                Issue.record("\(program): \(String(describing: error))")
                continue
            }
            #expect(!cause.isEmpty)
            #expect(error?.remedy.contains("--no-symbols") == true)
        }
    }

    @Test func `a reader that fails ends the program`() throws {
        struct Stop: Error {}
        let folder = Folder().add("m.c", String(repeating: "int f(void) { return 1; }\n", count: 20_000))
        let sources = try PathList(below: folder.path)
        #expect(try sources.append("m.c"))
        let program = try #require(CTags.program)
        #expect(throws: Stop.self) { try CTags(program: program).run(sources) { _ in throw Stop() } }
    }
}

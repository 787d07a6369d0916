import Glibc
import Graph
import Testing
import Wire

@testable import TreeImport

@Suite struct HostileTreeTests {
    @Test func `symbolic links are not followed, pipes are not opened`() throws {
        let folder = Folder().add("a/b.md", "# B\n")
        symlink("..", "\(folder.path)/a/loop")
        symlink("/etc/passwd", "\(folder.path)/secret.md")
        symlink("nowhere", "\(folder.path)/dangling")
        mkfifo("\(folder.path)/pipe.md", 0o600)
        let (records, report) = try folder.read()
        #expect(records.nodes.map(\.name) == ["t", "t/a", "t/a/b.md", "t/a/b.md#b"])
        #expect(report.count(.symbolicLink) == 3)
        #expect(report.count(.special) == 1)
    }

    @Test func `hidden and ignored names are left out and counted`() throws {
        let folder = Folder().add(".git/config", "x").add(".env", "x").add("a.o", "x").add("src/b.o", "x").add(
            "src/c.txt", "x"
        )
        .add("docs/d.txt", "x").add("docs/sub/d.txt", "x").add("build/e.txt", "x").add("src/build", "x")
        let (records, report) = try folder.read { $0.ignored = ["*.o", "docs/*.txt", "build/"] }
        #expect(
            records.nodes.map(\.name) == [
                "t", "t/docs", "t/docs/sub", "t/docs/sub/d.txt", "t/src", "t/src/build", "t/src/c.txt",
            ])
        #expect(report.count(.hidden) == 2)
        #expect(report.count(.ignored) == 4)
        let hidden = try folder.read { $0.includesHidden = true }
        #expect(hidden.records.node("t/.env") != nil)
        #expect(hidden.records.node("t/.git") == nil, "never")
    }

    @Test func `files without usable text are nodes without text, and counted by reason`() throws {
        let folder = Folder().add("bin.md", [0x23, 0x20, 0x00]).add("latin.md", [0x23, 0x20, 0xE9, 0x0A]).add(
            "bom.md", [0xEF, 0xBB, 0xBF] + Bytes("# T\n".utf8)
        )
        .add("empty.md").add("empty.txt").add("large.txt", Bytes(repeating: 0x61, count: TreeLimits.fileBytes + 1))
        .add("long.txt", String(repeating: "é", count: TreeLimits.textBytes))
        let (records, report) = try folder.read()
        #expect(report.files == 7)
        #expect(
            (report.count(.binary), report.count(.notUTF8), report.count(.tooLarge), report.truncated) == (1, 1, 1, 1))
        #expect(records.node("t/latin.md")?.content == nil)
        #expect(records.node("t/empty.md")?.content == nil)
        #expect(records.node("t/bom.md#t") != nil)
        #expect(records.node("t/long.txt")?.content == String(repeating: "é", count: TreeLimits.textBytes / 2))
    }

    @Test func `Markdown that is too large to be taken apart is text`() throws {
        let folder = Folder().add(
            "a.md", "# A\n" + String(repeating: "[a](b) ", count: TreeLimits.markdownBytes / 7 + 1))
        let (records, report) = try folder.read()
        #expect(records.nodes.map(\.name) == ["t", "t/a.md"])
        #expect(records.node("t/a.md")?.content?.hasPrefix("# A\n[a](b)") == true)
        #expect((report.count(.largeMarkdown), report.truncated) == (1, 1))
    }

    @Test func `what may not be read is counted`() async {
        // In a process of its own: root, who reads everything, becomes somebody else there.
        await #expect(processExitsWith: .success) {
            if geteuid() == 0 { precondition(setuid(65_534) == 0, "cannot become another user") }
            let folder = Folder().add("a/b.md").add("c.md", "# C\n")
            chmod("\(folder.path)/a", 0)
            chmod("\(folder.path)/c.md", 0)
            defer { chmod("\(folder.path)/a", 0o700) }
            let (records, report) = try folder.read()
            #expect(records.nodes.map(\.name) == ["t", "t/c.md"])
            #expect((report.count(.unreadableFolder), report.count(.unreadableFile)) == (1, 1))
        }
    }

    @Test func `a file that breaks off while it is read is counted`() {
        guard let folder = OpenFolder("/proc/self"), case .none(.unreadableFile) = TextFile("mem", in: folder) else {
            Issue.record("address 0 of this process was read")
            return
        }
    }

    @Test func `odd names are kept when they are names`() throws {
        let folder = Folder().add("new\nline.md", "# A\n").add("tab\t\"quote\"\\.md").add(" ", "x").add("$(rm).md").add(
            "ü.md"
        )
        .add("u\u{308}.md")
        let latin: [CChar] = Array("\(folder.path)/bad".utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
        fclose(fopen(latin, "w"))
        let (records, report) = try folder.read()
        #expect(report.files == 6)
        #expect(report.count(.nameNotUTF8) == 1)
        #expect(records.node("t/new\nline.md#a")?.parent == "t/new\nline.md")
        var reader = JSONLReader()
        reader.feed(records.flatMap { JSONLWriter.line($0) })
        var read: [GraphRecord] = []
        while let record = try reader.next() { read.append(record) }
        #expect(read == records)
    }

    @Test func `names and depth are bounded`() throws {
        let folder = Folder()
        let long = String(repeating: "n", count: 250)
        folder.add((0..<5).map { _ in long }.joined(separator: "/") + "/a.md")
        let deep = (0..<TreeLimits.folderDepth + 2).map { "d\($0)" }.joined(separator: "/")
        folder.add("\(deep)/a.md").add("h.md", "# \(String(repeating: "h", count: 5_000))\n")
        let (records, report) = try folder.read()
        #expect(report.count(.nameTooLong) == 1)
        #expect(report.count(.tooDeep) == 1)
        #expect(records.nodes.allSatisfy { CanonicalName.fault(in: Bytes($0.name.utf8)[...]) == nil })
        #expect(records.nodes.map { $0.name.split(separator: "/").count }.max() == TreeLimits.folderDepth)
        #expect(report.sections == 1)
    }

    @Test func `a root that is not there, or a prefix that is no name, is refused`() throws {
        let missing = #expect(throws: TreeError.self) { try Folder().read { $0.root = "/nonexistent/tree" } }
        #expect(missing == .root("/nonexistent/tree", cause: "No such file or directory"))
        #expect(throws: TreeError.self) { try Folder().read { $0.prefix = "" } }
        #expect(throws: TreeError.self) { try Folder().read { $0.prefix = String(repeating: "p", count: 2_000) } }
    }

    @Test func `what the receiver throws ends the import`() throws {
        struct Full: Error {}
        let folder = Folder().add("a.md", "# A\n").add("b.md", "# B\n")
        var count = 0
        #expect(throws: Full.self) {
            try TreeImport.run(TreeOptions(root: folder.path, prefix: "t")) { _ in
                count += 1
                if count == 3 { throw Full() }
            }
        }
        #expect(count == 3)
    }
}

import Glibc
import Graph
import Testing
import Wire

@testable import TreeImport

@Suite struct TreeImportTests {
    @Test func `folders, files and sections are nodes below one another, in order`() throws {
        let folder = Folder().add(
            "guide/intro.md", "Hello.\n\n# Intro\nFirst.\n\n## Setup\nRun it.\n\n## Use\n\n# More\n"
        )
        .add("guide/data.bin", [0, 1, 2]).add("notes.txt", "remember")
        let (records, report) = try folder.read()
        #expect(
            records.nodes.map { "\($0.kind) \($0.name) < \($0.parent ?? "-") @\($0.position)" } == [
                "folder t < - @0", "folder t/guide < t @0", "file t/guide/data.bin < t/guide @0",
                "file t/guide/intro.md < t/guide @1", "section t/guide/intro.md#intro < t/guide/intro.md @0",
                "section t/guide/intro.md#setup < t/guide/intro.md#intro @0",
                "section t/guide/intro.md#use < t/guide/intro.md#intro @1",
                "section t/guide/intro.md#more < t/guide/intro.md @1", "file t/notes.txt < t @1",
            ])
        #expect(records.node("t/guide/intro.md")?.content == "Hello.\n\nIntro\n\nFirst.")
        #expect(records.node("t/guide/intro.md#setup")?.content == "Setup\n\nRun it.")
        #expect(
            records.node("t/guide/intro.md#setup")?.metadata == Bytes(#"{"title":"Setup","level":2,"line":6}"#.utf8))
        #expect(records.node("t/notes.txt")?.content == "remember")
        #expect(records.node("t/guide/data.bin")?.content == nil)
        #expect((report.folders, report.files, report.sections) == (2, 3, 4))
        #expect(report.skipped == [.init(reason: .binary, count: 1, examples: ["guide/data.bin"])])
    }

    @Test func `links lead from their section to the page or section that they name`() throws {
        let folder = Folder().add(
            "a.md",
            """
            [top](b.md) and [rendered](sub/c.html)
            # One
            [s](b.md#deep-end), [again](b.md#deep-end "title"), [ref][], [Ref]  <a id="spot"></a>
            [out](https://example.org/) <mailto:a@example.org>
            ## Two
            [self](#two) [up](#one) [spot](#spot) ![image](b.md) `[code](b.md)`
            ```
            [fenced](b.md)
            # No heading
            ```
            [gone](missing.md) [no anchor](b.md#nowhere) [above](../../x.md) [index](sub/)

            [ref]: sub/c.md#%C3%BCber-uns
            """
        ).add("b.md", "Title\n=====\n\nDeep *end*\n-----\n").add("sub/c.md", "# Über uns\n").add(
            "sub/README.md", "# Sub\n")
        let (records, report) = try folder.read()
        #expect(
            records.links == [
                "t/a.md -> t/b.md", "t/a.md -> t/sub/c.md", "t/a.md#one -> t/b.md#deep-end",
                "t/a.md#one -> t/sub/c.md#über-uns", "t/a.md#two -> t/a.md#one", "t/a.md#two -> t/b.md",
                "t/a.md#two -> t/sub/README.md",
            ])
        #expect(records.edges.map(\.weight) == [1, 1, 2, 2, 2, 1, 1])
        #expect(
            records.edges[2].metadata
                == Bytes(#"{"links":[{"line":3,"text":"s"},{"line":3,"text":"again"}]}"#.utf8))
        let links = report.links
        #expect((links.found, links.resolved, links.edges) == (15, 10, 7))
        #expect((links.external, links.toThemselves, links.unresolved, links.withoutAnchor) == (2, 1, 2, 1))
        #expect(
            links.faults.map { "\($0.file):\($0.line) \($0.target): \($0.cause)" } == [
                "a.md:11 ../../x.md: it leads out of the tree", "a.md:11 missing.md: there is no such file",
                "a.md:11 b.md#nowhere: the page has no such anchor; the edge leads to the page",
            ])
    }

    @Test func `the same tree has the same names wherever it lies, and the same records every time`() throws {
        let texts = [
            ("x/a.md", "# A\n[b](b.md#b)\n"), ("x/b.md", "# B\n[a](a.md)\n"), ("m.c", "int f(void) { return 1; }\n"),
        ]
        let folders = (0..<2).map { _ in texts.reversed().reduce(Folder()) { $0.add($1.0, $1.1) } }
        let one = try folders[0].read { $0.prefix = "team/handbook" }
        let two = try folders[1].read { $0.prefix = "team/handbook" }
        #expect(two.records == one.records && two.report == one.report)
        #expect(one.records.node("team/handbook/x/a.md#a") != nil)
    }

    @Test func `no node is described twice, whatever files and headings are called`() throws {
        let folder = Folder().add("a.md", "# x\n# x\n# x-1\n# ???\n# !!!\n# y {#x}\n> # x\n")
            .add("a.md#x", "x").add("a%23b", "x").add("a#b", "x").add("c::d.c", "int d;").add(
                "c.c", "int d; struct c { int d; };")
        let names = try folder.read().records.nodes.map(\.name)
        #expect(Set(names.map { Bytes($0.utf8) }).count == names.count, "\(names)")
        #expect(names.contains("t/a.md#x-2") && names.contains("t/a.md%23x") && names.contains("t/c%3A%3Ad.c"))
    }

    @Test func `a marker of a numbered rule is an anchor, and its name a target from everywhere`() throws {
        let folder = Folder().add("a.md", "# A\n\nr[a.intro]\nText [b rule]\n\n[b rule]: b.one\n")
            .add("x/b.md", "# B\n\nr[b.one]\n\n## C\n\n[a](../a.md#r-a.intro)\n")
        #expect(try folder.read().records.links == ["t/a.md#a -> t/x/b.md#b", "t/x/b.md#c -> t/a.md#a"])
    }
}

import Testing
import Wire

@testable import TreeImport

@Suite struct MarkdownDocumentTests {
    private func read(_ text: String) -> MarkdownDocument { MarkdownDocument(Bytes(text.utf8)) }

    @Test func `text is plain: no mark-up, no tags, no definitions, code as it is`() {
        let document = read(
            """
            # A *b* `c` [d](e.md) {#own .class}
            Some **bold** text<br>
            over lines.

            - one
            - two

            <div class="note">A <b>note</b><!-- not <i>this</i> --></div>

            ```swift
            let x = 1 // # no heading
            ```

            [e]: e.md
            """)
        #expect(document.sections.map(\.title) == ["A b c d"])
        #expect(document.sections.map(\.slug) == ["own"])
        #expect(
            document.sections[0].text
                == "A b c d {#own .class}\n\nSome bold text\nover lines.\n\none\n\ntwo\n\nA note\n\nlet x = 1 // # no heading"
        )
    }

    @Test func `ATX and setext headings of every level; none in code, lists and quotations`() {
        let document = read(
            "One\n===\n\nTwo\n---\n\n### Three ###\n\n#No\n\n    # code\n\n- # Four\n\n> ## Five\n\n###### Six\n")
        #expect(
            document.sections.map { "\($0.level) \($0.title) \($0.line)" } == [
                "1 One 1", "2 Two 4", "3 Three 7", "6 Six 17",
            ])
        #expect(document.anchors["four"] == .some(2))
        #expect(document.anchors["five"] == .some(2), "an anchor, and no section")
    }

    @Test func `links keep their text and line; images and autolinks are told apart`() {
        let document = read("[a *b* `c`](x.md)\n\n[![img](i.png)](y.md)\n<https://z.org>\n")
        #expect(
            document.links.map { "\($0.line) \($0.target) \($0.text)" } == [
                "1 x.md a b c", "3 y.md img", "4 https://z.org https://z.org",
            ])
        #expect(document.links.allSatisfy { $0.section == nil })
    }

    @Test func `an empty document has nothing`() {
        for text in ["", "\n\n", "<!-- -->", "[a]: b"] {
            let document = read(text)
            #expect(document.preamble == "" && document.sections.isEmpty && document.links.isEmpty, "\(text)")
        }
    }

    @Test func `hostile documents are read in time, and headings are bounded`() {
        let count = 50_000
        for text in [
            String(repeating: "[", count: count), String(repeating: "*a_", count: count),
            String(repeating: "> ", count: 2_000),
            String(repeating: "- ", count: 1_000), String(repeating: "[a](", count: count),
            String(repeating: "<a id='x", count: count),
            String(repeating: "`", count: count), "# " + String(repeating: "{#", count: count),
            "r[" + String(repeating: "a", count: count),
        ] {
            #expect(read(text).sections.count <= 1)
        }
        let many = read(String(repeating: "# a\n", count: TreeLimits.partsPerFile + 5))
        #expect(many.sections.count == TreeLimits.partsPerFile)
        #expect(many.isCut)
        #expect(Set(many.sections.map(\.slug)).count == many.sections.count)
    }
}

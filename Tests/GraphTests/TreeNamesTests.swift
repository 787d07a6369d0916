import Graph
import Testing

@Suite struct TreeNamesTests {
    @Test func `a label has letters, digits and underscores alone, and can be read back`() {
        #expect(TreeLabel.encode("never.md") == "never_2emd")
        #expect(TreeLabel.encode("a_b") == "a_5fb")
        for name in ["never type", "größe", "\n", "a/b#c::d", "😀", "_"] {
            let label = TreeLabel.encode(name)
            #expect(
                label.utf8.allSatisfy {
                    $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                })
            #expect(TreeLabel.decode(label) == name)
        }
    }

    @Test func `a long name's label is cut, and differs where the cut part does`() {
        let name = String(repeating: "x", count: 1_000)
        let labels = ["\(name)1", "\(name)2"].map { TreeLabel.encode($0) }
        #expect(labels[0] != labels[1])
        #expect(labels.allSatisfy { $0.utf8.count == TreeLabel.maxBytes && TreeLabel.decode($0) == nil })
        #expect(TreeLabel.encode(String(repeating: "x", count: TreeLabel.maxBytes)).utf8.count == TreeLabel.maxBytes)
    }

    @Test(arguments: [
        ("a/b.md", "a", "b_2emd"), ("a/b.md#setup", "a/b.md", "setup"), ("a/b.md#setup", "a/b.md#intro", "setup"),
        ("a/b.md#intro-2", "a/b.md#intro", "intro_2d2"), ("m.c::A.f", "m.c::A", "f"), ("m.c::A", "m.c", "A"),
        ("other", "a", "other"), ("a", "a", "a"), ("a/", "a", "a_2f"), ("ab", "a", "ab"), ("x/é", "x/è", "_c3_a9"),
    ])
    func `the label of a node is what its name has more than its parent's`(
        _ name: String, _ parent: String, _ label: String
    ) {
        #expect(TreeLabel.label(of: name, below: parent) == label)
        #expect(TreeLabel.label(of: name, below: nil) == TreeLabel.encode(name))
    }

    @Test func `what follows the first hash or double colon is never part of a file's name`() {
        #expect(TreeName.path("a#b::c%.md", below: "x/y") == "x/y/a%23b%3A%3Ac%25.md")
        #expect(TreeName.path("a%23b", below: nil) == "a%2523b", "so that no two files share a name")
        #expect(TreeName.section("s", of: "x/a.md") == "x/a.md#s")
        #expect(TreeName.symbol("next", scope: "Parser", of: "m.swift") == "m.swift::Parser.next")
        #expect(TreeName.symbol("main", scope: nil, of: "m.c") == "m.c::main")
    }

    @Test(arguments: [
        ("Never type", "never-type"), ("`Option<T>` & co.", "optiont--co"), ("  A  B ", "--a--b-"),
        ("Größe É", "größe-é"),
        ("1.2 It's_x", "12-its_x"), ("???", "section"), ("日本 語", "日本-語"),
    ])
    func `slugs are those of GitHub and mdBook`(_ heading: String, _ slug: String) {
        #expect(MarkdownSlugs.slug(heading) == slug)
    }

    @Test func `a repeated slug gets a number that no other heading has`() {
        var slugs = MarkdownSlugs()
        let unique = ["a", "a", "a-1", "a", "b", "a-1"].map { slugs.unique($0) }
        #expect(unique == ["a", "a-1", "a-1-1", "a-2", "b", "a-1-2"])
        #expect(Set(unique).count == unique.count)
    }

    @Test(arguments: [
        ("b.md", TreeLink.page(path: "x/b.md", fragment: nil)), ("../b.md#s", .page(path: "b.md", fragment: "s")),
        ("#s", .page(path: "x/a.md", fragment: "s")), ("", .page(path: "x/a.md", fragment: nil)),
        ("./y/../b%20c.md?q=1#%C3%A9", .page(path: "x/b c.md", fragment: "é")),
        ("/b.md", .page(path: "b.md", fragment: nil)),
        ("../../b.md", .outside), ("y/../../../b.md", .outside), ("..", .page(path: "", fragment: nil)),
        ("https://example.org/b.md", .external), ("mailto:a@b", .external), ("//host/b", .external),
        ("std::x", .external),
        ("a%FF.md", .malformed), ("a%00", .malformed), ("100%", .page(path: "x/100%", fragment: nil)),
        ("b.md#", .page(path: "x/b.md", fragment: nil)), ("1:2", .page(path: "x/1:2", fragment: nil)),
    ])
    func `a link leads where a browser would go`(_ url: String, _ target: TreeLink) {
        #expect(TreeLink(url, in: "x/a.md") == target, "\(url)")
    }
}

import Testing

@testable import Terminal

@Suite struct HelpTests {
    private func page(_ names: [String], width: Int?) -> String {
        var path = [Sample.tree()]
        for name in names { path.append(path[path.count - 1].subcommands.first { $0.name == name }!) }
        return Help.page(path, width: width, style: .plain)
    }

    @Test func `the page of a command shows all that can be typed`() {
        #expect(
            page(["graph", "import"], width: 72) == """
                shoal graph import: load a graph from a file

                USAGE
                  shoal graph import [--format tsv|jsonl|tree] [--wait TIME]
                      [--tag TEXT …] [--json] FILE [MORE …]

                DESCRIPTION
                  Reads triples and adds them to the graph of this site. A file that
                  cannot be read to its end leaves the graph as it was.

                ARGUMENTS
                  FILE  the file to read
                  MORE  more files

                OPTIONS
                  --format tsv|jsonl|tree  what the file holds (default: tsv)
                  --wait TIME              how long to wait (default: 30 s)
                  --tag TEXT               a word to remember (may be repeated)
                  --json                   print one JSON object
                  --help                   show this page

                GENERAL OPTIONS
                  --data-dir DIR  the node's directory

                EXAMPLES
                  shoal graph import train.txt
                      Load the triples of a TSV file.

                """)
    }

    @Test func `the page of a group lists its commands`() {
        #expect(
            page([], width: nil) == """
                shoal: learn together

                USAGE
                  shoal COMMAND …

                COMMANDS
                  graph  the graph of this site
                  peers  the other sites
                  train  train the model
                  ask    ask a peer

                OPTIONS
                  --data-dir DIR  the node's directory
                  --help          show this page
                  --version       show the version

                EXAMPLES
                  shoal demo
                      Play.

                'shoal COMMAND --help' explains a command.

                """)
    }

    @Test(arguments: [40, 60, 80, 200])
    func `no line is wider than the terminal`(width: Int) {
        for line in page(["graph", "import"], width: width).split(separator: "\n") {
            #expect(displayWidth(String(line)) <= min(width, Help.maxWidth), "\(line)")
        }
    }
}

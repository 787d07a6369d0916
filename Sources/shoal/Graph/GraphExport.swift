internal import API
internal import Synchronization
internal import Terminal

/// `shoal graph export`: the site's graph as a file.
enum GraphExport {
    private static let file = Argument("FILE", .path.named("FILE"), "where it goes; it appears when it is whole")

    private static let format = Option<String?>(
        "format", .choice("tsv", "jsonl"), "what to write (default: by the end of the file's name, or tsv)")

    static let command = Command(
        "export", summary: "write the graph to a file that can be imported again",
        discussion: """
            TSV has one edge a line, head TAB relation TAB tail. JSONL also has the texts of graph nodes, the tree, \
            weights and perspectives. Names are those that people see: where an alias or `--normalize` made ids, \
            import the file in the same way.
            """,
        arguments: [file], options: [format],
        examples: [
            .init("shoal graph export facts.tsv", "all edges"),
            .init("shoal graph export graph.jsonl", "with texts and the tree"),
            .init("shoal graph export facts.tsv --json", "the same; how much, for a program"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let file: String
        let bytes: Int
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let path = call[file]
        let chosen = call[format] ?? (path.hasSuffix(".jsonl") ? "jsonl" : "tsv")
        let bytes = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(Paths.name(of: path))
            do {
                let bytes = try await write(chosen, to: path, node, row)
                row.finish(Format.bytes(bytes))
                return bytes
            } catch let fault as FileParts.Fault {
                row.fail("not written")
                throw call.failure(
                    path, "it cannot be written: \(fault)", remedy: "Choose another place", exit: .unreachable)
            } catch {
                row.fail("not written")
                throw error
            }
        }
        if call[Shared.json] {
            try call.printJSON(Report(file: path, bytes: bytes))
        } else {
            call.console.print("Wrote \(printable(path)), \(Format.bytes(bytes)).")
        }
        return .done
    }

    /// - Returns: how many bytes were written.
    private static func write(
        _ format: String, to path: String, _ node: RunningNode, _ row: LiveRow
    ) async throws -> Int {
        let file = try NewFile(path)
        defer { file.discard() }
        let done = Mutex(0)
        try await node.download("/api/graph/export", [("format", format)]) { part in
            try file.write(part)
            let total = done.withLock { done in
                done += part.count
                return done
            }
            row.progress(total, of: nil, .bytes)
        }
        try file.commit()
        return done.withLock { $0 }
    }
}

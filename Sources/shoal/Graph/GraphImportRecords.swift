internal import API
internal import Site
internal import Terminal
internal import TreeImport

/// The part of `shoal graph import` for JSONL files and directory trees.
enum GraphImportRecords {
    static let prefix = Option<String?>(
        "prefix", .text, "tree: what the names of its nodes begin with (default: the folder's name)")
    static let ignored = Option<[String]>(
        repeated: "ignore", .text.named("GLOB"), "tree: leave out names (`*.o`), or paths (`docs/*.md`) that match")
    static let hidden = Flag("hidden", "tree: read names that begin with a dot, too")
    static let noSymbols = Flag("no-symbols", "tree: without the symbols of source code, which ctags finds")

    /// What became of one path.
    private struct Outcome: Encodable {
        var path: String
        var format: String
        var graph: RecordImportReport
        /// What the folder held.
        var tree: TreeReport?
    }

    /// Checks or reads every path, then sends one after the other.
    static func run(_ call: Invocation, _ files: [RecordFile]) async throws -> ExitCode {
        let options = try files.map { file in
            file.format == .tree ? try treeOptions(call, file.path) : nil
        }
        let node = try RunningNode(call)
        let outcomes = try await LiveRegion.show(on: call.console) { region in
            let rows = files.map { region.row($0.label) }
            for ((file, options), row) in zip(zip(files, options), rows) {
                if let options { try file.read(options, call, row) } else { try file.check(call, row) }
            }
            try await GraphImportNames.prepare(call, node, region)
            var outcomes: [Outcome] = []
            for ((file, options), row) in zip(zip(files, options), rows) {
                do {
                    let report = try await send(file, source: source(file, options), to: node, row, call)
                    outcomes.append(
                        Outcome(path: file.path, format: file.format.rawValue, graph: report, tree: file.tree))
                } catch {
                    row.fail("not imported")
                    throw error
                }
            }
            return outcomes
        }
        if call[Shared.json] {
            try call.printJSON(outcomes)
        } else {
            for outcome in outcomes { tell(call, outcome) }
            call.suggest("Next, look at it and learn from it:", "graph stats", "model train --agent NAME")
        }
        return .done
    }

    /// Under which name the node remembers what the import gave.
    private static func source(_ file: RecordFile, _ tree: TreeOptions?) -> String {
        tree.map { "tree:\($0.prefix)" } ?? Paths.absolute(file.path)
    }

    private static func treeOptions(_ call: Invocation, _ path: String) throws -> TreeOptions {
        guard Paths.isDirectory(path) else {
            throw call.failure(
                path, "it is no folder", remedy: "A tree is a folder: check the path", exit: .unreachable)
        }
        let root = Paths.real(path)
        let prefix = call[Self.prefix] ?? Paths.name(of: root)
        guard !prefix.isEmpty, prefix != "/" else {
            throw call.failure(path, "it has no name", remedy: "Give one with --prefix NAME", exit: .usage)
        }
        var options = TreeOptions(root: root == "/" ? "" : root, prefix: prefix)
        options.ignored = call[ignored]
        options.includesHidden = call[hidden]
        options.readsSymbols = !call[noSymbols]
        return options
    }

    private static func send(
        _ file: RecordFile, source: String, to node: RunningNode, _ row: LiveRow, _ call: Invocation
    ) async throws -> RecordImportReport {
        let reply = try await node.send(
            Call(
                .post, "/api/graph/import-records", query: [("source", source), GraphImportNames.normalization(call)],
                body: .file(path: file.file, contentType: "application/jsonl"), timeout: nil)
        ) { sent, total in
            if sent < total {
                row.progress(sent, of: total, .bytes, note: "sending")
            } else {
                row.status("storing \(Format.bytes(total))")
            }
        }
        let report = try reply.report(RecordImportReport.self)
        row.finish("\(counted(report.records, "record")), \(Format.count(report.newNodes)) new nodes")
        return report
    }

    private static func tell(_ call: Invocation, _ outcome: Outcome) {
        let graph = outcome.graph
        if let tree = outcome.tree { GraphImportTree.tell(call, tree) }
        let changes = [
            change("node", graph.newNodes, graph.updatedNodes, graph.removedNodes),
            change("edge", graph.newEdges, graph.updatedEdges, graph.removedEdges),
            change("perspective", graph.newPerspectives, graph.updatedPerspectives, 0),
        ].compactMap { $0 }
        if changes.isEmpty {
            call.console.print("Nothing new: the graph had all \(counted(graph.records, "record")).")
        } else {
            call.console.print("Imported \(outcome.path): \(changes.joined(separator: "; ")).")
        }
    }

    /// `3 new nodes, 2 changed, 1 gone`; nil when nothing changed.
    private static func change(_ thing: String, _ new: Int, _ updated: Int, _ removed: Int) -> String? {
        guard new + updated + removed > 0 else { return nil }
        var parts = [counted(new, "new \(thing)")]
        if updated > 0 { parts.append("\(Format.count(updated)) changed") }
        if removed > 0 { parts.append("\(Format.count(removed)) gone") }
        return parts.joined(separator: ", ")
    }
}

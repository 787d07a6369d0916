internal import API
internal import Terminal

/// `shoal graph show`: one graph node and what is around it.
enum GraphShow {
    static let node = Argument("NODE", .text.named("NODE"), "a graph node: its name or its id")
    private static let limit = Option("limit", .integer(0...10_000), default: 20, "how many edges at most")

    static let command = Command(
        "show", summary: "show a graph node: its text, path, edges and how agents see it",
        arguments: [node], options: [limit], flags: [Paging.all],
        examples: [
            .init("shoal graph show aspirin", "by name"),
            .init("shoal graph show aspirin --json --limit 1000", "with more edges, for a program"),
            .init("shoal graph show aspirin --all", "with all of its edges"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        var detail: NodeDetailReport?
        let edges = try await Paging.list(call, "/api/graph/node", [("node", call[node])], limit: call[limit]) {
            reply in
            let report = try reply.report(NodeDetailReport.self)
            detail = detail ?? report
            return report.edges
        } place: {
            $0.place
        }
        guard var shown = detail else { preconditionFailure("a node answers with a graph node or a problem") }
        shown.edges = edges
        guard !call[Shared.json] else {
            try call.printJSON(shown)
            return .done
        }
        tell(call, shown)
        tellEdges(call, shown)
        tellViews(call, shown)
        return .done
    }

    private static func tell(_ call: Invocation, _ node: NodeDetailReport) {
        var values = KeyValues()
        values.add("name", node.name)
        values.add("id", node.id)
        if let canonical = node.canonical { values.add("id made of", canonical) }
        values.add("kind", [node.kind, node.language].compactMap { $0 }.joined(separator: ", "))
        if let path = node.path { values.add("path", path) }
        if let parent = node.parent { values.add("parent", parent.name) }
        if node.children > 0 { values.add("children", Format.count(node.children)) }
        if !node.sources.isEmpty { values.add("imported from", node.sources.joined(separator: ", ")) }
        if node.metadata != "{}" { values.add("metadata", node.metadata) }
        call.console.print(values)
        if node.content != node.name {
            call.advise(node.content.split(separator: "\n").map { printable("\($0)") }.joined(separator: "\n"))
        }
    }

    private static func tellEdges(_ call: Invocation, _ node: NodeDetailReport) {
        guard !node.edges.isEmpty else { return }
        call.console.print()
        var table = Table(.text("HEAD", minimum: 12), .text("RELATION", minimum: 12), .text("TAIL", minimum: 12))
        for edge in node.edges { table.add(edge.head, edge.relation, edge.tail) }
        call.console.print(table)
        if node.edgeCount > node.edges.count {
            call.console.print("… and \(counted(node.edgeCount - node.edges.count, "more edge")); see --all.")
        }
    }

    private static func tellViews(_ call: Invocation, _ node: NodeDetailReport) {
        if !node.perspectives.isEmpty {
            call.console.print()
            call.console.print(PerspectiveCommand.table(node.perspectives))
        }
        if !node.associations.isEmpty {
            call.console.print()
            call.console.print(AssociationsCommand.table(node.associations))
        }
    }
}

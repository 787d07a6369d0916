internal import API
internal import Terminal

/// `shoal graph`: what this site knows.
enum GraphCommand {
    static let command = Command(
        "graph", summary: "fill this site's graph, and look at it", options: SiteSelection.options,
        flags: [Shared.json],
        examples: [
            .init("shoal graph import facts.tsv", "add triples: head TAB relation TAB tail"),
            .init("shoal graph stats", "how much there is"),
            .init("shoal graph show aspirin", "what is known of it"),
            .init("shoal graph overlap", "what other sites have as well"),
        ],
        subcommands: [
            GraphImport.command, stats, GraphSearch.command, GraphShow.command, GraphExport.command,
            GraphHoldOut.command, GraphOverlap.command, GraphAliases.command, GraphDelete.command, GraphForget.command,
        ])

    private static let stats = Command(
        "stats", summary: "count graph nodes, edges and relations",
        examples: [.init("shoal graph stats", "the counts"), .init("shoal graph stats --json", "for a program")]
    ) { call in
        let reply = try await RunningNode(call).get("/api/graph/stats")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let graph = try reply.report(GraphReport.self)
        var values = KeyValues()
        values.add("nodes", Format.count(graph.nodes))
        values.add("edges", Format.count(graph.edges))
        values.add("relations", Format.count(graph.relations))
        values.add("held out", "\(Format.count(graph.valid)) for validation, \(Format.count(graph.test)) for tests")
        call.console.print(values)
        if graph.nodes == 0 { call.suggest("The graph is empty. To fill it:", "graph import FILE.tsv") }
        return .done
    }
}

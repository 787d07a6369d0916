internal import API
internal import Terminal

/// `shoal associations`: links as agents see them.
enum AssociationsCommand {
    static let command = Command(
        "associations", summary: "links between graph nodes as an agent sees them, from -1 to 1",
        discussion: """
            They are opinions, not edges: walks do not follow them and models do not learn them. Relations in use: \
            relevant_to, contradicts, elaborates, inspired_by; any other name will do.
            """,
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal associations", "all of them, strongest first"),
            .init("shoal associations set --agent anna --weight 1 aspirin elaborates salicylate", "one more"),
        ], subcommands: [list, set, remove], standard: "list")

    private static let source = Argument("SOURCE", .text.named("NODE"), "a graph node: its name or its id")
    private static let relation = Argument("RELATION", .text.named("NAME"), "what kind of link, such as relevant_to")
    private static let target = Argument("TARGET", .text.named("NODE"), "the other graph node")
    private static let anyNode = Option<String?>("node", .text.named("NODE"), "only from or to this graph node")

    private static let set = Command(
        "set", summary: "set a link's weight, in place of the one before", arguments: [source, relation, target],
        options: [PerspectiveCommand.agent, PerspectiveCommand.weight, PerspectiveCommand.reasoning],
        examples: [
            .init("shoal associations set --agent anna --weight 0.9 fever relevant_to aspirin", "a link"),
            .init("shoal associations set --agent anna --weight -1 ulcer relevant_to aspirin", "no such link"),
        ]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(
                .put, "/api/associations",
                body: try .json(
                    AssociationRequest(
                        agent: call[PerspectiveCommand.agent], source: call[source], relation: call[relation],
                        target: call[target], weight: call[PerspectiveCommand.weight],
                        reasoning: call[PerspectiveCommand.reasoning]))))
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print(table([try reply.report(AssociationReport.self)]))
        }
        return .done
    }

    private static let list = Command(
        "list", summary: "associations, strongest first",
        options: [PerspectiveCommand.anyAgent, anyNode, PerspectiveCommand.limit], flags: [Paging.all],
        examples: [
            .init("shoal associations list --agent anna", "of one agent"),
            .init("shoal associations list --node aspirin --json", "around one graph node, for a program"),
        ]
    ) { call in
        let found = try await Paging.list(
            call, "/api/associations", [("agent", call[PerspectiveCommand.anyAgent]), ("node", call[anyNode])],
            limit: call[PerspectiveCommand.limit]
        ) {
            try $0.report([AssociationReport].self)
        } place: {
            $0.place
        }
        if call[Shared.json] {
            try call.printJSON(found)
        } else {
            if found.isEmpty { call.console.print("There are none.") } else { call.console.print(table(found)) }
        }
        return .done
    }

    private static let remove = Command(
        "remove", summary: "take a link back", arguments: [source, relation, target],
        options: [PerspectiveCommand.agent],
        examples: [.init("shoal associations remove --agent anna fever relevant_to aspirin", "one link")]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(
                .delete, "/api/associations",
                query: [
                    ("agent", call[PerspectiveCommand.agent]), ("source", call[source]),
                    ("relation", call[relation]), ("target", call[target]),
                ]))
        return try PerspectiveCommand.tellRemoved(call, reply, "association")
    }

    static func table(_ associations: [AssociationReport]) -> Table {
        var table = Table(
            .text("AGENT"), .text("SOURCE", minimum: 12), .text("RELATION"), .text("TARGET", minimum: 12),
            .number("WEIGHT"), .text("REASON"))
        for association in associations {
            table.add(
                association.agent, association.source.name, association.relation, association.target.name,
                Format.fixed(association.weight, 2), association.reasoning ?? "")
        }
        return table
    }
}

internal import API
internal import Terminal

/// `shoal perspective`: how agents see graph nodes.
enum PerspectiveCommand {
    static let command = Command(
        "perspective", summary: "say how an agent sees a graph node, from -1 to 1",
        discussion: """
            Walks of `shoal model train --walks perspective` go to a graph node with weight 1 + w, 0.01 at least: what \
            an agent dislikes is avoided. Perspectives never leave the site.
            """,
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal perspective set --agent anna --weight 0.8 aspirin", "she finds it important"),
            .init("shoal perspective list --agent anna", "all that she said"),
        ], subcommands: [set, list, remove])

    static let agent = Option(required: "agent", .text.named("NAME"), "who; see `shoal agents`")
    static let anyAgent = Option<String?>("agent", .text.named("NAME"), "only of this agent")
    static let weight = Option(
        required: "weight", .number(-1...1), "from -1 (keep away from it) to 1 (go there); 0 is as if nothing was said")
    static let reasoning = Option<String?>("reason", .text.named("TEXT"), "why; kept with it")
    static let limit = Option("limit", .integer(1...10_000), default: 100, "how many at most")
    private static let node = Argument("NODE", .text.named("NODE"), "a graph node: its name or its id")
    private static let anyNode = Option<String?>("node", .text.named("NODE"), "only about this graph node")
    private static let context = Option<String?>(
        "context", .text.named("NODE"), "only as seen from this graph node; without it, from everywhere")

    private static let set = Command(
        "set", summary: "set a weight, in place of the one before", arguments: [node],
        options: [agent, weight, context, reasoning],
        examples: [
            .init("shoal perspective set --agent anna --weight 0.8 aspirin", "from everywhere"),
            .init("shoal perspective set --agent anna --weight -1 --context ulcer aspirin", "never from an ulcer"),
        ]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(
                .put, "/api/perspectives",
                body: try .json(
                    PerspectiveRequest(
                        agent: call[agent], node: call[node], weight: call[weight], context: call[context],
                        reasoning: call[reasoning]))))
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print(table([try reply.report(PerspectiveReport.self)]))
        }
        return .done
    }

    private static let list = Command(
        "list", summary: "perspectives, strongest first", options: [anyAgent, anyNode, limit], flags: [Paging.all],
        examples: [
            .init("shoal perspective list", "of all agents on all graph nodes"),
            .init("shoal perspective list --node aspirin --json", "on one graph node, for a program"),
        ]
    ) { call in
        let found = try await Paging.list(
            call, "/api/perspectives", [("agent", call[anyAgent]), ("node", call[anyNode])], limit: call[limit]
        ) {
            try $0.report([PerspectiveReport].self)
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
        "remove", summary: "take a weight back", arguments: [node], options: [agent, context],
        examples: [
            .init("shoal perspective remove --agent anna aspirin", "in every context"),
            .init("shoal perspective remove --agent anna --context ulcer aspirin", "in one context"),
        ]
    ) { call in
        let reply = try await RunningNode(call).send(
            Call(
                .delete, "/api/perspectives",
                query: [("agent", call[agent]), ("node", call[node]), ("context", call[context])]))
        return try tellRemoved(call, reply, "perspective")
    }

    static func tellRemoved(_ call: Invocation, _ reply: Reply, _ thing: String) throws -> ExitCode {
        let removed = try reply.report(RemovedReport.self).removed
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print(removed == 0 ? "There was none." : "Removed \(counted(removed, thing)).")
        }
        return removed == 0 ? .no : .done
    }

    static func table(_ perspectives: [PerspectiveReport]) -> Table {
        var table = Table(
            .text("AGENT"), .text("NODE", minimum: 12), .number("WEIGHT"), .text("SEEN FROM"), .text("REASON"))
        for perspective in perspectives {
            table.add(
                perspective.agent, perspective.node.name, Format.fixed(perspective.weight, 2),
                perspective.context?.name ?? "", perspective.reasoning ?? "")
        }
        return table
    }
}

extension Call.Body {
    /// A value as JSON.
    static func json(_ value: some Encodable) throws -> Call.Body {
        .bytes(try JSON.encode(value), contentType: "application/json")
    }
}

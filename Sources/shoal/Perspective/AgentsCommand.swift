internal import API
internal import Terminal

/// `shoal agents`: who has perspectives.
enum AgentsCommand {
    static let command = Command(
        "agents", summary: "list, add and remove those who see the graph in their way",
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal agents", "who there is, and what they hold"),
            .init("shoal agents add anna", "a person"),
            .init("shoal agents add triage --kind llm --model small-7b", "a program"),
        ], subcommands: [list, add, remove], standard: "list")

    private static let list = Command(
        "list", summary: "who there is, and what they hold",
        examples: [
            .init("shoal agents list", "by name"), .init("shoal agents list --json", "the same, for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/agents")
        let agents = try reply.report([AgentReport].self)
        if call[Shared.json] {
            call.printJSON(reply)
        } else if agents.isEmpty {
            call.suggest("There are no agents yet. To add one:", "agents add NAME")
        } else {
            var table = Table(
                .text("AGENT"), .text("KIND"), .text("MODEL"), .number("PERSPECTIVES"), .number("ASSOCIATIONS"))
            for agent in agents {
                table.add(
                    agent.name, agent.kind, agent.model ?? "", Format.count(agent.perspectives),
                    Format.count(agent.associations))
            }
            call.console.print(table)
        }
        return .done
    }

    private static let name = Argument("NAME", .text.named("NAME"), "what it is called")
    private static let kind = Option<String?>(
        "kind", .choice("human", "llm", "tool", "swarm"), "what it is (default: human)")
    private static let model = Option<String?>("model", .text.named("TEXT"), "what runs it, if that matters")

    private static let add = Command(
        "add", summary: "add an agent", arguments: [name], options: [kind, model],
        examples: [
            .init("shoal agents add anna", "a person"), .init("shoal agents add triage --kind llm", "a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).post(
            "/api/agents", AgentAddRequest(name: call[name], kind: call[kind], model: call[model]))
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print("Added \(printable(call[name])).")
            call.suggest(
                "To say how it sees a graph node:",
                "perspective set --agent \(quoted(call[name])) --weight 0.5 NODE")
        }
        return .done
    }

    private static let remove = Command(
        "remove", summary: "remove an agent, with its perspectives and associations", arguments: [name],
        examples: [.init("shoal agents remove anna", "and all that she holds")]
    ) { call in
        _ = try await RunningNode(call).send(Call(.delete, "/api/agents", query: [("name", call[name])]))
        if call[Shared.json] {
            try call.printJSON(RemovedReport(removed: 1))
        } else {
            call.console.print("Removed \(printable(call[name])), with its perspectives and associations.")
        }
        return .done
    }
}

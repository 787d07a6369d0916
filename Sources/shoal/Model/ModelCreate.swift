internal import API
internal import Learning
internal import Terminal

/// `shoal model create`: an op that every site of the network learns of.
enum ModelCreate {
    private static let dim = Option<Int?>("dim", .integer(4...1_024), "width of a token's row, 16-128 (default: 64)")
    private static let heads = Option<Int?>(
        "heads", .integer(1...64), "attention heads, 1-8; they divide the width (default: 4)")
    private static let layers = Option<Int?>("layers", .integer(1...24), "transformer layers, 1-2 (default: 1)")
    private static let context = Option<Int?>(
        "context", .integer(2...1_024), "tokens that it reads at most, 8-64 (default: 16)")
    private static let another = Flag("another", "create it though the agent has a model; each then goes by its id")
    private static let beyond = Flag("beyond-defaults", "accept shapes beyond these ranges: slow, for experiments")

    static let command = Command(
        "create", summary: "create a model for the whole network",
        discussion: "One site creates it, every site can train it. The shape cannot be changed afterwards.",
        options: [ModelCommand.agent, dim, heads, layers, context], flags: [another, beyond],
        examples: [
            .init("shoal model create --agent clinic", "the standard shape"),
            .init("shoal model create --agent clinic --dim 32 --context 32", "narrower rows, longer contexts"),
            .init("shoal model create --agent big --dim 256 --layers 4 --beyond-defaults", "for an experiment"),
        ]
    ) { call in
        try checkShape(call)
        let node = try RunningNode(call)
        let request = ModelCreateRequest(
            agent: call[ModelCommand.agent], dim: call[dim], heads: call[heads], layers: call[layers],
            context: call[context], beyondDefaults: call[beyond] ? true : nil)
        if !call[another] { try await checkNew(call, node) }
        let reply = try await node.post("/api/models", request)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let model = try reply.report(ModelReport.self)
        call.console.print("Created the model of \(model.agent), \(short(model.id)): \(model.shape).")
        call.suggest("Next, at every site:", "model train --agent \(quoted(model.agent))")
        return .done
    }

    /// Whoever says it twice has one model: with two, no command would know which is meant by the agent's name.
    private static func checkNew(_ call: Invocation, _ node: RunningNode) async throws {
        let agent = call[ModelCommand.agent]
        let known = try await node.get("/api/models").report([ModelReport].self)
        guard let model = known.first(where: { $0.agent == agent }) else { return }
        throw call.failure(
            printable(agent), "there is a model of this agent, \(short(model.id)): \(model.shape)",
            remedy: "Train it with `shoal model train --agent \(quoted(agent))\(SiteSelection.words(call))`, or say "
                + "--another if a second one is meant")
    }

    /// Before a node is looked for: a shape out of range is a mistake on the command line.
    private static func checkShape(_ call: Invocation) throws {
        let shape = (call[dim] ?? 64, call[heads] ?? 4, call[layers] ?? 1, call[context] ?? 16)
        do {
            _ =
                call[beyond]
                ? try ModelShape.beyondDefaults(dim: shape.0, heads: shape.1, layers: shape.2, context: shape.3)
                : try ModelShape(dim: shape.0, heads: shape.1, layers: shape.2, context: shape.3)
        } catch {
            throw call.failure(
                call[ModelCommand.agent], "\(error)",
                remedy: call[beyond] ? "" : "Or allow larger shapes with --beyond-defaults", exit: .usage)
        }
    }
}

extension ModelReport {
    /// `dim 64, 4 heads, 1 layer, context 16`.
    var shape: String { "dim \(dim), \(counted(heads, "head")), \(counted(layers, "layer")), context \(context)" }
}

internal import API
internal import Terminal

/// `shoal model create`: an op that every site of the network learns of.
enum ModelCreate {
    private static let dim = Option<Int?>("dim", .integer(16...128), "width of a token's row (default: 64)")
    private static let heads = Option<Int?>(
        "heads", .integer(1...8), "attention heads; they divide the width (default: 4)")
    private static let layers = Option<Int?>("layers", .integer(1...2), "transformer layers (default: 1)")
    private static let context = Option<Int?>("context", .integer(8...64), "tokens that it reads at most (default: 16)")

    static let command = Command(
        "create", summary: "create a model for the whole network",
        discussion: "One site creates it, every site can train it. The shape cannot be changed afterwards.",
        options: [ModelCommand.agent, dim, heads, layers, context],
        examples: [
            .init("shoal model create --agent clinic", "the standard shape"),
            .init("shoal model create --agent clinic --dim 32 --context 32", "narrower rows, longer contexts"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let request = ModelCreateRequest(
            agent: call[ModelCommand.agent], dim: call[dim], heads: call[heads], layers: call[layers],
            context: call[context])
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
}

extension ModelReport {
    /// `dim 64, 4 heads, 1 layer, context 16`.
    var shape: String { "dim \(dim), \(counted(heads, "head")), \(counted(layers, "layer")), context \(context)" }
}

internal import API
internal import Terminal

/// `shoal model`: models of this network, as this site trains and asks them.
enum ModelCommand {
    /// Whose model; also the first digits of a model's id, where two sites chose the same name.
    static let agent = Option(required: "agent", .text.named("NAME"), "the model's owner, or the model's id")
    static let isolated = Flag("isolated", "short for --weights isolated")
    static let weights = Option<Weights?>(
        "weights", .choice(Weights.self),
        "the better of merged and adapted here, the merged ones, or what this site trained alone")

    static let command = Command(
        "model", summary: "create, train and ask models", options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal model create --agent clinic", "a model that every site of the network can train"),
            .init("shoal model train --agent clinic", "learn from this site's graph, together with the others"),
            .init("shoal model predict --agent clinic aspirin treats", "what follows?"),
        ],
        subcommands: [
            ModelCreate.command, ModelTrain.command, ModelPredict.command, ModelSearch.command, ModelFeedback.command,
            ModelEnsemble.command, ModelCalibrate.command, ModelEvaluate.command, ModelInfo.command, ModelList.command,
            ModelDelete.command, ModelExport.command, ModelImport.command, ModelPublish.command, ModelServe.command,
        ])
}

extension Weights {
    /// - Parameter usually: those that are asked when nothing is said.
    init(_ call: Invocation, usually: Weights) {
        self = call[ModelCommand.isolated] ? .isolated : call[ModelCommand.weights] ?? usually
    }
}

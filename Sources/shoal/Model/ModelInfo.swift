internal import API
internal import Terminal

/// `shoal model info`: one model, and how its training at this site stands.
enum ModelInfo {
    static let command = Command(
        "info", summary: "show one model, and how training it here stands", options: [ModelCommand.agent],
        examples: [
            .init("shoal model info --agent clinic", "its shape, its sites, its last training"),
            .init("shoal model info --agent clinic --json", "for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/models/\(call[ModelCommand.agent])/info")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let model = try reply.report(ModelReport.self)
        var values = KeyValues()
        values.add("agent", model.agent)
        values.add("id", model.id)
        values.add("created by", model.author)
        values.add("shape", model.shape)
        values.add("here", "\(counted(model.vocabulary, "token")), \(counted(model.parameters, "parameter"))")
        values.add("trained by", counted(model.sites, "site"))
        if let privacy = model.privacy { values.add("privacy", privacy.summary) }
        if let training = model.training {
            values.add("last run", training.summary)
            let sent = training.ops > 0 ? ", \(counted(training.ops, "op")), \(Format.bytes(training.opBytes))" : ""
            values.add("it took", Format.duration(.seconds(training.seconds)) + sent)
        }
        if let served = model.served {
            values.add("answers with", "\(served.summary) by what this site knows itself")
            values.add("measured on", "\(counted(served.questions, "question")) from the \(served.measuredOn)")
        }
        if let trainer = model.trainer { values.add("by itself", trainer.summary) }
        call.console.print(values)
        tellHistory(model.history ?? [], call)
        return .done
    }

    private static func tellHistory(_ runs: [TrainingRunReport], _ call: Invocation) {
        guard !runs.isEmpty else { return }
        var table = Table(
            .text("TRAINED HERE", minimum: 10), .text("WALKS"), .number("WALKED"), .number("STEPS"), .number("LOSS"),
            .number("TIME"))
        for run in runs {
            table.add(
                run.error.map { "\(run.outcome): \($0)" } ?? run.outcome, run.walks, Format.count(run.sequences),
                Format.count(run.steps), run.loss.map { Format.fixed($0, 3) } ?? "-",
                Format.duration(.seconds(run.seconds)))
        }
        call.console.print()
        call.console.print(table)
    }
}

extension PrivacyReport {
    /// `clip=1.0 noise=0.5: epsilon 12.3 at delta 1e-05 after 40 noised rounds, 3 tokens withheld`.
    var summary: String {
        let settings = policy.isEmpty ? "off" : policy.joined(separator: " ")
        let loss =
            if let epsilon {
                noisedOps > 0
                    ? "epsilon \(Format.fixed(epsilon, 2)) at delta \(delta) after \(counted(noisedOps, "noised round"))"
                    : "nothing sent yet"
            } else {
                "epsilon without bound, \(counted(plainOps, "round")) without noise"
            }
        return "\(settings): \(loss)" + (withheld > 0 ? ", \(counted(withheld, "token")) withheld" : "")
    }
}

/// `shoal model list`: all models of the network.
enum ModelList {
    static let command = Command(
        "list", summary: "list the network's models",
        examples: [.init("shoal model list", "a line each"), .init("shoal model list --json", "for a program")]
    ) { call in
        let reply = try await RunningNode(call).get("/api/models")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let models = try reply.report([ModelReport].self)
        guard !models.isEmpty else {
            call.console.print("The network has no model yet. Create one with `shoal model create --agent NAME`.")
            return .done
        }
        var table = Table(
            .text("AGENT"), .text("ID", minimum: 12), .text("SHAPE", minimum: 16), .number("SITES"),
            .number("PARAMETERS"), .text("TRAINING HERE"))
        for model in models {
            let shape = "\(model.dim)x\(model.layers), context \(model.context)"
            table.add(
                model.agent, short(model.id), shape, Format.count(model.sites), Format.count(model.parameters),
                model.training.map(\.summary) ?? "none")
        }
        call.console.print(table)
        return .done
    }
}

/// `shoal model delete`: takes a model out of the network.
enum ModelDelete {
    static let command = Command(
        "delete", summary: "delete a model of this site for the whole network",
        discussion: "Only the site that created a model can delete it. What it learned is gone at every site.",
        options: [ModelCommand.agent],
        examples: [.init("shoal model delete --agent clinic", "there is no way back")]
    ) { call in
        _ = try await RunningNode(call).send(Call(.delete, "/api/models/\(call[ModelCommand.agent])"))
        if !call[Shared.json] { call.console.print("Deleted the model of \(call[ModelCommand.agent]).") }
        return .done
    }
}

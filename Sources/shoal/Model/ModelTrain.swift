internal import API
internal import Terminal

/// `shoal model train`: starts a training job in the node and follows it.
enum ModelTrain {
    private static let isolated = Flag("isolated", "train a private copy, for comparison: nothing is shared")
    private static let rounds = Option<Int?>(
        "rounds", .integer(0...10_000),
        "rounds; each becomes one op; 0 only announces what this site will train (default: 40)")
    private static let steps = Option<Int?>("steps", .integer(1...10_000), "steps per round (default: 50)")
    private static let batch = Option<Int?>("batch", .integer(1...4_096), "walks per step (default: 128)")
    private static let rate = Option<Double?>("learning-rate", .number(0...1), "the highest step size of Adam")
    private static let seed = Option<Int?>(
        "seed", .integer(0 ... .max), "the same seed gives the same walks (default: 1)")
    private static let walks = Option<String?>(
        "walks", .choice("edge", "either-way", "random", "perspective", "tree"),
        "how walks go on from a graph node (default: random)")
    private static let scope = Option<String?>(
        "scope", .text.named("PATH"), "walk only at this path of the tree and below it, for example docs.guide")
    private static let perspectiveAgent = Option<String?>(
        "perspective-agent", .text.named("NAME"), "whose perspectives weigh the steps of perspective walks")
    private static let hops = Option<Int?>("hops", .integer(1...32), "edges per walk (default: 1)")
    private static let detach = Flag("detach", "return at once; `shoal model info` tells how it stands")

    private static let pollTime = Duration.milliseconds(250)

    static let command = Command(
        "train", summary: "train a model on this site's graph",
        discussion: """
            Each round takes what all sites have learned so far, learns from this site's graph, and shares the \
            difference as one signed op. The job belongs to the node: it goes on when this command is interrupted.
            """,
        options: [ModelCommand.agent, rounds, steps, batch, rate, seed, walks, hops, scope, perspectiveAgent],
        flags: [isolated, detach],
        examples: [
            .init("shoal model train --agent clinic", "40 rounds of 50 steps"),
            .init("shoal model train --agent clinic --rounds 10 --detach", "10 rounds in the background"),
            .init("shoal model train --agent clinic --walks tree --scope docs.guide", "a part of a tree of documents"),
            .init("shoal model train --agent clinic --isolated", "what this site can learn alone"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let request = TrainRequest(
            agent: call[ModelCommand.agent], weights: call[isolated] ? .isolated : .federated, rounds: call[rounds],
            steps: call[steps], batch: call[batch], learningRate: call[rate], seed: call[seed], walks: call[walks],
            hops: call[hops], scope: call[scope], perspectiveAgent: call[perspectiveAgent])
        var reply = try await node.post("/api/models/train", request)
        let id = try reply.report(JobReport.self).id
        guard !call[detach] else {
            if call[Shared.json] {
                call.printJSON(reply)
            } else {
                let agent = quoted(call[ModelCommand.agent])
                call.console.print("The node trains in the background, as job \(id).")
                call.suggest("To see how it stands:", "model info --agent \(agent)")
            }
            return .done
        }
        let training = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(call[ModelCommand.agent])
            row.status("waiting for a free core")
            while true {
                reply = try await node.get("/api/jobs/\(id)")
                let training = try reply.report(JobReport.self).training
                if !show(training, row) { return training }
                try await Task.sleep(for: pollTime)
            }
        }
        if training.state == "failed" {
            throw call.failure(call[ModelCommand.agent], training.error ?? "the training failed for an unknown reason")
        }
        guard training.state == "done" else {
            throw call.failure(
                call[ModelCommand.agent], "the node ended the training in round \(training.round) (\(training.state))",
                remedy: "Run it again: what it has learned is kept")
        }
        if call[Shared.json] { call.printJSON(reply) } else { tell(call, training) }
        return .done
    }

    /// - Returns: whether it goes on.
    private static func show(_ training: TrainingReport, _ row: LiveRow) -> Bool {
        let figures = [
            training.loss.map { "loss \(Format.fixed($0, 2))" },
            training.validation.map { "MRR \(Format.fixed($0, 2))" },
        ].compactMap { $0 }.joined(separator: ", ")
        switch training.state {
        case "waiting": return true
        case "running":
            if training.round == 0 {
                row.status("preparing the first round")
            } else {
                row.progress(training.round, of: training.rounds, .count(""), note: figures)
            }
            return true
        case "done": row.finish(counted(training.round, "round") + (figures.isEmpty ? "" : ", \(figures)"))
        default: row.fail(training.state)
        }
        return false
    }

    private static func tell(_ call: Invocation, _ training: TrainingReport) {
        let agent = quoted(call[ModelCommand.agent])
        if call[rounds] == 0 {
            call.console.print("Announced what this site will train; nothing was trained.")
            return
        }
        guard training.round > 0 else {
            call.console.print("There is nothing to learn from: this site's graph has no edges.")
            call.suggest("The node still merges what others learn. To add edges:", "graph import FILE.tsv")
            return
        }
        var values = KeyValues()
        values.add("rounds", "\(training.round) of \(Format.count(training.steps / training.round)) steps each")
        if let loss = training.loss { values.add("loss", Format.fixed(loss, 3)) }
        if let validation = training.validation { values.add("validation", "MRR \(Format.fixed(validation, 3))") }
        values.add("time", Format.duration(.seconds(training.seconds)))
        if training.ops > 0 {
            values.add("shared", "\(counted(training.ops, "op")), \(Format.bytes(training.opBytes))")
        }
        call.console.print(values)
        let mode = call[isolated] ? " --isolated" : ""
        call.suggest(
            "Next:", "model predict --agent \(agent)\(mode) NODE RELATION", "model evaluate --agent \(agent)\(mode)")
    }
}

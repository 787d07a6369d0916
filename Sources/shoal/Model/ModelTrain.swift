internal import API
internal import Harness
internal import Terminal

/// `shoal model train`: starts a training job in the node and follows it.
enum ModelTrain {
    private static let isolated = Flag("isolated", "train a private copy, for comparison: nothing is shared")
    private static let adapt = Flag(
        "adapt", "adapt the merged weights to this site and keep them at home: the node answers with the better ones")
    private static let topRows = Option<Int?>(
        "top-rows", .integer(1...1 << 20), "token rows of one op at most; the others wait (default: all that changed)")
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
            difference as signed ops. The node trains by itself, too (`shoal run --help`); this goes first. Ctrl-C ends \
            the training; with --detach it is the node's alone.
            """,
        options: [ModelCommand.agent, rounds, steps, batch, rate, seed, walks, hops, scope, perspectiveAgent, topRows],
        flags: [isolated, adapt, detach],
        examples: [
            .init("shoal model train --agent clinic", "40 rounds of 50 steps"),
            .init("shoal model train --agent clinic --rounds 10 --detach", "10 rounds in the background"),
            .init("shoal model train --agent clinic --walks tree --scope docs.guide", "a part of a tree of documents"),
            .init("shoal model train --agent clinic --isolated", "what this site can learn alone"),
            .init("shoal model train --agent clinic --adapt", "fit what was merged to this site"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let request = TrainRequest(
            agent: call[ModelCommand.agent], weights: call[isolated] ? .isolated : call[adapt] ? .served : .federated,
            rounds: call[rounds],
            steps: call[steps], batch: call[batch], learningRate: call[rate], seed: call[seed], walks: call[walks],
            hops: call[hops], scope: call[scope], perspectiveAgent: call[perspectiveAgent], topRows: call[topRows])
        let reply = try await node.post("/api/models/train", request)
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
        let (last, isInterrupted) = try await Interruption.guarding { _ in try await follow(id, node, call) }
        let training = try last.report(JobReport.self).training
        if training.state == "failed" {
            throw call.failure(call[ModelCommand.agent], training.error ?? "the training failed for an unknown reason")
        }
        guard training.state == "done" else {
            guard !isInterrupted else { throw call.failure(call[ModelCommand.agent], stopped(training)) }
            throw call.failure(
                call[ModelCommand.agent], "the node ended the training in round \(training.round) (\(training.state))",
                remedy: "Run it again: what it has learned is kept")
        }
        if call[Shared.json] { call.printJSON(last) } else { tell(call, training) }
        return .done
    }

    /// Shows how a job goes until it ends. Ctrl-C ends it.
    private static func follow(
        _ id: Int, _ node: RunningNode, _ call: Invocation
    ) async throws -> (reply: Reply, isInterrupted: Bool) {
        try await LiveRegion.show(on: call.console) { region in
            let row = region.row(call[ModelCommand.agent])
            row.status("waiting for a free core")
            do {
                while true {
                    let reply = try await node.get("/api/jobs/\(id)")
                    if !show(try reply.report(JobReport.self).training, row) { return (reply, false) }
                    try await Task.sleep(for: pollTime)
                }
            } catch  where Task.isCancelled {
                row.status("ending it")
                // This task is cancelled; the call must not be.
                let reply = try await Task.detached {
                    try await node.send(Call(.delete, "/api/jobs/\(id)", timeout: .seconds(60)))
                }.value
                _ = show(try reply.report(JobReport.self).training, row)
                return (reply, true)
            }
        }
    }

    /// What an interrupted training leaves behind.
    private static func stopped(_ training: TrainingReport) -> String {
        let shared = training.ops > 0 ? " and shared in \(counted(training.ops, "op"))" : ""
        return training.round == 0
            ? "ended before the first round: nothing has changed"
            : "ended after round \(training.round) of \(training.rounds): what it has learned is kept\(shared)"
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
        if call[adapt], let before = training.before, let after = training.validation {
            values.add("merged", "MRR \(Format.fixed(before, 3)) on this site's questions")
            values.add("adapted", "MRR \(Format.fixed(after, 3))")
        }
        let mode = call[isolated] ? " --isolated" : ""
        call.suggest(
            "Next:", "model predict --agent \(agent)\(mode) NODE RELATION", "model evaluate --agent \(agent)\(mode)")
    }
}

internal import API
internal import Terminal

/// `shoal status`: is it well, and why not?
enum StatusCommand {
    static let command = Command(
        "status", summary: "is this site's node well? (exit code 1 if not)", options: SiteSelection.options,
        flags: [Shared.json],
        examples: [
            .init("shoal status", "a few lines, and the other sites"),
            .init("shoal status --json", "everything, for a program"),
            .init("shoal status --site north", "one of several sites of this machine"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/status")
        let status = try reply.report(StatusReport.self)
        if call[Shared.json] { call.printJSON(reply) } else { tell(call.console, status) }
        return status.trouble == nil ? .done : .no
    }

    private static func tell(_ console: Console, _ status: StatusReport) {
        let style = console.style
        if let trouble = status.trouble {
            console.print("\(style.red("✗")) \(style.bold("\(status.name) is in trouble:")) \(printable(trouble))")
        } else {
            console.print("\(style.green("✓")) \(style.bold("\(status.name) is well")), \(connections(status))")
        }
        var values = KeyValues()
        values.add(
            "network", "\(status.network.name) (\(short(status.network.id))), this site is \(short(status.peer))")
        let ops = counted(status.ops, "op") + (status.waiting > 0 ? " (\(Format.count(status.waiting)) waiting)" : "")
        values.add("state", "\(short(status.stateDigest)) after \(ops), frontier \(short(status.frontierDigest))")
        values.add("graph", graph(status.graph))
        for model in status.models {
            values.add("model", line(model))
            if let privacy = model.privacy { values.add("privacy", privacy.summary) }
        }
        if status.models.isEmpty { values.add("model", "none yet: `shoal model create --agent NAME`") }
        values.add("node", node(status))
        if let http = status.http { values.add("dashboard", "\(http)/") }
        // A node that stops and a second connection to the same node end links in order: nothing was refused.
        let refused = status.refused.filter { !["link-0", "link-2"].contains($0.key) }
        if !refused.isEmpty {
            let codes = refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            values.add("refused", codes.map { "\($0.key) \(Format.count($0.value))" }.joined(separator: ", "))
        }
        console.print(values)
        if !status.peers.isEmpty {
            console.print()
            console.print(PeersCommand.table(status.peers))
        }
    }

    private static func connections(_ status: StatusReport) -> String {
        let connected = status.peers.count { $0.connected && !$0.left }
        let others = status.peers.count { !$0.left }
        guard others > 0 else { return "and the only member" }
        return "connected to \(connected) of \(counted(others, "other site"))"
    }

    private static func graph(_ graph: GraphReport) -> String {
        guard graph.nodes > 0 else { return "empty: `shoal graph import FILE.tsv`" }
        let heldOut = graph.valid + graph.test
        return
            "\(counted(graph.nodes, "node")), \(counted(graph.edges, "edge")), \(counted(graph.relations, "relation"))"
            + (heldOut > 0 ? ", \(Format.count(heldOut)) held out" : "")
    }

    private static func line(_ model: ModelReport) -> String {
        var text = "\(model.agent), \(counted(model.parameters, "parameter")), \(counted(model.sites, "site"))"
        if let training = model.training { text += ", \(training.summary)" }
        if let trainer = model.trainer, trainer.state != "off" { text += "; \(trainer.summary)" }
        if let served = model.served { text += "; answers with \(served.summary) by what this site knows itself" }
        return text
    }

    private static func node(_ status: StatusReport) -> String {
        [
            status.listen.map { "listens on \($0)" } ?? "only dials out",
            "up \(Format.duration(.seconds(status.uptimeSeconds)))",
            "database \(Format.bytes(status.database.bytes))" + disk(status.database),
            "sent \(Format.bytes(Int(clamping: status.traffic.bytesSent)))",
            "received \(Format.bytes(Int(clamping: status.traffic.bytesReceived)))",
        ].joined(separator: ", ")
    }

    /// What grows with every op, and what certified sums spare.
    private static func disk(_ database: StatusReport.Database) -> String {
        guard database.opBytes > 0 else { return "" }
        var text = " (ops \(Format.bytes(database.opBytes)), bodies \(Format.bytes(database.bodyBytes))"
        if database.sumsBytes > 0 { text += ", sums \(Format.bytes(database.sumsBytes))" }
        if database.droppedBytes > 0 { text += " in place of \(Format.bytes(database.droppedBytes)) of bodies" }
        return text + ")"
    }
}

extension ServedReport {
    /// `the adapted weights: MRR .951, merged .912`.
    var summary: String {
        let merged = Format.fixed(mergedMrr, 3)
        guard let adapted = adaptedMrr.map({ Format.fixed($0, 3) }) else { return "the merged weights: MRR \(merged)" }
        return weights == "adapted"
            ? "the adapted weights: MRR \(adapted), merged \(merged)"
            : "the merged weights: MRR \(merged), adapted \(adapted)"
    }
}

extension TrainerReport {
    /// `learning, round 3 of 40`.
    var summary: String {
        let doing = work.map { Self.words[$0] ?? $0 } ?? ""
        switch state {
        case "off": return "trains only when asked"
        case "working":
            guard let run, run.isActive, run.rounds > 0 else { return doing }
            return "\(doing), round \(run.round) of \(run.rounds)"
        case "waiting":
            let time = Format.duration(.seconds((nextSeconds ?? 0).rounded(.up)))
            return "\(doing) in \(time)"
        default: return "rests until there is news"
        }
    }

    private static let words = [
        "learn": "learning", "refresh": "learning on", "correct": "correcting", "measure": "measuring",
        "adapt": "adapting",
    ]
}

extension TrainingReport {
    /// Whether the run is yet to end.
    var isActive: Bool { state == "waiting" || state == "running" }

    /// `trained 40 rounds, loss 1.23`.
    var summary: String {
        let own = weights == .isolated ? " alone" : ""
        let loss = loss.map { ", loss \(Format.fixed($0, 3))" } ?? ""
        return switch state {
        case "running": "training\(own): round \(round) of \(rounds)\(loss)"
        case "waiting": "training\(own) is about to begin"
        case "failed": "training\(own) failed: \(error ?? "no reason is known")"
        case "done": "trained\(own) for \(counted(round, "round"))\(loss)"
        default: "training\(own) \(state) in round \(round)\(loss)"
        }
    }
}

internal import API
internal import Harness
internal import Terminal

/// `shoal top`: the network as one site sees it, again and again.
enum TopCommand {
    private static let interval = Option("interval", .duration, default: .seconds(1), "how often it looks")
    private static let count = Option<Int?>("count", .integer(1...1_000_000), "look so often, then end")

    static let command = Command(
        "top", summary: "watch the network from the terminal, as this site sees it",
        discussion: """
            Peers with what they sent and received a second, whether their state is this site's to the bit, models with \
            loss and round. On a terminal the page is drawn again in place; in a pipe one page follows the other. Ctrl-C ends it.
            """,
        options: [interval, count] + SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal top", "once a second, until Ctrl-C"),
            .init("shoal top --count 1", "one page"),
            .init("shoal top --interval 10s --json", "a line of JSON every ten seconds, for a program"),
        ]
    ) { call in
        let node = try RunningNode(call)
        _ = try await Interruption.guarding { _ in
            do { try await watch(call, node) } catch  where Task.isCancelled {}
        }
        return .done
    }

    private static func watch(_ call: Invocation, _ node: RunningNode) async throws {
        var before: (status: StatusReport, at: ContinuousClock.Instant)?
        for turn in 1... {
            let reply = try await node.get("/api/status")
            let now = ContinuousClock.now
            if call[Shared.json] {
                call.printJSON(reply)
            } else {
                let status = try reply.report(StatusReport.self)
                let span = before.map { now - $0.at }
                // Home and clear: what stood there before is drawn over.
                if call.console.width != nil {
                    call.console.write("\u{1B}[H\u{1B}[2J")
                } else if turn > 1 {
                    call.console.print()
                }
                show(call.console, status, before?.status, span)
                before = (status, now)
            }
            if turn == call[count] { return }
            try await Task.sleep(for: call[interval])
        }
    }

    private static func show(_ console: Console, _ status: StatusReport, _ before: StatusReport?, _ span: Duration?) {
        let style = console.style
        let mark = status.trouble == nil ? style.green("✓") : style.red("✗")
        console.print(
            "\(mark) \(style.bold(status.name)) in \(status.network.name)   \(counted(status.ops, "op"))"
                + rate(status.ops - (before?.ops ?? status.ops), span, "op")
                + "   state \(short(status.stateDigest))   up \(Format.duration(.seconds(status.uptimeSeconds.rounded())))"
        )
        if let trouble = status.trouble { console.print(style.red(printable(trouble))) }
        if status.waiting > 0 { console.print("\(counted(status.waiting, "op")) waiting for their past or body") }
        console.print()
        console.print(peers(status, before, span))
        guard !status.models.isEmpty else { return }
        console.print()
        console.print(models(status))
    }

    private static func peers(_ status: StatusReport, _ before: StatusReport?, _ span: Duration?) -> Table {
        var table = Table(
            .text("SITE"), .text("STATE", minimum: 10), .number("OPS"), .number("SENT"), .number("RECEIVED"),
            .number("ROUND TRIP"))
        let earlier = Dictionary((before?.peers ?? []).map { ($0.peer, $0) }) { first, _ in first }
        for peer in status.peers.sorted(by: { ($0.name, $0.peer) < ($1.name, $1.peer) }) {
            let old = earlier[peer.peer]
            let state =
                peer.left
                ? "left"
                : peer.banned != nil ? "shut out" : !peer.connected ? "away" : peer.inStep ? "in step" : "catching up"
            table.add(
                peer.name.isEmpty ? short(peer.peer) : peer.name, state,
                Format.count(peer.ops),
                bytes(peer.bytesSent, old?.bytesSent, span), bytes(peer.bytesReceived, old?.bytesReceived, span),
                peer.rttMs.map { $0 < 1 ? "< 1 ms" : Format.duration(.milliseconds(Int($0))) } ?? "",
                emphasis: peer.banned != nil ? .bad : peer.connected ? peer.inStep ? .good : .normal : .faint)
        }
        return table
    }

    private static func models(_ status: StatusReport) -> Table {
        var table = Table(
            .text("MODEL"), .number("SITES"), .text("TRAINING", minimum: 24), .text("ANSWERS WITH", minimum: 16))
        for model in status.models {
            let training = [model.training?.summary, model.trainer.flatMap { $0.state == "off" ? nil : $0.summary }]
            table.add(
                model.agent, "\(model.sites)", training.compactMap(\.self).joined(separator: "; "),
                model.served?.summary ?? "")
        }
        return table
    }

    /// A second; nothing on the first page.
    private static func bytes(_ now: UInt64, _ before: UInt64?, _ span: Duration?) -> String {
        // Counters are those of the present connection.
        guard let before, let span, now >= before else { return "" }
        return "\(Format.bytes(Int(Double(now - before) / max(span.secondsAsDouble, 0.001))))/s"
    }

    private static func rate(_ change: Int, _ span: Duration?, _ thing: String) -> String {
        guard let span else { return "" }
        return " (\(Format.fixed(Double(change) / max(span.secondsAsDouble, 0.001), 1))/s)"
    }
}

extension Duration {
    fileprivate var secondsAsDouble: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

internal import API
internal import Harness
internal import Terminal

/// `shoal cluster partition` and the other things that happen to links.
enum ClusterLinks {
    private static let groups = Argument<[String]>(
        repeated: "NODE", .text.named("NODE"), atLeast: 2, "names, with a \",\" of its own between the groups")

    static let partition = Command(
        "partition", summary: "cut all links between groups of nodes",
        discussion:
            "Nodes that are named in no group keep their links. What was sent is held back, as by lost packets.",
        arguments: [groups],
        examples: [.init("shoal cluster partition a b , c", "c hears nothing of a and b, nor they of c")]
    ) { call in
        let split = call[groups].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
        guard split.count > 1, split.allSatisfy({ !$0.isEmpty }) else {
            throw call.failure(
                call[groups].joined(separator: " "), "there must be two groups",
                remedy: "Write a comma of its own between them: a b , c", exit: .usage)
        }
        try await Cluster(existing: call[ClusterCommand.directory]).partition(split)
        ClusterCommand.tell(call, split.map { $0.joined(separator: " ") }.joined(separator: " | "))
        return .done
    }

    private static let from = Option<[String]>(repeated: "from", .text.named("NODE"), "of what it sends (default: all)")
    private static let to = Option<[String]>(repeated: "to", .text.named("NODE"), "of what it receives (default: all)")

    private static func order(_ call: Invocation) -> LinkOrder { LinkOrder(from: call[from], to: call[to]) }

    private static func carryOut(_ order: LinkOrder, _ call: Invocation) async throws -> ExitCode {
        try await Cluster(existing: call[ClusterCommand.directory]).order([order])
        ClusterCommand.tell(call, order.description)
        return .done
    }

    static let cut = Command(
        "cut", summary: "cut links, one way", options: [from, to],
        examples: [.init("shoal cluster cut --from a", "nobody hears a, and a hears all")]
    ) { call in
        var order = order(call)
        order.cut = true
        return try await carryOut(order, call)
    }

    static let heal = Command(
        "heal", summary: "heal links that are cut; all of them if none is named", options: [from, to],
        examples: [.init("shoal cluster heal", "everybody hears everybody")]
    ) { call in
        var order = order(call)
        order.cut = false
        return try await carryOut(order, call)
    }

    private static let latency = Option<Int?>("latency", .integer(0...60_000).named("MS"), "milliseconds under way")
    private static let jitter = Option<Int?>(
        "jitter", .integer(0...60_000).named("MS"), "up to so much more, at random")
    private static let bandwidth = Option<Int?>(
        "bandwidth", .integer(0...1 << 40).named("BYTES"), "bytes a second; 0: as fast as the machine")
    private static let slice = Option<Int?>(
        "slice", .integer(0...1 << 20).named("BYTES"), "no more at a time; 0: as many as there are")
    private static let stall = Option<Int?>("stall", .integer(1...3_600_000).named("MS"), "hold everything back, once")
    private static let reset = Flag("reset", "end the connections that use them, once")

    static let link = Command(
        "link", summary: "make links slow, narrow or unreliable",
        options: [from, to, latency, jitter, bandwidth, slice, stall],
        flags: [reset],
        examples: [
            .init("shoal cluster link --latency 80 --jitter 20", "all of them, each way"),
            .init("shoal cluster link --from a --to b --bandwidth 20000", "a modem"),
            .init("shoal cluster link --from c --reset", "its connections break"),
        ]
    ) { call in
        var order = order(call)
        (order.latencyMs, order.jitterMs) = (call[latency], call[jitter])
        (order.bytesPerSecond, order.sliceBytes, order.stallMs) = (call[bandwidth], call[slice], call[stall])
        if call[reset] { order.reset = true }
        guard order != Self.order(call) else {
            throw call.failure(
                "", "nothing is said about the links", remedy: "See `shoal cluster link --help`", exit: .usage)
        }
        return try await carryOut(order, call)
    }

    static let links = Command(
        "links", summary: "what every link is like",
        examples: [.init("shoal cluster links", "cut ones, slow ones, and what they carried")]
    ) { call in
        let links = try await Cluster(existing: call[ClusterCommand.directory]).links()
        if call[Shared.json] {
            try call.printJSON(links)
            return .done
        }
        var table = Table(
            .text("FROM"), .text("TO"), .text("STATE"), .number("LATENCY"), .number("BYTES/S"), .number("CONNECTIONS"),
            .number("CARRIED"))
        for link in links {
            let conditions = link.conditions
            table.add(
                link.from, link.to, conditions.isCut ? "cut" : "whole",
                "\(conditions.latencyMs)" + (conditions.jitterMs > 0 ? "+\(conditions.jitterMs)" : "") + " ms",
                conditions.bytesPerSecond.map { "\($0)" } ?? "-", "\(link.connections)",
                Format.bytes(Int(clamping: link.bytes)), emphasis: conditions.isCut ? .bad : .normal)
        }
        call.console.print(table)
        return .done
    }
}

internal import API
internal import Harness
internal import Terminal

/// `shoal cluster up`, `status`, `add`, `down`.
enum ClusterUp {
    private static let number = Argument<Int?>(optional: "N", .integer(1...64), "how many nodes (default: 3)")
    private static let count = Option<Int?>("nodes", .integer(1...64), "the same, as an option")
    private static let names = Option<[String]>(repeated: "name", .text.named("NAME"), "names in place of a, b, c …")
    private static let topology = Option("topology", .choice(Topology.self), default: .full, "who dials whom")

    private static let disk = Option<Int?>(
        "disk", .integer(128...65_536).named("MIB"), "a file system in memory for each node, which fill-disk can fill")
    private static let direct = Flag("direct", "let nodes dial each other, without a harness in between")
    private static let netns = Flag("netns", "a network namespace and an address for each node (needs root)")
    private static let trains = Flag("train", "let the nodes train by themselves, as `shoal run` does")

    static let up = Command(
        "up", summary: "start a new cluster, or what is down of an existing one",
        arguments: [number], options: [count, names, topology, disk], flags: [direct, netns, trains],
        examples: [
            .init("shoal cluster up", "three nodes"),
            .init("shoal cluster up 5 --topology line --dir /tmp/five", "five, each knows its neighbours"),
            .init("shoal cluster up 4 --disk 192", "four, each with 192 MiB for its data"),
        ]
    ) { call in
        let place = call[ClusterCommand.directory]
        let cluster: Cluster
        if Paths.exists("\(place)/cluster.json") {
            cluster = try Cluster(existing: place)
        } else {
            let named = call[names].isEmpty ? Cluster.defaultNames(call[number] ?? call[count] ?? 3) : call[names]
            cluster = try Cluster(
                making: .init(
                    network: "cluster", names: named, topology: call[topology], trains: call[trains],
                    hasLinks: !call[direct], diskMebibytes: call[disk], hasNamespaces: call[netns]),
                in: place)
        }
        try await Interruption.guarding { interruption in
            do {
                try await LiveRegion.show(on: call.console) { region in
                    let rows = Dictionary(
                        uniqueKeysWithValues: try cluster.nodes.map { ($0.name, region.row($0.name)) })
                    try await cluster.up { name, step in
                        switch step {
                        case .starting: rows[name]?.status("starting")
                        case .ready: rows[name]?.finish("up")
                        }
                    }
                }
            } catch {
                try await cluster.down(keepingFiles: true) { interruption.count > 1 }
                throw error
            }
        }
        return try await show(cluster, call)
    }

    static let status = Command(
        "status", summary: "who is up, and do all hold the same? (exit code 1 if not)",
        examples: [
            .init("shoal cluster status", "a table"),
            .init("shoal cluster status --json", "for a program"),
        ]
    ) { call in
        try await show(try Cluster(existing: call[ClusterCommand.directory]), call)
    }

    private static func show(_ cluster: Cluster, _ call: Invocation) async throws -> ExitCode {
        let status = try await cluster.status()
        if call[Shared.json] {
            try call.printJSON(status)
        } else {
            call.console.print(status.table)
            call.console.say(status.summary)
            for node in status.nodes {
                if let trouble = node.trouble { call.console.say("\(node.name): \(printable(trouble))") }
            }
        }
        return status.isWell ? .done : .no
    }

    private static let via = Option<String?>(
        "via", .text.named("NODE"), "the member that lets it in (default: the first)")

    static let add = Command(
        "add", summary: "let a new node into the running cluster", arguments: [ClusterCommand.node], options: [via],
        examples: [.init("shoal cluster add d", "a late joiner: it fetches all that happened before")]
    ) { call in
        let cluster = try Cluster(existing: call[ClusterCommand.directory])
        guard let member = try call[via] ?? cluster.nodes.first?.name else {
            throw call.failure(call[ClusterCommand.directory], "the cluster has no node")
        }
        try await cluster.add(call[ClusterCommand.node], via: member)
        if !call[Shared.json] { call.console.print("\(call[ClusterCommand.node]) belongs to the network and is up.") }
        return .done
    }

    private static let keep = Flag("keep", "leave the files, so that `cluster up` goes on from here")

    static let down = Command(
        "down", summary: "stop every node and remove the cluster's files", flags: [keep],
        examples: [
            .init("shoal cluster down", "nothing is left, neither processes nor data"),
            .init("shoal cluster down --keep", "only stop"),
        ]
    ) { call in
        let cluster = try Cluster(existing: call[ClusterCommand.directory])
        try await Interruption.guarding { interruption in
            try await cluster.down(keepingFiles: call[keep]) { interruption.count > 0 }
        }
        if !call[Shared.json] { call.console.print("All nodes of \(call[ClusterCommand.directory]) are stopped.") }
        return .done
    }
}

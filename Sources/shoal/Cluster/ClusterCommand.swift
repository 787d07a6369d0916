internal import API
internal import Harness
internal import Terminal

/// `shoal cluster`: several real nodes on this machine, and faults on demand.
enum ClusterCommand {
    private static let directory = Option(
        "dir", .path.named("DIR"), default: "cluster", "where the cluster's files are")

    static let command = Command(
        "cluster", summary: "run several nodes on this machine, and break them",
        discussion: """
            Every node is a process with a data directory and a PostgreSQL of its own. Nodes outlive the command that \
            starts them; a cluster is known by its directory. The network of `shoal demo` is one, too.
            """,
        options: [directory], flags: [Shared.json],
        examples: [
            .init("shoal cluster up --nodes 4", "four nodes that know each other"),
            .init("shoal cluster status", "who is up, and do all hold the same?"),
            .init("shoal cluster kill b", "kill -9; `shoal cluster start b` brings it back"),
            .init("shoal cluster down", "stop all of them and remove their data"),
        ], subcommands: [up, status, kill, start, add, down])

    // MARK: up

    private static let count = Option("nodes", .integer(1...64), default: 3, "how many")
    private static let names = Option<[String]>(repeated: "name", .text.named("NAME"), "names in place of a, b, c …")
    private static let topology = Option("topology", .choice(Topology.self), default: .full, "who dials whom")

    private static let trains = Flag("train", "let the nodes train by themselves, as `shoal run` does")

    private static let up = Command(
        "up", summary: "start a new cluster, or what is down of an existing one",
        options: [count, names, topology], flags: [trains],
        examples: [
            .init("shoal cluster up", "three nodes"),
            .init("shoal cluster up --nodes 5 --topology line --dir /tmp/five", "five, each knows its neighbours"),
        ]
    ) { call in
        let place = call[directory]
        let cluster: Cluster
        if Paths.exists("\(place)/cluster.json") {
            cluster = try Cluster(existing: place)
        } else {
            let named = call[names].isEmpty ? (0..<call[count]).map(defaultName) : call[names]
            cluster = try Cluster(
                making: .init(network: "cluster", names: named, topology: call[topology], trains: call[trains]),
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

    /// a … z, then n26, n27 …
    private static func defaultName(_ number: Int) -> String {
        number < 26 ? String(UnicodeScalar(UInt8(ascii: "a") + UInt8(number))) : "n\(number)"
    }

    // MARK: status

    private static let status = Command(
        "status", summary: "who is up, and do all hold the same? (exit code 1 if not)",
        examples: [
            .init("shoal cluster status", "a table"),
            .init("shoal cluster status --json", "for a program"),
        ]
    ) { call in
        try await show(try Cluster(existing: call[directory]), call)
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

    // MARK: faults

    private static let node = Argument("NODE", .text.named("NODE"), "the node's name")
    private static let postgres = Flag("postgres", "kill its PostgreSQL instead; the node goes on")
    private static let term = Flag("term", "ask it to stop in order instead")

    private static let kill = Command(
        "kill", summary: "end a node at once, as a power cut would", arguments: [node], flags: [postgres, term],
        examples: [
            .init("shoal cluster kill b", "kill -9 of the node"),
            .init("shoal cluster kill b --postgres", "kill -9 of its database server"),
            .init("shoal cluster kill b --term", "an orderly stop"),
        ]
    ) { call in
        guard !(call[postgres] && call[term]) else {
            throw call.failure("", "--postgres and --term exclude each other", exit: .usage)
        }
        let cluster = try Cluster(existing: call[directory])
        let blow: Cluster.Blow = call[postgres] ? .killPostgres : call[term] ? .terminate : .killNode
        try await cluster.strike(call[node], blow)
        if !call[Shared.json] {
            call.console.print(call[postgres] ? "The PostgreSQL of \(call[node]) is dead." : "\(call[node]) is down.")
        }
        return .done
    }

    private static let start = Command(
        "start", summary: "start a node that is down", arguments: [node],
        examples: [.init("shoal cluster start b", "bring it back; it catches up by itself")]
    ) { call in
        try await Cluster(existing: call[directory]).start(call[node])
        if !call[Shared.json] { call.console.print("\(call[node]) is up.") }
        return .done
    }

    private static let via = Option<String?>(
        "via", .text.named("NODE"), "the member that lets it in (default: the first)")

    private static let add = Command(
        "add", summary: "let a new node into the running cluster", arguments: [node], options: [via],
        examples: [.init("shoal cluster add d", "a late joiner: it fetches all that happened before")]
    ) { call in
        let cluster = try Cluster(existing: call[directory])
        guard let member = try call[via] ?? cluster.nodes.first?.name else {
            throw call.failure(call[directory], "the cluster has no node")
        }
        try await cluster.add(call[node], via: member)
        if !call[Shared.json] { call.console.print("\(call[node]) belongs to the network and is up.") }
        return .done
    }

    // MARK: down

    private static let keep = Flag("keep", "leave the files, so that `cluster up` goes on from here")

    private static let down = Command(
        "down", summary: "stop every node and remove the cluster's files", flags: [keep],
        examples: [
            .init("shoal cluster down", "nothing is left, neither processes nor data"),
            .init("shoal cluster down --keep", "only stop"),
        ]
    ) { call in
        let cluster = try Cluster(existing: call[directory])
        try await Interruption.guarding { interruption in
            try await cluster.down(keepingFiles: call[keep]) { interruption.count > 0 }
        }
        if !call[Shared.json] { call.console.print("All nodes of \(call[directory]) are stopped.") }
        return .done
    }
}

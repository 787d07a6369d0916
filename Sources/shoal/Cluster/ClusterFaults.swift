internal import Harness
internal import Terminal

/// `shoal cluster kill` and the other things that happen to machines.
enum ClusterFaults {
    private static let node = ClusterCommand.node

    private static let postgres = Flag("postgres", "kill its PostgreSQL instead; the node goes on")
    private static let term = Flag("term", "ask it to stop in order instead")

    static let kill = Command(
        "kill", summary: "end a node at once, as a power cut would", arguments: [ClusterCommand.node],
        flags: [postgres, term],
        examples: [
            .init("shoal cluster kill b", "kill -9 of the node"),
            .init("shoal cluster kill b --postgres", "kill -9 of its database server"),
            .init("shoal cluster kill b --term", "an orderly stop"),
        ]
    ) { call in
        guard !(call[postgres] && call[term]) else {
            throw call.failure("", "--postgres and --term exclude each other", exit: .usage)
        }
        let cluster = try Cluster(existing: call[ClusterCommand.directory])
        let blow: Cluster.Blow = call[postgres] ? .killPostgres : call[term] ? .terminate : .killNode
        try await cluster.strike(call[ClusterCommand.node], blow)
        if !call[Shared.json] {
            call.console.print(
                call[postgres]
                    ? "The PostgreSQL of \(call[ClusterCommand.node]) is dead."
                    : "\(call[ClusterCommand.node]) is down.")
        }
        return .done
    }

    private static let binary = Option<String?>(
        "binary", .path.named("FILE"), "the shoal that it runs from now on (default: the one that it ran before)")

    static let start = Command(
        "start", summary: "start a node that is down", arguments: [ClusterCommand.node], options: [binary],
        examples: [
            .init("shoal cluster start b", "bring it back; it catches up by itself"),
            .init("shoal cluster start b --binary ./shoal-next", "a rehearsal of an upgrade"),
        ]
    ) { call in
        try await Cluster(existing: call[ClusterCommand.directory]).start(
            call[ClusterCommand.node], binary: call[binary])
        if !call[Shared.json] { call.console.print("\(call[ClusterCommand.node]) is up.") }
        return .done
    }

    /// A command that does one thing to one node.
    private static func simple(
        _ name: String, _ summary: String, discussion: String = "", example: String, done: String,
        _ work: @escaping @Sendable (Cluster, String) async throws -> Void
    ) -> Command {
        Command(
            name, summary: summary, discussion: discussion, arguments: [node],
            examples: [.init("shoal cluster \(name) b", example)]
        ) { call in
            let name = call[node]
            try await work(try Cluster(existing: call[ClusterCommand.directory]), name)
            ClusterCommand.tell(call, done.replacing("NODE", with: name))
            return .done
        }
    }

    static let pause = simple(
        "pause", "stop a node's process in its tracks (SIGSTOP)", example: "it neither answers nor reads",
        done: "NODE is paused."
    ) { try $0.pause($1) }

    static let resume = simple(
        "resume", "let a paused node go on", example: "as if nothing had been", done: "NODE goes on."
    ) { try $0.resume($1) }

    static let snapshot = simple(
        "snapshot", "keep a copy of a node's database",
        discussion: "A node that runs is stopped in order for it and started again.",
        example: "in place of an earlier copy", done: "A copy of NODE's database is kept."
    ) { try await $0.snapshot($1) }

    static let restoreSnapshot = simple(
        "restore-snapshot", "put a node's database back to its copy",
        discussion: """
            As a careless administrator would: the node is killed, its database replaced, the rest of its data left. \
            Its sign journal knows what it has signed since, and the others what they have seen.
            """, example: "and start it again", done: "NODE is back to its copy."
    ) { try await $0.restoreSnapshot($1) }

    private static let leaving = Option("leaving", .integer(0...65_536).named("MIB"), default: 24, "what stays free")

    static let fillDisk = Command(
        "fill-disk", summary: "fill a node's disk (of a cluster that was started with --disk)", arguments: [node],
        options: [leaving],
        examples: [.init("shoal cluster fill-disk b", "24 MiB stay free: the node stops in order")]
    ) { call in
        try Cluster(existing: call[ClusterCommand.directory]).fillDisk(call[node], leaving: call[leaving])
        ClusterCommand.tell(call, "The disk of \(call[node]) has \(call[leaving]) MiB left.")
        return .done
    }

    static let freeDisk = simple(
        "free-disk", "give a node's disk its space back", example: "`shoal cluster start b` lets it go on",
        done: "The disk of NODE has room again."
    ) { try $0.freeDisk($1) }

    private static let seconds = Argument(
        "SECONDS", .integer(-31_536_000...31_536_000), "how far ahead; negative: behind")

    static let skewClock = Command(
        "skew-clock", summary: "set a node's wall clock wrong",
        discussion: """
            libfaketime stands between the node and the C library, so that no line of the node knows. The clock that \
            measures time spans stays true, as it does when somebody sets a machine's date, and PostgreSQL keeps the \
            machine's time. A node whose clock was true until now is restarted in order; from then on its clock moves \
            while it runs.
            """,
        arguments: [node, seconds],
        examples: [.init("shoal cluster skew-clock b 3600", "b believes that it is an hour later")]
    ) { call in
        try await Cluster(existing: call[ClusterCommand.directory]).skewClock(call[node], seconds: call[seconds])
        ClusterCommand.tell(call, "The clock of \(call[node]) is \(call[seconds]) s ahead.")
        return .done
    }
}

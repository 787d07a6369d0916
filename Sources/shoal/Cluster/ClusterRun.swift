internal import Glibc
internal import Harness
internal import Terminal

/// `shoal cluster run` and what else keeps a cluster busy.
enum ClusterRun {
    private static let file = Argument("FILE", .path.named("FILE"), "the scenario, JSON (docs/cluster.md)")
    private static let seed = Option<Int?>("seed", .integer(0...1 << 53), "repeats what an earlier run drew")
    private static let keep = Flag("keep", "leave the files of the cluster, stopped (with --dir)")
    private static let place = Option<String?>(
        "at", .path.named("DIR"), "where the cluster lives (default: a temporary place)")

    static let run = Command(
        "run", summary: "play a scenario: a topology, what happens, what must hold (exit code 1 if it does not)",
        discussion: """
            The cluster is made for it and removed afterwards. Every step is told when it is over, and the report says \
            what was expected and found. --json prints one object with the timeline.
            """,
        arguments: [file], options: [seed, place], flags: [keep],
        examples: [
            .init("shoal cluster run Examples/scenarios/partition.json", "two halves, and what comes of it"),
            .init("shoal cluster run Examples/scenarios/nemesis.json --seed 7", "the same faults once more"),
        ]
    ) { call in
        let scenario = try Scenario.load(call[file])
        var options = Rehearsal.Options()
        options.seed = call[seed]
        options.directory = call[place]
        options.keepsFiles = call[keep] && call[place] != nil
        let settings = options
        let console = call.console
        let isQuiet = call[Shared.json]
        if !isQuiet { console.say("\(scenario.name): \(scenario.about)") }
        let report = try await Interruption.guarding { interruption in
            try await Rehearsal.run(scenario, settings, isHurried: { interruption.count > 1 }) { entry in
                isQuiet ? console.complain(entry.line) : console.print(entry.line)
            }
        }
        if isQuiet {
            try call.printJSON(report)
        } else {
            console.print()
            console.print(report.table)
            console.say(report.summary)
        }
        return report.isWell ? .done : .no
    }

    private static let nodes = Argument<[String]>(
        repeated: "NODE", .text.named("NODE"), atLeast: 0, "who trains (default: all)")
    private static let rounds = Option("rounds", .integer(1...10_000), default: 5, "ops of one run")
    private static let pause = Option("every", .duration, default: .seconds(1), "between two runs of a node")
    private static let length = Option("for", .duration, default: .seconds(30), "how long")

    static let load = Command(
        "load", summary: "keep nodes busy: train a small model again and again", arguments: [nodes],
        options: [rounds, pause, length],
        examples: [
            .init("shoal cluster load", "all nodes, for half a minute"),
            .init("shoal cluster load a b --rounds 20 --for 5m", "two of them, busier"),
        ]
    ) { call in
        let cluster = try Cluster(existing: call[ClusterCommand.directory])
        let load = Load(cluster)
        let (names, rounds, pause, length) = (call[nodes], call[rounds], call[pause], call[length])
        try await Interruption.guarding { _ in
            load.begin(try await load.prepare(names), rounds: rounds, every: pause)
            try? await Task.sleep(for: length)
            await load.end()
        }
        let told = load.acknowledged
        if call[Shared.json] {
            try call.printJSON(told)
        } else {
            for (name, ops) in told.sorted(by: { $0.key < $1.key }) {
                call.console.print("\(name): \(ops) durable ops")
            }
        }
        return .done
    }

    static let serve = Command(
        "serve", summary: "carry the cluster's connections, in the foreground; `up` starts this by itself",
        flags: [RunCommand.withStarter],
        examples: [.init("shoal cluster serve", "until SIGTERM, or the cluster's files are gone")]
    ) { call in
        if call[RunCommand.withStarter] { Lifeline.follow() }
        try await LinkService.run(call[ClusterCommand.directory])
        return .done
    }
}

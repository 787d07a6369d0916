internal import Harness
internal import Terminal

/// `shoal demo`: a whole network on this machine.
enum DemoCommand {
    private static let data = Option<String?>(
        "data", .path.named("DIR"),
        "a folder with a sub-folder for each site, in each train.txt, valid.txt and test.txt of tab-separated triples")
    private static let sites = Option<Int?>("sites", .integer(1...64), "only the first so many sites")
    private static let directory = Option<String?>(
        "dir", .path.named("DIR"), "where the network lives and stays (default: a temporary place)")
    private static let rounds = Option<Int?>("rounds", .integer(1...10_000), "training rounds, each one op a site")
    private static let steps = Option<Int?>("steps", .integer(1...10_000), "steps per round")
    private static let seed = Option<Int?>("seed", .integer(0...Int.max), "of walks and dropout")
    private static let dim = Option("dim", .integer(16...128), default: 64, "width of the model")
    private static let exits = Flag("exit", "stop the network when all is shown")
    private static let noPooled = Flag("no-pooled", "do not train one model on everybody's facts for comparison")

    static let command = Command(
        "demo", summary: "watch sites learn one model from private graphs, on this machine",
        discussion: """
            Every site is a node of its own: a process, a socket, a PostgreSQL. Without --data three hospitals play, which \
            use the same relations and know different facts. Each first learns alone, then together with the others; \
            then both are asked about facts that nobody was told, beside a model that was trained in one place on all facts.

            The network runs on until Ctrl-C, to be looked at with the other commands.
            """,
        options: [data, sites, directory, rounds, steps, seed, dim], flags: [exits, noPooled, Shared.json],
        examples: [
            .init("shoal demo", "three hospitals; about a minute"),
            .init("shoal demo --exit --json", "the figures, for a program"),
            .init("shoal demo --data umls-fed10", "graphs of your own"),
        ]
    ) { call in
        var options = DemoOptions()
        options.data = call[data]
        options.sites = call[sites]
        options.directory = call[directory]
        options.exits = call[exits]
        options.json = call[Shared.json]
        options.pooled = !call[noPooled]
        options.rounds = call[rounds]
        options.steps = call[steps]
        options.seed = call[seed]
        options.dim = call[dim]
        options.command = CommandLine.arguments.first.map { quoted($0) } ?? "shoal"
        return try await Demo.run(options, console: call.console)
    }
}

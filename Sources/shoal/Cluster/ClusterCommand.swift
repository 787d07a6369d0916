internal import API
internal import Harness
internal import Terminal

/// `shoal cluster`: several real nodes on this machine, and faults on demand.
enum ClusterCommand {
    static let directory = Option("dir", .path.named("DIR"), default: "cluster", "where the cluster's files are")
    static let node = Argument("NODE", .text.named("NODE"), "the node's name")

    static let command = Command(
        "cluster", summary: "run several nodes on this machine, and break them",
        discussion: """
            Every node is a process with a data directory and a PostgreSQL of its own. What they say to each other passes \
            through a harness, a process that can slow links down and cut them. Nodes and harness outlive the command \
            that starts them; a cluster is known by its directory. The network of `shoal demo` is one, too, without a \
            harness.

            `cluster run` plays a scenario from a file: a topology, what happens and when, and what must hold in the end.
            """,
        options: [directory], flags: [Shared.json],
        examples: [
            .init("shoal cluster up 4", "four nodes that know each other"),
            .init("shoal cluster status", "who is up, and do all hold the same?"),
            .init("shoal cluster kill b", "kill -9; `shoal cluster start b` brings it back"),
            .init("shoal cluster partition a b , c d", "two halves; `shoal cluster heal` joins them"),
            .init("shoal cluster run Examples/scenarios/partition.json", "a rehearsal, with a timeline"),
            .init("shoal cluster down", "stop all of them and remove their data"),
        ],
        subcommands: [
            ClusterUp.up, ClusterUp.status, ClusterUp.down, ClusterFaults.kill, ClusterFaults.start,
            ClusterFaults.pause, ClusterFaults.resume, ClusterUp.add, ClusterLinks.partition, ClusterLinks.cut,
            ClusterLinks.heal, ClusterLinks.link, ClusterLinks.links, ClusterFaults.snapshot,
            ClusterFaults.restoreSnapshot, ClusterFaults.fillDisk, ClusterFaults.freeDisk, ClusterFaults.skewClock,
            ClusterRun.load, ClusterRun.run, ClusterRun.serve,
        ])

    /// Says what was done, unless a program asked.
    static func tell(_ call: Invocation, _ sentence: String) {
        if !call[Shared.json] { call.console.print(sentence) }
    }
}

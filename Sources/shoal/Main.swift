internal import Daemon
internal import Glibc
internal import Terminal

@main
enum Main {
    static func main() async {
        exit(await program.run(Array(arguments.dropFirst()), console: .standard()).rawValue)
    }

    /// Swift finds its arguments beside the environment, and none when a preloaded library (libfaketime, a memory
    /// checker) has moved the environment before it looks. The system knows them in any case.
    private static var arguments: [String] {
        let found = CommandLine.arguments
        guard found.isEmpty, let file = fopen("/proc/self/cmdline", "re") else { return found }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

/// The whole program. The tree reads in the order in which a newcomer needs the commands.
let program: Program = Program(
    root: Command(
        "shoal", summary: "sites that learn one model from private knowledge graphs",
        discussion: """
            Every site runs one node beside a PostgreSQL of its own. Its graph never leaves it: what it learned \
            travels, as signed changes of the model's weights, and every site adds up the same ones.
            """,
        examples: [
            .init("shoal demo", "watch three sites learn one model, here"),
            .init("shoal init --name north", "make a site: its key and its data directory"),
            .init("shoal run", "start the node of this machine's only site"),
            .init("shoal status", "is it well?"),
        ],
        subcommands: [
            DemoCommand.command, InitCommand.command, KeysCommand.command, NetworkCommand.command, JoinCommand.command,
            InviteCommand.command, LeaveCommand.command,
            RunCommand.command, PeersCommand.command, StatusCommand.command, TopCommand.command, DoctorCommand.command,
            ConfigCommand.command, BackupCommand.backup, BackupCommand.restore, PostgresCommand.command,
            GraphCommand.command,
            AgentsCommand.command, PerspectiveCommand.command, AssociationsCommand.command, ModelCommand.command,
            PatternCommand.command, KoiCommand.command,
            OpsCommand.command, ConsensusCommand.command, ClusterCommand.command, SimulateCommand.command,
            BenchCommand.command,
            CompletionsCommand.command, CompletionsCommand.man,
        ]),
    version: ShoalVersion.current,
    welcome: """
        shoal: sites that learn one model from private knowledge graphs.

          shoal demo               watch three sites learn one model, here
          shoal init --name SITE   set up a site of your own
          shoal --help             every command

        """,
    explain: explain)

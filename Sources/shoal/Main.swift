internal import Daemon
internal import Glibc
internal import Terminal

@main
enum Main {
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        exit(await program.run(words, console: .standard()).rawValue)
    }
}

/// The whole program. The tree reads in the order in which a newcomer needs the commands.
let program = Program(
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
            RunCommand.command, PeersCommand.command, StatusCommand.command, GraphCommand.command,
            AgentsCommand.command, PerspectiveCommand.command, AssociationsCommand.command, ModelCommand.command,
            OpsCommand.command, ClusterCommand.command, SimulateCommand.command,
            BenchCommand.command,
        ]),
    version: ShoalVersion.current,
    welcome: """
        shoal: sites that learn one model from private knowledge graphs.

          shoal demo               watch three sites learn one model, here
          shoal init --name SITE   set up a site of your own
          shoal --help             every command

        """,
    explain: explain)

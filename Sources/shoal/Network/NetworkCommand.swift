internal import Terminal

/// `shoal network`: the closed set of sites that learn together.
enum NetworkCommand {
    static let command = Command(
        "network", summary: "make and show networks", options: [Shared.keys], flags: [Shared.json],
        examples: [
            .init("shoal network new clinics --member keys/north.pub --member south.pub", "found a network of two"),
            .init("shoal network show clinics", "its id and founders"),
        ], subcommands: [NetworkNew.command, NetworkShow.command])
}

internal import API
internal import Terminal

/// `shoal ops`: who contributed what.
enum OpsCommand {
    static let command = Command(
        "ops", summary: "list, verify, export and take back signed operations", options: SiteSelection.options,
        flags: [Shared.json],
        examples: [
            .init("shoal ops list", "the newest ones"),
            .init("shoal ops verify", "are all signatures, chains and bodies right?"),
            .init("shoal ops export ops.cbor", "for any other COSE library"),
        ], subcommands: [OpsList.command, OpsShow.command, OpsVerify.command, OpsExport.command, OpsRetract.command])
}

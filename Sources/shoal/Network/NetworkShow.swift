internal import FoundationEssentials
internal import Identity
internal import Membership
internal import Site
internal import Terminal
internal import Wire

/// `shoal network show`: what a network file says, without its secret.
enum NetworkShow {
    private static let file = Argument("FILE", .path.named("FILE"), "a .network file, or the name of one in keys/")

    static let command = Command(
        "show", summary: "show a network's id and founders, never its secret", arguments: [file],
        examples: [
            .init("shoal network show clinics", "the file keys/clinics.network"),
            .init("shoal network show /mnt/usb/clinics.network --json", "one that somebody handed over, for a program"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Founder: Encodable {
            let peer: String
            /// From a `.pub` file beside the network file, if there is one.
            let name: String?
        }
        let name: String
        let id: String
        let createdSeconds: UInt64
        let founders: [Founder]
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let given = call[file]
        let isName = !given.contains("/") && !given.hasSuffix(".network") && !Paths.exists(given)
        let path = isName ? NetworkFile.path(of: given, in: call.keysDirectory) : given
        let genesis = try NetworkFile.load(path).genesis
        let names = publicNames(beside: path)
        let report = Report(
            name: genesis.name, id: genesis.networkID.hex, createdSeconds: genesis.createdSeconds,
            founders: genesis.founders.map { .init(peer: $0.hex, name: names[$0]) })
        guard !call[Shared.json] else {
            try call.printJSON(report)
            return .done
        }
        var values = KeyValues()
        values.add("network", report.name)
        values.add("id", report.id)
        let founded = Date(timeIntervalSince1970: Double(genesis.createdSeconds))
        values.add("founded", founded.formatted(.iso8601))
        call.console.print(values)
        call.console.print()
        var table = Table(.text("FOUNDER", minimum: 64), .text("SITE"))
        for founder in report.founders { table.add(founder.peer, founder.name ?? "") }
        call.console.print(table)
        return .done
    }

    private static func publicNames(beside path: String) -> [PeerID: String] {
        let directory = Paths.parent(of: path)
        var names: [PeerID: String] = [:]
        for name in Paths.names(in: directory) where name.hasSuffix(".pub") {
            if let (peer, site) = try? SiteKey.loadPublic("\(directory)/\(name)") { names[peer] = site.text }
        }
        return names
    }
}

internal import Identity
internal import Membership
internal import Site
internal import Terminal
internal import Wire

/// `shoal join`: tells a site its network and whom to dial; with a ticket, asks the inviter for both.
enum JoinCommand {
    static let file = Argument(
        "FILE|TICKET", fileOrTicket, "the network's .peers file, or the ticket of `shoal invite`")
    private static let fileOrTicket = ValueType(
        placeholder: "FILE|TICKET", rule: "a ticket or a .peers file; if it comes from `shoal invite`, that has failed"
    ) {
        $0.isEmpty || $0.contains("\0") ? nil : $0
    } show: {
        $0
    }
    private static let network = Option<String?>(
        "network", .path.named("FILE"), "the network file (default: NAME.network beside the site's key, or in keys/)")

    static let peersDirectory = Option<String?>(
        "peers", .path.named("DIR"), "with a ticket: where NETWORK.peers goes (default: peers, beside the keys)")

    static let command = Command(
        "join", summary: "join a network, by a ticket or by its .peers file",
        discussion: """
            With a ticket, everything is done: a site that is not there is made, with its key; the inviter is asked \
            for the network file and the members; the settings are kept. Nothing but a way to dial the inviter is \
            needed. A ticket admits one site, which may use it again.

            With a .peers file: \
            checks it line by line, then keeps its place and that of the network file in the site's \
            shoal.json: `shoal run` needs no options afterwards. If the file names an address of this site, the node \
            listens on that port. Joining a second time does no harm.
            """,
        arguments: [file],
        options: [network, peersDirectory, Shared.keys] + SiteSelection.options + SiteSettings.declared.options,
        flags: [Shared.json],
        examples: [
            .init("shoal join TICKET", "with the line that `shoal invite` printed at a member"),
            .init("shoal join TICKET --listen west.example:7447", "and others can dial this site"),
            .init("shoal join peers/clinics.peers", "with keys/clinics.network"),
            .init("shoal join clinics.peers --network /mnt/usb/clinics.network", "with a network file elsewhere"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let site: String
        let peer: String
        let network: String
        let networkId: String
        let founder: Bool
        let listed: Bool
        let listen: String?
        let advertise: [String]
        let changed: Bool
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        if Ticket.isTicket(call[file]) { return try await redeem(call) }
        let peersPath = Paths.absolute(call[file])
        guard Paths.exists(peersPath) else {
            throw call.failure(
                call[file], "it is neither a ticket nor a file",
                remedy: "A ticket is the line that `shoal invite` prints, from shoal-ticket-1. on", exit: .unreachable)
        }
        let peers = try PeerList.load(peersPath)
        let directory = try DataDirectory(existing: SiteSelection(call).path)
        var config = try SiteConfig.load(directory.configPath)
        let before = config
        let key = try key(call, config, directory)
        let networkPath = try networkPath(call, keyPath: key.path)
        let genesis = try NetworkFile.load(networkPath).genesis
        try checkSame(call, config, directory, genesis, networkPath)
        let peerID = key.key.keyPair.peerID

        config.network = networkPath
        let known = config.peers.map { SiteConfig.resolve($0, in: directory.path) }
        if !known.contains(peersPath) { config.peers.append(peersPath) }
        try SiteSettings.declared.apply(call, to: &config)
        if let endpoint = peers[peerID]?.endpoint { listen(on: endpoint, &config) }
        if config != before { try config.save(to: directory.configPath) }

        let report = Report(
            site: config.name.text, peer: peerID.hex, network: genesis.name, networkId: genesis.networkID.hex,
            founder: genesis.founders.contains(peerID), listed: peers[peerID] != nil,
            listen: config.listen?.description, advertise: config.advertise.map(\.description),
            changed: config != before)
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            tell(call, report, others: peers.entries.filter { $0.peerID != peerID })
        }
        return .done
    }

    private static func key(
        _ call: Invocation, _ config: SiteConfig, _ directory: DataDirectory
    ) throws -> (path: String, key: SiteKey) {
        let path =
            config.key.map { SiteConfig.resolve($0, in: directory.path) }
            ?? Paths.absolute(SiteKey.path(of: config.name, in: call.keysDirectory))
        return (path, try SiteKey.load(path))
    }

    private static func networkPath(_ call: Invocation, keyPath: String) throws -> String {
        if let given = call[network] { return Paths.absolute(given) }
        let name = Paths.name(of: call[file])
        let stem = name.hasSuffix(".peers") ? String(name.dropLast(6)) : name
        let directories =
            [call[Shared.keys] ?? variable("SHOAL_KEYS"), Paths.parent(of: keyPath), "keys"].compactMap { $0 }
        let candidates = directories.map { Paths.absolute(NetworkFile.path(of: stem, in: $0)) }
        if let found = candidates.first(where: { Paths.exists($0) }) { return found }
        throw call.failure(
            candidates[0], "the network file is missing",
            remedy: "Ask a member for it, or say where it is with --network FILE", exit: .unreachable)
    }

    /// A data directory belongs to one network for ever.
    private static func checkSame(
        _ call: Invocation, _ config: SiteConfig, _ directory: DataDirectory, _ genesis: Genesis, _ path: String
    ) throws {
        guard let used = config.network.map({ SiteConfig.resolve($0, in: directory.path) }), used != path,
            Paths.exists(used)
        else { return }
        let other = try NetworkFile.load(used).genesis
        guard other.networkID != genesis.networkID else { return }
        throw call.failure(
            directory.path, "this site belongs to another network, \(other.name) (\(other.networkID.short)…)",
            remedy: "Make a data directory of its own for this one: shoal init --name \(config.name) --data-dir DIR")
    }

    /// Listens where the others will dial, unless the settings say something else.
    private static func listen(on endpoint: Endpoint, _ config: inout SiteConfig) {
        if config.listen == nil {
            let isLocal = ["localhost", "127.0.0.1", "::1"].contains(endpoint.host)
            let everywhere = endpoint.host.contains(":") ? "::" : "0.0.0.0"
            config.listen = Endpoint(host: isLocal ? endpoint.host : everywhere, port: endpoint.port)
        }
        if config.listen != endpoint, config.advertise.isEmpty { config.advertise = [endpoint] }
    }

    private static func tell(_ call: Invocation, _ report: Report, others: [PeerEntry]) {
        let verb = report.changed ? "has joined" : "is in"
        let style = call.console.style
        call.console.print(style.bold("\(report.site) \(verb) \(report.network) (\(short(report.networkId)))."))
        var values = KeyValues()
        values.add("belongs", report.founder ? "yes, as a founder" : "not as a founder")
        let dialled = others.filter { $0.endpoint != nil }.count
        values.add("dials", "\(dialled) of \(counted(others.count, "other site"))")
        let listens = report.listen.map { text in
            report.advertise.isEmpty ? text : "\(text), known as \(report.advertise.joined(separator: ", "))"
        }
        values.add("listens", listens ?? "nowhere: it only dials out")
        call.console.print(values)
        if !report.founder {
            call.advise(
                "Unless that has happened, a member must let this site in:\n"
                    + "  shoal peers add \(report.peer) --name \(report.site)")
        }
        call.suggest("Next:", "run")
    }
}

internal import Daemon
internal import Identity
internal import Membership
internal import Session
internal import Site
internal import Terminal
internal import Wire

/// Joining with a ticket: makes the site if it is not there, redeems the ticket, keeps what comes back.
extension JoinCommand {
    /// What `--json` prints.
    private struct TicketJoin: Encodable {
        let site: String
        let peer: String
        let network: String
        let networkId: String
        let key: String
        let dataDir: String
        let members: Int
        let dials: Int
        let listen: String?
        /// This machine's clock less the inviter's, in seconds.
        let clockAheadSeconds: Int
    }

    static func redeem(_ call: Invocation) async throws -> ExitCode {
        let ticket = try Ticket(parsing: call[file])
        let directory = try place(call, ticket)
        var config = SiteConfig(name: ticket.name)
        let isThere = Paths.exists(directory.configPath)
        if isThere { config = try SiteConfig.load(directory.configPath) }
        guard config.name == ticket.name else {
            throw call.failure(
                directory.path, "the ticket is for \(ticket.name), and this site is \(config.name)",
                remedy: "Ask for a ticket of that name: shoal invite \(config.name)")
        }
        try checkNoOther(call, config, directory, ticket)
        let key = try key(call, &config, directory)
        try SiteSettings.declared.apply(call, to: &config)
        // Kept before anything is asked: with the key of this site, a ticket that was used here can be used again.
        try config.save(to: directory.configPath)

        let addresses = reachable(config).map(\.description)
        let redeemed = try await call.showing(ticket.name.text, "the ticket is redeemed") { row in
            do throws(JoinError) {
                return try await TicketRedemption.redeem(ticket, as: key.keyPair, addresses: addresses) { stage in
                    row.status(text(stage, ticket))
                }
            } catch {
                throw failure(call, error, ticket)
            }
        }
        let keys = Paths.parent(of: config.key!)
        let networkPath = try redeemed.network.create(in: keys)
        let peersPath =
            "\(call[peersDirectory].map { Paths.absolute($0) } ?? "\(Paths.parent(of: keys))/peers")"
            + "/\(ticket.networkName).peers"
        try Files.makeDirectory(Paths.parent(of: peersPath), mode: 0o755)
        let others = redeemed.members.filter { $0.peerID != key.keyPair.peerID }
        // Each line is made durable by itself: a thousand take their time.
        try await call.showing(ticket.networkName.text, "the members are noted") { row in
            for (index, member) in others.enumerated() {
                try PeerFile.add(member, to: peersPath)
                row.progress(index + 1, of: others.count, .count("members"))
            }
        }
        config.network = networkPath
        let known = config.peers.map { SiteConfig.resolve($0, in: directory.path) }
        if !known.contains(peersPath) { config.peers.append(peersPath) }
        try config.save(to: directory.configPath)

        let report = TicketJoin(
            site: config.name.text, peer: key.keyPair.peerID.hex, network: ticket.networkName.text,
            networkId: ticket.network.hex, key: config.key!, dataDir: directory.path,
            members: redeemed.members.count, dials: redeemed.members.count { $0.endpoint != nil },
            listen: config.listen?.description, clockAheadSeconds: Int(redeemed.clockAhead))
        if call[Shared.json] { try call.printJSON(report) } else { tell(call, report) }
        return .done
    }

    private static func text(_ stage: TicketRedemption.Stage, _ ticket: Ticket) -> String {
        switch stage {
        case .dialling(let address, let number, let count):
            "the inviter is dialled at \(address)" + (count > 1 ? ", address \(number) of \(count)" : "")
        case .asked: "the inviter is asked to let it into \(ticket.networkName)"
        }
    }

    private static func place(_ call: Invocation, _ ticket: Ticket) throws -> DataDirectory {
        let path: String
        if let given = call[SiteSelection.dataDirectory] {
            path = given
        } else if let name = call[SiteSelection.site] {
            path = try DataDirectory.defaultPath(for: SiteName(checking: name))
        } else {
            path = try variable("SHOAL_DATA_DIR") ?? DataDirectory.defaultPath(for: ticket.name)
        }
        return try DataDirectory(creating: path)
    }

    /// A data directory belongs to one network for ever.
    private static func checkNoOther(
        _ call: Invocation, _ config: SiteConfig, _ directory: DataDirectory, _ ticket: Ticket
    ) throws {
        guard let used = config.network.map({ SiteConfig.resolve($0, in: directory.path) }), Paths.exists(used) else {
            return
        }
        let other = try NetworkFile.load(used).genesis
        guard other.networkID == ticket.network else {
            throw call.failure(
                directory.path, "this site belongs to another network, \(other.name) (\(other.networkID.short)…)",
                remedy: "Make a site of its own for \(ticket.networkName): shoal join TICKET --data-dir DIR --keys DIR")
        }
    }

    private static func key(
        _ call: Invocation, _ config: inout SiteConfig, _ directory: DataDirectory
    ) throws -> SiteKey {
        let path =
            config.key.map { SiteConfig.resolve($0, in: directory.path) }
            ?? Paths.absolute(SiteKey.path(of: config.name, in: call.keysDirectory))
        if !Paths.exists(path) {
            guard config.key == nil else { throw InitCommand.keyIsGone(call, directory.path, path) }
            try SiteKey(site: config.name, keyPair: .generate()).create(in: Paths.parent(of: path))
        }
        config.key = path
        return try SiteKey.load(path)
    }

    /// Where others can dial this site, as its settings say.
    private static func reachable(_ config: SiteConfig) -> [Endpoint] {
        if !config.advertise.isEmpty { return config.advertise }
        return config.listen.map { $0.canBeDialled ? [$0] : [] } ?? []
    }

    private static func failure(_ call: Invocation, _ error: JoinError, _ ticket: Ticket) -> Failure {
        let object = "the ticket for \(ticket.name) into \(ticket.networkName)"
        switch error {
        case .unreachable:
            return call.failure(
                object, "\(error)",
                remedy: "Is the inviter's node running, and its port open to this machine? Then try again, the ticket "
                    + "is still good", exit: .unreachable)
        case .notTheInviter, .foreign, .tooOld:
            return call.failure(object, "\(error)", remedy: "Ask the inviter for a new ticket: shoal invite")
        case .interrupted:
            return call.failure(
                object, "\(error)", remedy: "Try again: a ticket that this site has used admits it again",
                exit: .unreachable)
        case .refused(let refusal, let ahead):
            let remedy: String =
                switch refusal.reason {
                case .expired where abs(ahead) > 60:
                    "\(clock(ahead)); ask for a new ticket, and set the clock that is wrong"
                case .unable: "Try again in a moment; see the log of the inviter"
                default: "Ask the inviter for a new one: shoal invite \(ticket.name)"
                }
            return call.failure(object, refusal.text, remedy: remedy)
        }
    }

    private static func clock(_ ahead: Int64) -> String {
        let amount = Format.duration(.seconds(abs(ahead)))
        return "This machine's clock is \(amount) \(ahead > 0 ? "ahead of" : "behind") the inviter's"
    }

    private static func tell(_ call: Invocation, _ report: TicketJoin) {
        let style = call.console.style
        call.console.print(style.bold("\(report.site) has joined \(report.network) (\(short(report.networkId)))."))
        var values = KeyValues()
        values.add("peer id", report.peer)
        values.add("key", "\(report.key) (secret: keep a copy offline)")
        values.add("data", report.dataDir)
        values.add("dials", "\(report.dials) of \(counted(report.members, "member"))")
        values.add("listens", report.listen ?? "nowhere: it only dials out")
        call.console.print(values)
        if abs(report.clockAheadSeconds) > 60 {
            call.advise("\(clock(Int64(report.clockAheadSeconds))). Set the one that is wrong.")
        }
        call.suggest("Next:", "run", about: report.site)
    }
}

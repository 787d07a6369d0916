internal import Glibc
internal import Identity
internal import Membership
internal import Site
internal import Terminal
internal import Wire

/// `shoal network new`: genesis, vocabulary key and a list of whom to dial.
enum NetworkNew {
    private static let name = Argument("NAME", .text, "the network's name: letters, digits and . _ -")
    private static let members = Option<[String]>(
        repeated: "member", .text.named("MEMBER[@HOST:PORT]"),
        "a founder: its .pub file or peer id, and where it listens")
    private static let peers = Option("peers", .path.named("DIR"), default: "peers", "where NAME.peers goes")

    static let command = Command(
        "new", summary: "found a network",
        discussion: """
            Writes keys/NAME.network: what all members agree on, with a fresh secret vocabulary key; and \
            peers/NAME.peers: one member a line, where to dial it. Every founder needs a copy of both; the first \
            one only over a channel that you trust.

            Founders cannot be changed afterwards. Members can be added at any time, by any member.
            """,
        arguments: [name], options: [members, peers],
        examples: [
            .init(
                "shoal network new clinics --member keys/north.pub --member south.pub", "two founders, by their keys"),
            .init(
                "shoal network new clinics --member keys/north.pub@north.example:7447",
                "one founder, and where others dial it"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let name: String
        let id: String
        let file: String
        let peers: String
        let founders: [String]
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let network = try SiteName(checking: call[name])
        guard !call[members].isEmpty else {
            throw call.failure(
                "--member", "a network needs at least one founder",
                remedy: "Name your own, for example --member keys/SITE.pub", exit: .usage)
        }
        let founders = try call[members].map { try entry(call, $0) }
        let path = NetworkFile.path(of: network.text, in: call.keysDirectory)
        guard !Paths.exists(path) else {
            throw call.failure(
                path, "there is a network of that name",
                remedy: "Look at it with `shoal network show \(network)`, or choose another name")
        }
        try Files.makeDirectory(call[peers], mode: 0o755)
        let key = secureRandomBytes(32)
        let genesis = try Genesis(
            name: network.text, createdSeconds: UInt64(time(nil)), salt: secureRandomBytes(16), vocabularyKey: key,
            founders: founders.map(\.peerID))
        try NetworkFile(genesis: genesis, vocabularyKey: key).create(in: call.keysDirectory)
        let peersPath = "\(call[peers])/\(network).peers"
        for founder in founders { try PeerFile.add(founder, to: peersPath) }
        if call[Shared.json] {
            try call.printJSON(
                Report(
                    name: genesis.name, id: genesis.networkID.hex, file: path, peers: peersPath,
                    founders: genesis.founders.map(\.hex)))
        } else {
            tell(call, genesis, path, peersPath, founders)
        }
        return .done
    }

    /// A founder from `keys/north.pub`, `PEER_ID`, and either with `@HOST:PORT`.
    private static func entry(_ call: Invocation, _ text: String) throws -> PeerEntry {
        var subject = text[...]
        var endpoint: Endpoint?
        if !Paths.exists(text), let at = text.lastIndex(of: "@") {
            subject = text[..<at]
            endpoint = Endpoint(parsing: text[text.index(after: at)...])
            guard let port = endpoint?.port, port > 0 else {
                throw call.failure(
                    "--member \(text)", "what follows @ is no address",
                    remedy: "Write MEMBER@HOST:PORT, for example keys/north.pub@north.example:7447", exit: .usage)
            }
        }
        if let peerID = PeerID(hex: subject) {
            return PeerEntry(peerID: peerID, endpoint: endpoint, name: peerID.short)
        }
        let (peerID, site) = try SiteKey.loadPublic(String(subject))
        return PeerEntry(peerID: peerID, endpoint: endpoint, name: site.text)
    }

    private static func tell(
        _ call: Invocation, _ genesis: Genesis, _ path: String, _ peersPath: String, _ founders: [PeerEntry]
    ) {
        let count = counted(genesis.founders.count, "founder")
        call.console.print(call.console.style.bold("The network \(genesis.name) is founded, with \(count)."))
        var values = KeyValues()
        values.add("id", genesis.networkID.hex)
        values.add("network", "\(path) (secret: every member needs a copy)")
        values.add("peers", "\(peersPath) (where to dial)")
        call.console.print(values)
        let silent = founders.filter { $0.endpoint == nil }.map(\.name)
        if !silent.isEmpty {
            call.advise(
                "\(peersPath) has no address of \(silent.joined(separator: ", ")) yet.\n"
                    + "Write it behind the peer id, @HOST:PORT, unless the site only dials out.")
        }
        call.advise("Next, at every site, with a copy of both files:\n  shoal join \(quoted(peersPath))")
    }
}

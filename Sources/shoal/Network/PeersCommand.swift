internal import API
internal import Identity
internal import Terminal
internal import Wire

/// `shoal peers`: the other sites, as a running node sees them.
enum PeersCommand {
    static let command = Command(
        "peers", summary: "list the other sites, and let new ones in", options: SiteSelection.options,
        flags: [Shared.json],
        examples: [
            .init("shoal peers", "who belongs, and who is connected"),
            .init("shoal peers add PEER_ID --name west --address west.example:7447", "let a new site in"),
        ], subcommands: [list, add, admit, revoke], standard: "list")

    private static let list = Command(
        "list", summary: "who belongs, and who is connected",
        examples: [
            .init("shoal peers list", "the members that this node knows"),
            .init("shoal peers list --json", "the same, for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/peers")
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            tell(call, try reply.report())
        }
        return .done
    }

    private static let peer = Argument<PeerID>("PEER_ID", .peerID, "the site's public key: `shoal keys show` there")
    private static let known = Argument<PeerSelection>(
        "PEER", .peerSelection, "the site: its name, or digits of its peer id")
    private static let name = Option<String?>("name", .text.named("SITE"), "what people call it")
    private static let address = Option<String?>(
        "address", .hostAndPort, "where it listens, if it does; kept in this site's .peers file")

    private static let add = Command(
        "add", summary: "let a new site into the network",
        discussion: """
            Any member may do so; the others learn of it by themselves. Give the new site copies of the network's \
            .network and .peers files.
            """,
        arguments: [peer], options: [name, address],
        examples: [
            .init("shoal peers add PEER_ID --name west", "a site that dials out by itself"),
            .init("shoal peers add PEER_ID --name west --address west.example:7447", "a site that can be dialled"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let reply = try await node.post(
            "/api/peers", PeerAddRequest(peer: call[peer].hex, name: call[name], address: call[address]))
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            let report = try reply.report(PeerReport.self)
            let title = report.name.isEmpty ? short(report.peer) : report.name
            call.console.print("\(title) belongs to the network now; the other members hear of it by themselves.")
        }
        return .done
    }

    private static let admit = Command(
        "admit", summary: "say yes to a member's right to vote",
        discussion: """
            A member that was added may sync and train. It votes, and receives the grant, when more than two thirds of \
            the voting members have said yes: each runs this command at its own site.
            """,
        arguments: [known], examples: [.init("shoal peers admit west", "this site's yes")]
    ) { call in
        let node = try RunningNode(call)
        let peer = try await call[known].resolve(call, at: node)
        let reply = try await node.post("/api/peers/admit", AffirmRequest(peer: peer.hex))
        return affirmed(call, reply, "This site votes for the right of \(short(peer.hex)) to vote.")
    }

    private static let revoke = Command(
        "revoke", summary: "say yes to taking a member's deltas out",
        discussion: """
            When more than two thirds of the other voting members have said yes, all that this member ever trained is \
            subtracted exactly, on every node, and it does not belong any more. What others learned on top of it stays.

            With --from and --through only those ops of its log are taken out, and it stays: all who say yes must name \
            the same range.
            """,
        arguments: [known], options: [from, through, log],
        examples: [
            .init("shoal peers revoke 3fa2b1c04d5e", "this site's yes"),
            .init("shoal peers revoke west --from 40 --through 52", "yes to taking out a part"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let peer = try await call[known].resolve(call, at: node)
        let reply = try await node.post(
            "/api/peers/revoke",
            AffirmRequest(peer: peer.hex, from: call[from], through: call[through], log: call[log]))
        let what = call[from] == nil ? "the revocation of" : "taking out ops of"
        return affirmed(call, reply, "This site votes for \(what) \(short(peer.hex)).")
    }

    private static let from = Option<Int?>(
        "from", .integer(1...Int.max), "the first place, as `shoal ops list --author` shows it")
    private static let through = Option<Int?>("through", .integer(1...Int.max), "the last place")
    private static let log = Option<String?>("log", .text.named("LOG"), "which log, where it has trained in several")

    private static func affirmed(_ call: Invocation, _ reply: Reply, _ text: String) -> ExitCode {
        if call[Shared.json] {
            call.printJSON(reply)
        } else {
            call.console.print(text)
            call.console.print("See what the others say: shoal consensus list")
        }
        return .done
    }

    private static func tell(_ call: Invocation, _ peers: [PeerReport]) {
        guard !peers.isEmpty else {
            call.console.print("No other site is known yet. Members let one in with `shoal peers add PEER_ID`.")
            return
        }
        call.console.print(table(peers))
    }

    /// Sites by name, connected ones first.
    static func table(_ peers: [PeerReport]) -> Table {
        var table = Table(
            .text("SITE"), .text("PEER"), .text("STATE", minimum: 12), .number("ROUND TRIP"), .number("OPS"),
            .text("ADDRESS"))
        let sorted = peers.sorted {
            ($0.connected ? 0 : 1, $0.name, $0.peer) < ($1.connected ? 0 : 1, $1.name, $1.peer)
        }
        for peer in sorted {
            table.add(
                peer.name, short(peer.peer), state(peer),
                peer.rttMs.map(roundTrip) ?? "", Format.count(peer.ops),
                peer.address ?? "", emphasis: peer.banned != nil ? .bad : peer.connected ? .normal : .faint)
        }
        return table
    }

    /// The node's clock has milliseconds.
    private static func roundTrip(_ milliseconds: Double) -> String {
        milliseconds < 1 ? "< 1 ms" : Format.duration(.microseconds(Int(milliseconds * 1000)))
    }

    private static func state(_ peer: PeerReport) -> String {
        if let banned = peer.banned { return "shut out: \(banned)" }
        if let next = peer.successor { return "now \(short(next))" }
        if peer.left { return "left" }
        if !peer.member { return peer.connected ? "connected, no member" : "no member" }
        return peer.connected ? "connected" : "not connected"
    }
}

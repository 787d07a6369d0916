internal import API
internal import Identity
internal import Terminal
internal import Wire

/// `shoal model serve`: whose training this site answers with.
enum ModelServe {
    private static let without = Option<[PeerSelection]>(
        repeated: "without", .peerSelection, "leave out what this member trained")
    private static let everybody = Flag("with-everybody", "leave nobody out any more")

    static let command = Command(
        "serve", summary: "answer without what some members trained",
        discussion: """
            From the next question on, at this site alone: predictions and searches are answered with the merged weights \
            less all that the named members trained. The network's sums stay as they are, and so does what is trained \
            here. It is what one site can do at once, while the others decide about `shoal peers revoke`.
            """,
        options: [without], flags: [everybody],
        examples: [
            .init("shoal model serve", "who is left out?"),
            .init("shoal model serve --without west", "this one, and nobody else"),
            .init("shoal model serve --with-everybody", "as usual again"),
        ]
    ) { call in
        let node = try RunningNode(call)
        let asks = call[without].isEmpty && !call[everybody]
        guard call[without].isEmpty || !call[everybody] else {
            throw call.failure(
                "", "--without and --with-everybody contradict each other", remedy: "Give one of them.", exit: .usage)
        }
        var peers: [String] = []
        for named in call[without] { peers.append(try await named.resolve(call, at: node).hex) }
        let reply =
            asks
            ? try await node.get("/api/models/without")
            : try await node.post("/api/models/without", WithoutRequest(peers: peers))
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let left = try reply.report(WithoutReport.self).peers
        call.console.print(
            left.isEmpty
                ? "This site answers with what everybody trained."
                : "This site answers without what \(left.map(short).joined(separator: ", ")) trained.")
        return .done
    }
}

internal import API
internal import Identity
internal import Terminal
internal import Wire

/// `shoal ops list`: the newest ops.
enum OpsList {
    private static let limit = Option("limit", .integer(1...1_000), default: 20, "how many, newest first")
    private static let kind = Option<String?>("kind", .text.named("KIND"), "only of this kind, such as member-add")
    private static let author = Option<PeerSelection?>(
        "author", .peerSelection, "only of this author: a site's name, or digits of its peer id")

    static let command = Command(
        "list", summary: "list ops, newest first", options: [limit, kind, author],
        flags: [Paging.all],
        examples: [
            .init("shoal ops list", "the newest 20"),
            .init("shoal ops list --kind update-model-weights --limit 100", "who taught the models, lately"),
            .init("shoal ops list --author west --all --json", "all that a site has signed, for a program"),
        ]
    ) { call in
        var peer: PeerID?
        if let named = call[author] { peer = try await named.resolve(call, at: RunningNode(call)) }
        let ops = try await Paging.list(
            call, "/api/ops", [("kind", call[kind]), ("author", peer?.hex)], limit: call[limit]
        ) {
            try $0.report([OpReport].self)
        } place: {
            $0.place.map { "\($0)" }
        }
        guard !call[Shared.json] else {
            try call.printJSON(ops)
            return .done
        }
        guard !ops.isEmpty else {
            call.console.print(
                call[kind] == nil && call[author] == nil ? "There is no op yet." : "There is no such op.")
            return .done
        }
        var table = Table(
            .text("ID", minimum: 12), .text("AUTHOR", minimum: 12), .number("SEQ"), .text("KIND"), .number("BODY"),
            .text("NO EFFECT"))
        for op in ops {
            table.add(
                short(op.id), short(op.author), Format.count(op.seq), op.kind, Format.bytes(op.bodyBytes),
                op.void ?? "", emphasis: op.void == nil ? .normal : .bad)
        }
        call.console.print(table)
        return .done
    }
}

/// `shoal ops show`: one op.
enum OpsShow {
    private static let id = Argument("ID", .text.named("ID"), "the op's id, or its first digits")

    static let command = Command(
        "show", summary: "show one op", arguments: [id],
        examples: [
            .init("shoal ops show 3f2a9c01d4e5", "by the first digits of its id"),
            .init("shoal ops show 3f2a9c01d4e5 --json", "for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get("/api/ops/\(call[id])")
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let op = try reply.report(OpReport.self)
        var values = KeyValues()
        values.add("id", op.id)
        values.add("kind", op.kind)
        values.add("author", op.author)
        values.add("log", "\(op.log), number \(Format.count(op.seq))")
        values.add("lamport", Format.count(op.lamport))
        values.add("body", Format.bytes(op.bodyBytes))
        for dep in op.deps { values.add("builds on", dep) }
        values.add("effect", op.void.map { "none: \($0)" } ?? "yes")
        call.console.print(values)
        return .done
    }
}

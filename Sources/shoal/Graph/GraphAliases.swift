internal import API
internal import Terminal

/// `shoal graph aliases`: other names of things.
enum GraphAliases {
    private static let file = Option<String?>(
        "set", .path.named("FILE"), "replace them by those of a file: name TAB canonical name")
    private static let clear = Flag("clear", "remove all")

    static let command = Command(
        "aliases", summary: "show, replace or clear the aliases that imports follow",
        discussion: """
            An import makes the id of a name that is an alias from its canonical name, for graph nodes and relations; \
            what people see stays the name in the file. Agree on canonical names with the other sites. Import files \
            again after a change: their ids follow.
            """,
        options: [file], flags: [clear],
        examples: [
            .init("shoal graph aliases", "print them, as TSV"),
            .init("shoal graph aliases --set aliases.tsv", "as `graph import --aliases` does"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        if let path = call[file] {
            guard !call[clear] else {
                throw call.failure("", "--set and --clear contradict each other", exit: .usage)
            }
            tell(call, try await send(path, to: node, call))
        } else if call[clear] {
            let empty = Call(.put, "/api/graph/aliases", body: .bytes([], contentType: "text/tab-separated-values"))
            tell(call, try await node.send(empty).report())
        } else {
            let reply = try await node.get("/api/graph/aliases")
            let text = String(decoding: reply.body, as: UTF8.self)
            let lines = text.split(separator: "\n")
            if call[Shared.json] {
                try call.printJSON(AliasReport(aliases: lines.count))
            } else {
                for line in lines {
                    call.console.print(line.split(separator: "\t").map { printable("\($0)") }.joined(separator: "\t"))
                }
            }
        }
        return .done
    }

    /// Replaces the site's aliases by those of a file.
    static func send(_ path: String, to node: RunningNode, _ call: Invocation) async throws -> AliasReport {
        guard Paths.exists(path) else {
            throw call.failure(path, "there is no such file", remedy: "Check the path", exit: .unreachable)
        }
        return try await node.send(
            Call(
                .put, "/api/graph/aliases", body: .file(path: path, contentType: "text/tab-separated-values"),
                timeout: nil)
        ).report()
    }

    private static func tell(_ call: Invocation, _ report: AliasReport) {
        if call[Shared.json] {
            try? call.printJSON(report)
        } else {
            call.console.print(
                report.aliases == 0
                    ? "No aliases hold any more."
                    : "\(counted(report.aliases, "alias holds", "aliases hold")) from now on.")
        }
    }
}

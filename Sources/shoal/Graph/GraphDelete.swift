internal import API
internal import Terminal

/// `shoal graph delete`: takes triples away.
enum GraphDelete {
    private static let names = Argument<[String]>(
        repeated: "NAME", .text.named("NAME"), atLeast: 0, "one triple: head, relation and tail")
    private static let file = Option<String?>(
        "file", .path.named("FILE"), "a TSV file of triples to delete: head TAB relation TAB tail")
    private static let split = Option(
        "split", .choice("train", "valid", "test"), default: "train", "where they are: in the graph, or held out")

    static let command = Command(
        "delete", summary: "delete edges, one or a file of them",
        discussion: """
            Names are those that `shoal graph show` prints. Graph nodes stay, also without an edge; to erase one, see \
            `shoal graph forget`. A file that was imported under a name takes its own lines back when it is imported \
            again without them.
            """,
        arguments: [names], options: [file, split],
        examples: [
            .init("shoal graph delete aspirin treats insomnia", "one edge"),
            .init("shoal graph delete --file wrong.tsv", "all that a file names, or nothing if a line is malformed"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let body: Call.Body
        switch (call[names], call[file]) {
        case ([], let path?):
            guard Paths.exists(path) else {
                throw call.failure(path, "there is no such file", remedy: "Check the path", exit: .unreachable)
            }
            body = .file(path: path, contentType: "text/tab-separated-values")
        case (let triple, nil) where triple.count == 3:
            guard !triple.contains(where: { $0.utf8.contains { [9, 10, 13].contains($0) } }) else {
                throw call.failure(
                    "", "a name with a TAB or a line end cannot be written as a triple",
                    remedy: "Use `shoal graph forget` for its graph node", exit: .usage)
            }
            body = .bytes(Array(triple.joined(separator: "\t").utf8), contentType: "text/tab-separated-values")
        default:
            throw call.failure(
                "", "a triple has three names", remedy: "Name head, relation and tail, or a file with --file",
                exit: .usage)
        }
        let reply = try await RunningNode(call).send(
            Call(.post, "/api/graph/delete", query: [("split", call[split])], body: body, timeout: nil))
        let done = try reply.report(DeleteReport.self)
        if call[Shared.json] { call.printJSON(reply) } else { tell(call, done) }
        return done.deleted > 0 ? .done : .no
    }

    private static func tell(_ call: Invocation, _ done: DeleteReport) {
        let thing = done.split == "train" ? "edge" : "held-out triple"
        call.console.print(
            done.deleted == 0 ? "There is no such \(thing)." : "Deleted \(counted(done.deleted, thing)).")
        guard done.deleted > 0, done.missing > 0 else { return }
        let lines = done.missingLines.map { "\($0)" }.joined(separator: ", ")
        call.console.print(
            "\(counted(done.missing, "line names", "lines name")) none: \(lines)"
                + (done.missing > done.missingLines.count ? ", …" : ""))
    }
}

internal import API
internal import Terminal

/// `shoal model import`: weights from other programs.
enum ModelImport {
    private static let file = Argument("FILE", .path.named("FILE"), "a safetensors file of a model of the same shape")
    private static let vocabulary = Option<String?>(
        "vocabulary", .path.named("FILE"), "which token each row is (default: FILE.vocabulary.jsonl)")
    private static let replace = Flag("replace", "also if this site has weights of its own for this model")
    private static let fromAnotherModel = Flag(
        "from-another-model", "also if the file says that it holds another model's weights")

    /// What the node takes in one request.
    private static let maxBytes = 1 << 30

    static let command = Command(
        "import", summary: "make the weights of a safetensors file this site's own",
        discussion: """
            The weights become this site's isolated ones: `--isolated` asks them, and nobody else sees them. Rows go by \
            token id: tokens that this site does not know are left out, rows that the file does not have are the merged \
            ones. The node checks the whole file first; a bad one changes nothing.

            Nothing of it is sent to the other sites: they learn only from what this site trains.
            """,
        arguments: [file], options: [ModelCommand.agent, vocabulary], flags: [replace, fromAnotherModel],
        examples: [
            .init("shoal model import --agent clinic tuned.safetensors", "weights that were tuned elsewhere"),
            .init(
                "shoal model import --agent clinic tuned.safetensors --vocabulary names.jsonl",
                "where the rows are named in another file"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let path = call[file]
        let companion = try contents(call[vocabulary] ?? ModelExport.vocabularyPath(of: path), call)
        let body = companion + (try contents(path, call))
        guard body.count <= maxBytes else {
            throw call.failure(
                path, "it has \(Format.bytes(body.count)), at most \(Format.bytes(maxBytes)) are taken")
        }
        let request = Call(
            .post, "/api/models/\(call[ModelCommand.agent])/import",
            query: [
                ("vocabulary_bytes", "\(companion.count)"), ("replace", call[replace] ? "true" : nil),
                ("from_another_model", call[fromAnotherModel] ? "true" : nil),
            ], body: .bytes(body, contentType: "application/octet-stream"), timeout: nil)
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(Paths.name(of: path))
            row.status("checking")
            do {
                let reply = try await node.send(request) { sent, total in
                    row.progress(sent, of: total, .bytes, note: "sending")
                }
                row.finish("imported")
                return reply
            } catch {
                row.fail("not imported")
                throw error
            }
        }
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(WeightsImportReport.self)
        var values = KeyValues()
        values.add(
            "weights", "\(report.weights.rawValue)\(report.replaced ? ", in place of those that were there" : "")")
        values.add("rows", counted(report.rows, "token"))
        if report.unknown > 0 { values.add("left out", "\(counted(report.unknown, "token")) unknown here") }
        if report.missing > 0 { values.add("merged", "\(counted(report.missing, "token")) not in the file") }
        call.console.print(values)
        let agent = quoted(call[ModelCommand.agent])
        call.suggest("Next:", "model evaluate --agent \(agent) --isolated")
        return .done
    }

    private static func contents(_ path: String, _ call: Invocation) throws -> [UInt8] {
        do {
            guard try FileParts.size(of: path) <= maxBytes else {
                throw call.failure(path, "it is larger than \(Format.bytes(maxBytes))")
            }
            var bytes: [UInt8] = []
            try FileParts.read(path) { bytes += $0 }
            return bytes
        } catch let fault as FileParts.Fault {
            throw call.failure(path, "\(fault)", remedy: "Check the path", exit: .unreachable)
        }
    }
}

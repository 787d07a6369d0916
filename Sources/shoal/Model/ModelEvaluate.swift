internal import API
internal import Terminal

/// `shoal model evaluate`: held-out triples, ranked.
enum ModelEvaluate {
    private static let evaluation = Option(
        "protocol", .choice("two-sided", "fede"), default: "two-sided", "ask for head and tail, or for the tail alone")
    private static let split = Option("split", .choice("test", "valid"), default: "test", "which held-out triples")
    private static let filters = Option<[String]>(
        repeated: "filter", .path.named("FILE"),
        "triples known to be true: a TSV file, or a folder of them, or a folder of such folders (default: the site's own)"
    )

    private static let search = Flag("search", "measure searches instead: held-out links, by their texts")

    private static let rules = Flag("with-rules", "answer with the rules that this site mined as well")

    static let command = Command(
        "evaluate", summary: "measure a model on held-out triples",
        discussion: """
            Ranks the true answer of each held-out triple among this site's graph nodes. Other answers that are known \
            to be true do not count as errors: where sites share relations, give the triples of all sites with \
            --filter, or what was learned from others counts as error.

            two-sided asks for head and tail, with ties by mean rank; fede asks for the tail alone.
            """,
        options: [ModelCommand.agent, ModelCommand.weights, evaluation, split, filters],
        flags: [ModelCommand.isolated, search, rules],
        examples: [
            .init("shoal model evaluate --agent clinic", "the federated model, on this site's test triples"),
            .init("shoal model evaluate --agent clinic --isolated", "what this site learned alone"),
            .init("shoal model evaluate --agent clinic --weights served", "what this site answers with"),
            .init("shoal model evaluate --agent docs --search", "every way of searching, on held-out links"),
            .init("shoal model evaluate --agent clinic --filter data/umls-shared3", "with the triples of all sites"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        if call[search] { return try await evaluateSearch(call, split: call[split]) }
        let node = try RunningNode(call)
        let body: Call.Body
        if call[filters].isEmpty {
            body = .none
        } else {
            let files = try call[filters].flatMap { try filterFiles(at: $0, call) }
            body = .bytes(try joined(files, call), contentType: "text/tab-separated-values")
        }
        let request = Call(
            .post, "/api/models/evaluate",
            query: [
                ("agent", call[ModelCommand.agent]), ("weights", Weights(call, usually: .federated).rawValue),
                ("protocol", call[evaluation]), ("split", call[split]), ("rules", call[rules] ? "true" : "false"),
            ], body: body, timeout: nil)
        let reply = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(call[ModelCommand.agent])
            row.status("ranking the \(call[split]) triples")
            do {
                let reply = try await node.send(request)
                row.finish("ranked")
                return reply
            } catch {
                row.fail("not evaluated")
                throw error
            }
        }
        if call[Shared.json] { call.printJSON(reply) } else { tell(call, try reply.report()) }
        return .done
    }

    /// A file, the splits of a folder, or those of its sub-folders.
    private static func filterFiles(at path: String, _ call: Invocation) throws -> [String] {
        guard Paths.isDirectory(path) else { return [path] }
        let folders = [path] + Paths.names(in: path).map { "\(path)/\($0)" }.filter { Paths.isDirectory($0) }
        let files = folders.flatMap { folder in TripleFile.splits.map { "\(folder)/\($0).txt" } }
            .filter { Paths.exists($0) }
        guard !files.isEmpty else {
            throw call.failure(
                path, "neither the folder nor one in it has a train.txt, valid.txt or test.txt",
                remedy: "Name the files themselves", exit: .unreachable)
        }
        return files
    }

    private static func joined(_ files: [String], _ call: Invocation) throws -> [UInt8] {
        var all: [UInt8] = []
        for file in files {
            do {
                try FileParts.read(file) { all += $0 }
            } catch {
                throw call.failure(file, "\(error)", remedy: "Check the path", exit: .unreachable)
            }
            // A last line without its end must not run into the next file.
            if let last = all.last, last != UInt8(ascii: "\n") { all.append(UInt8(ascii: "\n")) }
        }
        return all
    }

    private static func tell(_ call: Invocation, _ report: EvaluationReport) {
        var values = KeyValues()
        values.add("weights", report.weights.rawValue)
        let filter = report.filter == "own" ? "the site's own triples" : "the triples given"
        values.add("protocol", "\(report.protocol), \(report.split) triples, filtered by \(filter)")
        values.add("queries", Format.count(report.queries))
        if report.unknown > 0 { values.add("left out", "\(counted(report.unknown, "triple")) with names unknown here") }
        if let rules = report.rules, let help = report.rulesHelp {
            values.add(
                "rules",
                Format.count(rules) + (help ? "" : ": no help on validation triples, so the model speaks alone"))
        }
        if let mrr = report.mrr, let hits1 = report.hits1, let hits10 = report.hits10 {
            values.add("MRR", Format.fixed(mrr, 3))
            values.add("Hits@1", Format.percent(hits1))
            values.add("Hits@10", Format.percent(hits10))
        }
        call.console.print(values)
        if report.queries == 0 {
            call.suggest(
                "There is nothing to measure with. To add some:", "graph import FILE.tsv --split \(report.split)")
        }
    }
}

internal import API
internal import Terminal

/// `shoal graph import`: triples from files.
enum GraphImport {
    private static let files = Argument<[String]>(
        repeated: "FILE", .path.named("FILE"), "a TSV file, or a folder with train.txt, valid.txt and test.txt")
    private static let split = Option<String?>(
        "split", .choice("train", "valid", "test"),
        "what the triples are for: learning, validation or tests (default: train; in folders by the file's name)")

    static let command = Command(
        "import", summary: "add triples from TSV files: head TAB relation TAB tail",
        discussion: """
            Every file is checked to its end before anything is sent; a malformed one is reported as FILE:LINE:COLUMN \
            and leaves the graph as it was. Importing a file again adds only what is new.

            Triples of the splits valid and test are kept aside: they are never learned from.
            """,
        arguments: [files], options: [split],
        examples: [
            .init("shoal graph import facts.tsv", "triples to learn from"),
            .init("shoal graph import held-out.tsv --split test", "triples to measure with"),
            .init("shoal graph import data/umls-fed3/0", "a folder: its train.txt, valid.txt and test.txt"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let sources = try call[files].flatMap { try TripleFile.found(at: $0, split: call[split], call) }
        let node = try RunningNode(call)
        let reports: [ImportReport]
        do {
            reports = try await LiveRegion.show(on: call.console) { try await importAll(call, sources, to: node, $0) }
        } catch let faults as TripleFile.Faults {
            for line in faults.lines { call.console.complain(printable(line)) }
            let are = faults.count == 1 ? "1 line is no triple" : "\(Format.count(faults.count)) lines are no triples"
            throw call.failure(faults.path, are, remedy: "Nothing was imported: mend the file and try again")
        }
        if call[Shared.json] { try call.printJSON(reports) } else { tell(call, reports) }
        return .done
    }

    private static func importAll(
        _ call: Invocation, _ sources: [TripleFile], to node: RunningNode, _ region: LiveRegion
    ) async throws -> [ImportReport] {
        let rows = sources.map { region.row($0.label) }
        for (source, row) in zip(sources, rows) { try source.check(call, row) }
        var reports: [ImportReport] = []
        for (source, row) in zip(sources, rows) {
            do {
                reports.append(try await send(source, to: node, row))
            } catch {
                row.fail("not imported")
                throw error
            }
        }
        return reports
    }

    private static func send(_ source: TripleFile, to node: RunningNode, _ row: LiveRow) async throws -> ImportReport {
        let reply = try await node.send(
            Call(
                .post, "/api/graph/import", query: [("split", source.split)],
                body: .file(path: source.path, contentType: "text/tab-separated-values"), timeout: nil)
        ) { sent, total in
            if sent < total {
                row.progress(sent, of: total, .bytes, note: "sending")
            } else {
                row.status("storing \(Format.bytes(total))")
            }
        }
        let report = try reply.report(ImportReport.self)
        row.finish("\(counted(report.triples, "triple")), \(Format.count(report.newEdges)) new")
        return report
    }

    private static func tell(_ call: Invocation, _ reports: [ImportReport]) {
        func sum(_ count: KeyPath<ImportReport, Int>, of reports: [ImportReport]) -> Int {
            reports.map { $0[keyPath: count] }.reduce(0, +)
        }
        let learned = reports.filter { $0.split == "train" }
        let kept = sum(\.newEdges, of: reports.filter { $0.split != "train" })
        guard sum(\.newEdges, of: reports) > 0 else {
            let total = counted(sum(\.triples, of: reports), "triple")
            call.console.print("Nothing new: the graph had all \(total).")
            return
        }
        call.console.print(
            "Imported \(counted(sum(\.newEdges, of: learned), "new edge")), "
                + "\(counted(sum(\.newNodes, of: reports), "new node")) "
                + "and \(counted(sum(\.newRelations, of: reports), "new relation")).")
        if kept > 0 { call.console.print("Kept \(counted(kept, "triple")) aside for measuring.") }
        if !learned.isEmpty {
            call.suggest(
                "Next, with a model of your own or one that another site created:", "model create --agent NAME",
                "model train --agent NAME")
        }
    }
}

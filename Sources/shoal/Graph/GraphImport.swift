internal import API
internal import Terminal

/// `shoal graph import`: triples from files; other formats are in ``GraphImportRecords``.
enum GraphImport {
    private static let files = Argument<[String]>(
        repeated: "PATH", .path.named("PATH"),
        "a TSV or JSONL file, a folder with train.txt, valid.txt and test.txt, or any folder of documents and code")
    private static let split = Option<String?>(
        "split", .choice("train", "valid", "test"),
        "what the triples are for: learning, validation or tests (default: train; in folders by the file's name)")

    static let command = Command(
        "import", summary: "add triples (TSV), records (JSONL), or a folder of documents and code",
        discussion: """
            Every file is checked to its end before anything is sent; a malformed one is reported as FILE:LINE:COLUMN \
            and leaves the graph as it was. Importing a file or a folder again replaces what it gave before: what it no \
            longer has is deleted, unless something else gave it too.

            Triples of the splits valid and test are kept aside: they are never learned from.
            """,
        arguments: [files],
        options: [
            GraphImportFormat.option, split, GraphImportNames.aliases, GraphImportNames.source,
            GraphImportRecords.prefix, GraphImportRecords.ignored,
        ],
        flags: [
            GraphImportNames.normalize, GraphImportNames.keep, GraphImportRecords.hidden, GraphImportRecords.noSymbols,
        ],
        examples: [
            .init("shoal graph import facts.tsv", "triples to learn from"),
            .init("shoal graph import held-out.tsv --split test", "triples to measure with"),
            .init(
                "shoal graph import facts.tsv --aliases names.tsv --normalize", "names of other sites, other spellings"),
            .init("shoal graph import data/umls-fed3/0", "a folder: its train.txt, valid.txt and test.txt"),
            .init("shoal graph import notes.jsonl", "nodes with their text, edges and perspectives"),
            .init(
                "shoal graph import ~/handbook --ignore drafts/", "a folder: pages, sections, links, symbols of code"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let formats = call[files].map { call[GraphImportFormat.option] ?? GraphImportFormat(guessing: $0) }
        do {
            if formats.contains(where: { $0 != .tsv }) {
                return try await GraphImportRecords.run(call, try recordFiles(call, formats))
            }
            return try await importTriples(call)
        } catch let faults as TripleFile.Faults {
            for line in faults.lines { call.console.complain(printable(line)) }
            let are = faults.count == 1 ? "1 line is faulty" : "\(Format.count(faults.count)) lines are faulty"
            throw call.failure(faults.path, are, remedy: "Nothing was imported: mend the file and try again")
        }
    }

    private static func recordFiles(_ call: Invocation, _ formats: [GraphImportFormat]) throws -> [RecordFile] {
        guard !formats.contains(.tsv) else {
            throw call.failure("", "TSV files are imported apart from others", remedy: "Use two commands", exit: .usage)
        }
        if let name = call[split] == nil ? GraphImportNames.onlyForTriples(call) : "--split" {
            throw call.failure(name, "it is for TSV files", remedy: "Leave it out", exit: .usage)
        }
        return try zip(call[files], formats).map { path, format in
            guard Paths.exists(path) else {
                throw call.failure(path, "there is no such file", remedy: "Check the path", exit: .unreachable)
            }
            return RecordFile(path, format: format)
        }
    }

    private static func importTriples(_ call: Invocation) async throws -> ExitCode {
        let sources = try call[files].flatMap { try TripleFile.found(at: $0, split: call[split], call) }
        try GraphImportNames.check(call, sources)
        let node = try RunningNode(call)
        let reports = try await LiveRegion.show(on: call.console) { try await importAll(call, sources, to: node, $0) }
        if call[Shared.json] { try call.printJSON(reports) } else { tell(call, reports) }
        return .done
    }

    private static func importAll(
        _ call: Invocation, _ sources: [TripleFile], to node: RunningNode, _ region: LiveRegion
    ) async throws -> [ImportReport] {
        let rows = sources.map { region.row($0.label) }
        for (source, row) in zip(sources, rows) { try source.check(call, row) }
        try await GraphImportNames.prepare(call, node, region)
        var reports: [ImportReport] = []
        for (source, row) in zip(sources, rows) {
            do {
                reports.append(try await send(source, to: node, row, call))
            } catch {
                row.fail("not imported")
                throw error
            }
        }
        return reports
    }

    private static func send(
        _ source: TripleFile, to node: RunningNode, _ row: LiveRow, _ call: Invocation
    ) async throws -> ImportReport {
        let reply = try await node.send(
            Call(
                .post, "/api/graph/import", query: GraphImportNames.query(call, source),
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
        let removed = sum(\.removedEdges, of: reports)
        if removed > 0 {
            call.console.print(
                "Removed \(counted(removed, "edge")) and \(counted(sum(\.removedNodes, of: reports), "node")) that the "
                    + "last import had and this one has not.")
        }
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

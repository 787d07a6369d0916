internal import API
internal import Terminal

/// How an import of triples makes ids, and what it is called.
enum GraphImportNames {
    static let aliases = Option<String?>(
        "aliases", .path.named("FILE"),
        "other names of things, name TAB canonical name; they replace the site's aliases and hold for later imports")
    static let normalize = Flag(
        "normalize", "make ids from names without difference in case, spaces and Unicode composition")
    static let source = Option<String?>(
        "source", .text.named("NAME"),
        "TSV: what the file is called; another file under this name replaces it (default: its path)")
    static let keep = Flag("keep", "TSV: only add, keep what the file had at its last import and has no more")

    /// The first option for TSV alone that was given.
    static func onlyForTriples(_ call: Invocation) -> String? {
        call[source] != nil ? "--source" : call[keep] ? "--keep" : nil
    }

    /// Files under one name would replace each other.
    static func check(_ call: Invocation, _ files: [TripleFile]) throws {
        guard call[source] != nil, Set(files.map(\.split)).count < files.count else { return }
        throw call.failure(
            "--source", "several files under one name replace each other", remedy: "Import them one by one",
            exit: .usage)
    }

    /// Sends the alias file first, if there is one: it holds for the triples that follow.
    static func prepare(_ call: Invocation, _ node: RunningNode, _ region: LiveRegion) async throws {
        guard let path = call[aliases] else { return }
        let row = region.row("\(Paths.name(of: path)) (aliases)")
        do {
            row.finish(counted(try await GraphAliases.send(path, to: node, call).aliases, "alias", "aliases"))
        } catch {
            row.fail("not taken")
            throw error
        }
    }

    /// The parameters of one file's import.
    static func query(_ call: Invocation, _ file: TripleFile) -> [(name: String, value: String?)] {
        [
            ("split", file.split), ("source", call[source] ?? Paths.absolute(file.path)),
            ("keep", call[keep] ? "true" : nil), normalization(call),
        ]
    }

    static func normalization(_ call: Invocation) -> (name: String, value: String?) {
        ("normalize", call[normalize] ? "true" : nil)
    }
}

internal import Terminal

/// What `graph import` is given.
enum GraphImportFormat: String, CaseIterable {
    case tsv
    case jsonl
    case tree

    static let option = Option<GraphImportFormat?>(
        "format", .choice(),
        "what PATH is (default: a .jsonl file; a folder with train.txt, valid.txt or test.txt "
            + "is tsv, any other a tree; other files are tsv)")

    /// Asks the file system alone, not the content.
    init(guessing path: String) {
        if Paths.isDirectory(path) {
            let hasSplits = TripleFile.splits.contains { Paths.exists("\(path)/\($0).txt") }
            self = hasSplits ? .tsv : .tree
        } else {
            self = [".jsonl", ".ndjson"].contains { path.hasSuffix($0) } ? .jsonl : .tsv
        }
    }
}

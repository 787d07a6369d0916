internal import Graph
internal import Terminal

/// A file of triples that a command was given.
struct TripleFile: Sendable {
    static let splits = ["train", "valid", "test"]
    /// More faults than this are counted and not told.
    private static let toldFaults = 5

    let path: String
    let split: String

    /// What a row on the screen calls it: the folder tells the files of several sites apart.
    var label: String { path.split(separator: "/").suffix(2).joined(separator: "/") }

    /// The lines of a file that are no triples, or no records.
    struct Faults: Error {
        let path: String
        let count: Int
        /// The first ones, as `FILE:LINE:COLUMN: reason`.
        let lines: [String]
    }

    /// The file at `path`, or those of the folder there.
    static func found(at path: String, split: String?, _ call: Invocation) throws -> [TripleFile] {
        guard Paths.exists(path) else {
            throw call.failure(path, "there is no such file", remedy: "Check the path", exit: .unreachable)
        }
        guard Paths.isDirectory(path) else { return [TripleFile(path: path, split: split ?? "train")] }
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let files = splits.filter { split ?? $0 == $0 }.map { TripleFile(path: "\(folder)/\($0).txt", split: $0) }
            .filter { Paths.exists($0.path) }
        guard !files.isEmpty else {
            throw call.failure(
                path, "the folder has no \(split ?? "train").txt", remedy: "Name the files themselves",
                exit: .unreachable)
        }
        return files
    }

    /// Reads the whole file, so that a fault in it is known before anything is changed.
    ///
    /// - Throws: ``Faults``, or exit code 3 for a file that cannot be read.
    func check(_ call: Invocation, _ row: LiveRow) throws {
        var check = TripleCheck(limit: Self.toldFaults)
        do {
            let total = try FileParts.size(of: path)
            var done = 0
            try FileParts.read(path) { part in
                check.feed(part)
                done += part.count
                row.progress(done, of: total, .bytes, note: "checking")
            }
            check.finish()
        } catch {
            row.fail("it cannot be read")
            throw call.failure(path, "\(error)", remedy: "Check that this user may read it", exit: .unreachable)
        }
        guard check.faultCount == 0 else {
            row.fail(counted(check.faultCount, "faulty line"))
            throw Faults(
                path: path, count: check.faultCount,
                lines: check.faults.map { "\(path):\($0.line):\($0.column): \($0.reason)" })
        }
        row.status("\(counted(check.tripleCount, "triple")), waiting to be sent")
    }
}

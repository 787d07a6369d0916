internal import FoundationEssentials
public import Graph
internal import Learning
internal import Site
internal import Wire

/// A set of triples to learn from and to be asked about: one graph, or one for each of several sites.
///
/// A folder holds `train.txt`, `valid.txt` and `test.txt`, or sub-folders that do.
public struct QualityData: Sendable {
    /// What one site knows, by ids that all sites agree on.
    public struct Site: Sendable {
        public let name: String
        public let train: [TokenTriple]
        public let valid: [TokenTriple]
        public let test: [TokenTriple]
        /// Of the triples that it learns from.
        public let vocabulary: LocalVocabulary

        /// Whether it has anything to learn from.
        public var learns: Bool { !train.isEmpty }
    }

    public let name: String
    public let sites: [Site]
    /// Of all sites' training triples.
    public let vocabulary: LocalVocabulary
    /// Every triple of every site and split: what counts as true.
    public let everything: [TokenTriple]

    /// Reads a folder. Files that are missing count as empty.
    ///
    /// - Throws: ``BenchmarkError`` for a folder without a triple to learn from, and what reading throws.
    public init(folder path: String) throws {
        let folders = try Self.folders(path)
        var sites: [Site] = []
        for (name, folder) in folders { sites.append(try Self.site(name, folder)) }
        guard sites.contains(where: \.learns) else { throw BenchmarkError.nothingToLearn(path) }
        self.sites = sites
        name = Self.lastPart(of: path)
        vocabulary = try LocalVocabulary(
            nodes: sites.flatMap(\.vocabulary.nodes), relations: sites.flatMap(\.vocabulary.relations))
        everything = sites.flatMap { $0.train + $0.valid + $0.test }
    }

    /// Sub-folders with triples, numbers by their value before other names; or the folder itself.
    private static func folders(_ path: String) throws -> [(name: String, path: String)] {
        let files = FileManager.default
        if files.fileExists(atPath: "\(path)/train.txt") { return [(lastPart(of: path), path)] }
        guard let found = try? files.contentsOfDirectory(atPath: path) else { throw BenchmarkError.unreadable(path) }
        let names = found.filter {
            files.fileExists(atPath: "\(path)/\($0)/train.txt")
        }
        let ordered = names.sorted { a, b in
            switch (Int(a), Int(b)) {
            case (let x?, let y?) where x != y: x < y
            case (_?, nil): true
            case (nil, _?): false
            default: a < b
            }
        }
        return ordered.map { ($0, "\(path)/\($0)") }
    }

    private static func site(_ name: String, _ folder: String) throws -> Site {
        // Ids only have to be the same within this benchmark.
        let key = try VocabularyKey(Bytes(repeating: 1, count: VocabularyKey.byteCount))
        func triples(_ split: String) throws -> TripleTable {
            var table = TripleTable(key: key)
            let file = "\(folder)/\(split).txt"
            if FileManager.default.fileExists(atPath: file) {
                try table.add(file: try Files.read(file, limit: 1 << 30))
            }
            return table
        }
        let train = try triples("train")
        return Site(
            name: name, train: train.triples, valid: try triples("valid").triples,
            test: try triples("test").triples, vocabulary: try train.vocabulary())
    }

    private static func lastPart(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

extension QualityData {
    /// Two-sided questions for held-out triples, over a vocabulary whose graph nodes are the candidates.
    func queries(_ heldOut: [TokenTriple], filter: [TokenTriple], over vocabulary: LocalVocabulary) throws
        -> [LinkQuery]
    {
        let task = try HeldOutTask(heldOut: heldOut, filter: filter, vocabulary: vocabulary, evaluation: .twoSided)
        return task.queries.map { LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered) }
    }
}

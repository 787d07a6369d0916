internal import DemoData
internal import FoundationEssentials
internal import Graph
internal import Learning
internal import Site
internal import Terminal
internal import Wire

/// A triple by its names, as people read it.
struct Fact: Hashable, Sendable {
    let head: String
    let relation: String
    let tail: String
}

/// The part of a site's triples that is learned from, and those that are kept aside.
enum Split: String, Sendable, CaseIterable {
    case train, valid, test
}

/// What one site knows: three triple files, any of which may be empty.
struct SiteData: Sendable {
    let name: String
    /// The files as they are imported.
    let files: [Split: Bytes]
    /// Their triples, in the order of the files.
    let facts: [Split: [Fact]]

    func bytes(_ split: Split) -> Bytes { files[split] ?? [] }
    func facts(_ split: Split) -> [Fact] { facts[split] ?? [] }
    /// Whether it has anything to learn from.
    var learns: Bool { !facts(.train).isEmpty }
    /// Steps of a round, unless told otherwise.
    var usualSteps: Int {
        let known = facts(.train)
        return StandardRecipe.steps(edges: known.count, nodes: Set(known.flatMap { [$0.head, $0.tail] }).count)
    }

    /// - Parameter name: becomes a part of file names.
    init(name: String, files: [Split: (path: String, bytes: Bytes)]) throws(Failure) {
        self.name = name
        self.files = files.mapValues(\.bytes)
        var facts: [Split: [Fact]] = [:]
        for (split, file) in files { facts[split] = try Self.read(file.bytes, file.path) }
        self.facts = facts
    }

    private static func read(_ bytes: Bytes, _ path: String) throws(Failure) -> [Fact] {
        var facts: [Fact] = []
        var reader = TripleReader()
        do throws(GraphError) {
            reader.feed(bytes)
            while let triple = try reader.next() { facts.append(Fact(triple)) }
            reader.finish()
            while let triple = try reader.next() { facts.append(Fact(triple)) }
        } catch {
            throw Failure("demo", path, "\(error)", remedy: "A line is HEAD, a tab, RELATION, a tab, TAIL")
        }
        return facts
    }
}

extension Fact {
    init(_ triple: NamedTriple) {
        head = String(decoding: triple.head, as: UTF8.self)
        relation = String(decoding: triple.relation, as: UTF8.self)
        tail = String(decoding: triple.tail, as: UTF8.self)
    }
}

/// The sites of a demo and what each of them knows.
struct Dataset: Sendable {
    let name: String
    let sites: [SiteData]

    /// Three hospitals that use the same relations and know different facts.
    static func bundled() throws(Failure) -> Dataset {
        var sites: [SiteData] = []
        for (number, name) in ["north", "river", "harbour"].enumerated() {
            var files: [Split: (String, Bytes)] = [:]
            for (place, split) in Split.allCases.enumerated() {
                let file = shoal_demo_file(Int32(number), Int32(place))
                files[split] = (
                    "bundled \(split.rawValue)", Bytes(UnsafeBufferPointer(start: file.bytes, count: file.count))
                )
            }
            sites.append(try SiteData(name: name, files: files))
        }
        return Dataset(name: "umls-shared3", sites: sites)
    }

    /// A folder with a sub-folder for each site, in which each of `train.txt`, `valid.txt` and `test.txt` may be missing.
    static func folder(_ path: String) throws(Failure) -> Dataset {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw Failure(
                "demo", path, "the folder cannot be read", remedy: "Give an existing folder", exit: .unreachable)
        }
        let folders = names.filter { name in
            var isDirectory = false
            return !name.hasPrefix(".")
                && FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
                && isDirectory
        }.sorted(by: inReadingOrder)
        guard !folders.isEmpty else {
            throw Failure(
                "demo", path, "it has no sub-folder",
                remedy: "Each site needs one, with train.txt, valid.txt and test.txt")
        }
        var sites: [SiteData] = []
        for name in folders { sites.append(try site(name, in: path)) }
        guard sites.contains(where: \.learns) else {
            throw Failure("demo", path, "no site has a triple to learn from", remedy: "Put triples into train.txt")
        }
        let last = Cluster.realPath(path)?.split(separator: "/").last.map(String.init)
        return Dataset(name: last ?? path, sites: sites)
    }

    private static func site(_ name: String, in path: String) throws(Failure) -> SiteData {
        guard SiteName(name) != nil else {
            throw Failure(
                "demo", "\(path)/\(name)", "a folder of that name cannot be a site",
                remedy: "Rename it: 1 to \(SiteName.maxBytes) of A-Z a-z 0-9 . _ -, a letter or digit first")
        }
        var files: [Split: (String, Bytes)] = [:]
        for split in Split.allCases {
            let file = "\(path)/\(name)/\(split.rawValue).txt"
            do throws(SiteError) {
                files[split] = (file, try Files.read(file, limit: 1 << 30))
            } catch {
                if error.reason != .missing {
                    throw Failure("demo", file, error.cause, remedy: error.remedy, exit: .unreachable)
                }
            }
        }
        return try SiteData(name: name, files: files)
    }

    /// Numbers by their value, before other names.
    private static func inReadingOrder(_ a: String, _ b: String) -> Bool {
        switch (Int(a), Int(b)) {
        case (let x?, let y?) where x != y: x < y
        case (_?, nil): true
        case (nil, _?): false
        default: a.utf8.lexicographicallyPrecedes(b.utf8)
        }
    }

    /// The first few sites alone.
    func prefix(_ count: Int?) throws(Failure) -> Dataset {
        guard let count else { return self }
        guard (1...sites.count).contains(count) else {
            throw Failure(
                "demo", name, "it has \(sites.count) sites", remedy: "Use --sites 1 to \(sites.count)", exit: .usage)
        }
        return Dataset(name: name, sites: Array(sites.prefix(count)))
    }

    /// Every triple of every site, as one file: what counts as true in the evaluation.
    var everything: Bytes {
        var all = Bytes()
        for site in sites {
            for split in Split.allCases {
                all += site.bytes(split)
                if let last = all.last, last != UInt8(ascii: "\n") { all.append(UInt8(ascii: "\n")) }
            }
        }
        return all
    }
}

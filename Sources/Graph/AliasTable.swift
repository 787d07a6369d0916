public import Wire

/// Why a file of aliases cannot be used.
public struct AliasFault: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// Not exactly name TAB canonical name.
        case fieldCount(Int)
        case name(NameFault)
        case canonical(NameFault)
        /// The same name has another canonical name in an earlier line.
        case contradicts(line: Int)
        /// The canonical name is itself a name with another canonical name.
        case chain(canonical: String)
        case tooMany(limit: Int)
    }

    /// From 1, blank lines count.
    public let line: Int
    public let reason: Reason

    public init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }

    public var description: String {
        let cause =
            switch reason {
            case .fieldCount(let count): "\(count) fields instead of 2; a line is name TAB canonical name"
            case .name(let fault): "the name \(fault)"
            case .canonical(let fault): "the canonical name \(fault)"
            case .contradicts(let line): "line \(line) gives this name another canonical name"
            case .chain(let canonical):
                "the canonical name '\(canonical)' is itself an alias; name the last one of the chain"
            case .tooMany(let limit): "more than \(limit) aliases"
            }
        return "line \(line): \(cause)"
    }
}

/// Other names of things: an import hashes the canonical name and shows the one in the file.
///
/// Holds for graph nodes and relations alike.
public struct AliasTable: Sendable {
    public static let maxEntries = 1_000_000

    public private(set) var entries: [(name: Bytes, canonical: Bytes)] = []

    public init() {}

    /// Reads `name TAB canonical name`, one a line, UTF-8, as ``TripleReader`` reads lines.
    ///
    /// - Throws: ``GraphError/alias(_:)`` for the first faulty line; repeated lines are one entry.
    public init(file: Bytes) throws(GraphError) {
        var lines: [ArraySlice<UInt8>: Int] = [:]
        var places: [ArraySlice<UInt8>: Int] = [:]
        var number = 0
        for var line in file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            if line.isEmpty { continue }
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            func fault(_ reason: AliasFault.Reason) -> GraphError { .alias(AliasFault(line: number, reason: reason)) }
            guard fields.count == 2 else { throw fault(.fieldCount(fields.count)) }
            if let found = CanonicalName.fault(in: fields[0]) { throw fault(.name(found)) }
            if let found = CanonicalName.fault(in: fields[1]) { throw fault(.canonical(found)) }
            if let place = places[fields[0]] {
                guard entries[place].canonical[...] == fields[1] else {
                    throw fault(.contradicts(line: lines[fields[0]] ?? 0))
                }
                continue
            }
            guard entries.count < Self.maxEntries else { throw fault(.tooMany(limit: Self.maxEntries)) }
            places[fields[0]] = entries.count
            lines[fields[0]] = number
            entries.append((Bytes(fields[0]), Bytes(fields[1])))
        }
        for entry in entries {
            if let place = places[entry.canonical[...]], entries[place].canonical != entry.canonical {
                let canonical = String(decoding: entry.canonical, as: UTF8.self)
                throw .alias(AliasFault(line: lines[entry.name[...]] ?? 0, reason: .chain(canonical: canonical)))
            }
        }
    }

    /// Adds an entry that was read from where it is kept.
    public mutating func append(name: Bytes, canonical: Bytes) {
        entries.append((name, canonical))
    }
}

/// From a name to the canonical name that its id is derived from.
public struct NameRules: Sendable {
    private let aliases: [Bytes: Bytes]
    /// By the normal form of the alias; empty unless names are normalised.
    private let normalizedAliases: [Bytes: Bytes]
    private let normalizes: Bool

    /// - Parameters:
    ///   - aliases: an exact match counts before one of normal forms.
    ///   - normalizes: whether names, canonical ones too, take their ``NameForm``.
    public init(aliases: AliasTable = AliasTable(), normalizes: Bool = false) {
        self.normalizes = normalizes
        self.aliases = Dictionary(
            aliases.entries.map { ($0.name, $0.canonical) }, uniquingKeysWith: { first, _ in first })
        normalizedAliases =
            normalizes
            ? Dictionary(
                aliases.entries.map { (Bytes(NameForm.normalized($0.name[...])), $0.canonical) },
                uniquingKeysWith: { first, _ in first })
            : [:]
    }

    /// The canonical name of `name`; itself without a rule for it.
    public func canonical(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let exact = aliases.isEmpty ? nil : aliases[Bytes(name)]
        guard normalizes else { return exact.map { $0[...] } ?? name }
        if let exact { return NameForm.normalized(exact[...]) }
        let form = NameForm.normalized(name)
        guard let canonical = normalizedAliases[Bytes(form)] else { return form }
        return NameForm.normalized(canonical[...])
    }
}

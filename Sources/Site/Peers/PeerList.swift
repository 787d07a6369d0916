public import Identity
public import Wire

/// One line of a `.peers` file: whom to expect, and where to dial.
public struct PeerEntry: Hashable, Sendable, CustomStringConvertible {
    /// Longest name in bytes.
    public static let maxNameBytes = 64

    public let peerID: PeerID
    /// Nil for a peer that only dials out, such as one behind NAT.
    public let endpoint: Endpoint?
    /// What people call it: no spaces, no control characters.
    public let name: String

    public init(peerID: PeerID, endpoint: Endpoint?, name: String) {
        self.peerID = peerID
        self.endpoint = endpoint
        self.name = name
    }

    /// The line of the file.
    public var description: String {
        endpoint.map { "\(peerID.hex)@\($0) \(name)" } ?? "\(peerID.hex) \(name)"
    }

    /// - Throws: the cause as text.
    init(parsing line: Substring) throws(PeerLineFault) {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count == 2 else { throw PeerLineFault("it is not PEER_ID@HOST:PORT name") }
        let parts = words[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let peerID = PeerID(hex: parts[0]) else {
            throw PeerLineFault("the peer id is not 64 hexadecimal digits")
        }
        var endpoint: Endpoint?
        if parts.count == 2 {
            endpoint = Endpoint(parsing: parts[1])
            if endpoint == nil { throw PeerLineFault("\"\(parts[1])\" is not HOST:PORT") }
            if endpoint?.port == 0 { throw PeerLineFault("nobody can dial port 0") }
        }
        let name = String(words[1])
        guard name.utf8.count <= Self.maxNameBytes, !name.utf8.contains(where: { $0 < 0x21 || $0 == 0x7F }) else {
            throw PeerLineFault("the name is longer than \(Self.maxNameBytes) bytes or has control characters")
        }
        self.init(peerID: peerID, endpoint: endpoint, name: name)
    }
}

/// Why a line is not a peer.
struct PeerLineFault: Error {
    let cause: String
    init(_ cause: String) { self.cause = cause }
}

/// The peers of one or more `.peers` files, in their order.
///
/// Such a file tells where to dial and whom to expect; who *belongs* is decided by the genesis and
/// member ops.
public struct PeerList: Sendable, Equatable {
    /// More lines than any network here has members.
    public static let maxEntries = 4_096
    static let maxFileBytes = 1 << 20

    public private(set) var entries: [PeerEntry] = []

    public init() {}

    public subscript(peerID: PeerID) -> PeerEntry? { entries.first { $0.peerID == peerID } }

    /// Reads the text of one file: a peer a line, blank lines, `#` to the end of a line is a comment.
    ///
    /// - Throws: `malformed` with the line: wrong form, not UTF-8, or a peer id that occurred before.
    public init(parsing bytes: Bytes, path: String) throws(SiteError) {
        var seen: [PeerID: Int] = [:]
        for (at, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let number = at + 1
            guard let text = String(validating: line, as: UTF8.self) else {
                throw Self.malformed(path, number, "it is not UTF-8")
            }
            var content = text.prefix { $0 != "#" }
            while content.last?.isWhitespace == true { content.removeLast() }
            if content.isEmpty { continue }
            let entry: PeerEntry
            do {
                entry = try PeerEntry(parsing: content)
            } catch {
                throw Self.malformed(path, number, error.cause)
            }
            if let before = seen.updateValue(number, forKey: entry.peerID) {
                throw Self.malformed(path, number, "line \(before) names the same peer")
            }
            entries.append(entry)
            if entries.count > Self.maxEntries {
                throw Self.malformed(path, number, "there are more than \(Self.maxEntries) peers")
            }
        }
    }

    /// Reads a `.peers` file, or all `*.peers` files of a directory in the order of their names.
    ///
    /// - Throws: as ``init(parsing:path:)``; `missing`; `malformed` where two files tell different things of one peer.
    public static func load(_ path: String) throws(SiteError) -> PeerList {
        guard Files.isDirectory(path) else {
            return try PeerList(parsing: try Files.read(path, limit: maxFileBytes), path: path)
        }
        var merged = PeerList()
        for name in try Files.names(in: path) where name.hasSuffix(".peers") {
            try merged.merge(try load("\(path)/\(name)"), from: "\(path)/\(name)")
        }
        return merged
    }

    /// Which file takes peers that were found at run time: the first that was given, or `found.peers` in the first directory.
    public static func fileForFound(_ paths: [String]) -> String? {
        paths.first { $0.hasSuffix(".peers") && !Files.isDirectory($0) }
            ?? paths.first(where: Files.isDirectory).map { "\($0)/found.peers" }
    }

    /// Adds the peers of another file; what both have alike counts once.
    public mutating func merge(_ other: PeerList, from path: String) throws(SiteError) {
        var known: [PeerID: PeerEntry] = [:]
        for entry in entries { known[entry.peerID] = entry }
        for entry in other.entries {
            guard let before = known[entry.peerID] else {
                entries.append(entry)
                continue
            }
            if before != entry {
                throw SiteError(
                    .malformed(line: nil), operation: "read the peers of", object: path,
                    cause: "\(entry.name) (\(entry.peerID.short)…) stands differently in another file: "
                        + "\"\(before)\" there, \"\(entry)\" here",
                    remedy: "keep one of the two lines")
            }
        }
    }

    private static func malformed(_ path: String, _ line: Int, _ cause: String) -> SiteError {
        SiteError(
            .malformed(line: line), operation: "read the peers of", object: "\(path), line \(line)", cause: cause,
            remedy: "a line is PEER_ID@HOST:PORT name, without @HOST:PORT for a peer that only dials out")
    }
}

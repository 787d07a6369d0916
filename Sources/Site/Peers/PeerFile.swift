public import Identity
internal import Synchronization
public import Wire

/// Changes to one `.peers` file that leave its other lines and comments as they are.
///
/// A change reads the file and writes it anew; within one process they come one after the other.
public enum PeerFile {
    private static let oneByOne = Mutex(())

    /// Adds `entry`, or replaces the line of the same peer. Makes the file if it is missing.
    ///
    /// - Throws: also `malformed` for an entry that a line cannot hold; the file is then left alone.
    public static func add(_ entry: PeerEntry, to path: String) throws(SiteError) {
        try oneByOne.withLock { _ throws(SiteError) in try addNow(entry, to: path) }
    }

    private static func addNow(_ entry: PeerEntry, to path: String) throws(SiteError) {
        var lines: [Bytes] = []
        if Files.status(path) != nil { lines = try checkedLines(path) }
        let line = Bytes(entry.description.utf8)
        if let at = lines.firstIndex(where: { names(entry.peerID, $0) }) {
            lines[at] = line
        } else {
            lines.append(line)
        }
        let list = try replacement(path, lines)
        guard list.parsed[entry.peerID] == entry else {
            throw SiteError(
                .malformed(line: nil), operation: "write the peer \(entry.peerID.short)… to", object: path,
                cause: "its name or address cannot stand in a line", remedy: "choose a name without spaces and #")
        }
        try Files.write(list.bytes, to: path)
    }

    /// Removes the line of `peerID`.
    ///
    /// - Returns: false when there was none; the file is then left alone.
    public static func remove(_ peerID: PeerID, from path: String) throws(SiteError) -> Bool {
        try oneByOne.withLock { _ throws(SiteError) in try removeNow(peerID, from: path) }
    }

    private static func removeNow(_ peerID: PeerID, from path: String) throws(SiteError) -> Bool {
        var lines = try checkedLines(path)
        let before = lines.count
        lines.removeAll { names(peerID, $0) }
        if lines.count == before { return false }
        try Files.write(try replacement(path, lines).bytes, to: path)
        return true
    }

    private static func checkedLines(_ path: String) throws(SiteError) -> [Bytes] {
        let bytes = try Files.read(path, limit: PeerList.maxFileBytes)
        _ = try PeerList(parsing: bytes, path: path)
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Bytes($0) }
        if lines.last == [] { lines.removeLast() }
        return lines
    }

    private static func names(_ peerID: PeerID, _ line: Bytes) -> Bool {
        let start = line.prefix { $0 != UInt8(ascii: "#") }.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return start.count > 64 && PeerID(hex: String(decoding: start.prefix(64), as: UTF8.self)) == peerID
    }

    private static func replacement(
        _ path: String, _ lines: [Bytes]
    ) throws(SiteError) -> (bytes: Bytes, parsed: PeerList) {
        let bytes = Bytes(lines.map { $0 + [UInt8(ascii: "\n")] }.joined())
        return (bytes, try PeerList(parsing: bytes, path: path))
    }
}

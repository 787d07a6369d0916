internal import Glibc
public import Identity
public import Wire

/// The way of a site from one key to the next, on its own disk.
///
/// ```
/// next.key    the new key; made before anything names it
/// rotated     OLD NEW, one line: the others can do without the old key, and nothing is left to sign with it
/// key-taken   KEY SECONDS, one line: when the site took its present key, which stays
/// ```
/// ``complete(in:key:)`` can be repeated after a crash at any point.
public struct KeyChange: Sendable, Equatable {
    public let old: PeerID
    public let new: PeerID

    private static let maxFileBytes = 1_024

    public init(old: PeerID, new: PeerID) {
        self.old = old
        self.new = new
    }

    /// - Returns: nil if no change is to be completed.
    public init?(in directory: DataDirectory) throws(SiteError) {
        let path = directory.rotatedPath
        guard Files.status(path) != nil else { return nil }
        let text = String(decoding: try Files.read(path, limit: Self.maxFileBytes), as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let old = PeerID(hex: words[0]), let new = PeerID(hex: words[1]) else {
            throw SiteError(
                .malformed(line: 1), operation: "read", object: path, cause: "it is no note of a site with a new key",
                remedy: "remove it; the node writes another if it is needed")
        }
        self.init(old: old, new: new)
    }

    /// Notes that nothing is left for the old key to do.
    public func write(in directory: DataDirectory) throws(SiteError) {
        try Files.write(Bytes("\(old.hex) \(new.hex)\n".utf8), to: directory.rotatedPath)
    }

    /// The key that comes next, made at the first call and found again ever after.
    ///
    /// - Parameter key: the file of the present one; the next is locked where that is, by the same passphrase.
    public static func next(
        in directory: DataDirectory, key: String,
        passphrase: () throws(SiteError) -> Bytes? = { () throws(SiteError) in try Passphrase.find() }
    ) throws(SiteError) -> SiteKey {
        let path = directory.nextKeyPath
        if Files.status(path) != nil { return try SiteKey.load(path, passphrase: passphrase) }
        let present = try SiteKey.load(key, passphrase: passphrase)
        let next = SiteKey(site: present.site, keyPair: .generate())
        try next.rewrite(path, passphrase: try SiteKey.isLocked(key) ? try passphrase() : nil)
        return next
    }

    /// The key that comes next, if one was made; nil if not.
    public static func waiting(
        in directory: DataDirectory,
        passphrase: () throws(SiteError) -> Bytes? = { () throws(SiteError) in try Passphrase.find() }
    ) throws(SiteError) -> SiteKey? {
        let path = directory.nextKeyPath
        return Files.status(path) == nil ? nil : try SiteKey.load(path, passphrase: passphrase)
    }

    /// Puts the new key in the place of the old one, and the journal of what the old one signed aside.
    ///
    /// - Parameter key: the file that the node is started with.
    public func complete(in directory: DataDirectory, key: String) throws(SiteError) {
        let next = directory.nextKeyPath
        // It is the first to go once all is done.
        guard Files.status(next) != nil else { return }
        let aside = "\(directory.signJournalPath).\(old.hex.prefix(12))"
        // A journal beside one that was put aside is the new key's own.
        if Files.status(aside) == nil, Files.status(directory.signJournalPath) != nil {
            try Files.move(directory.signJournalPath, to: aside)
        }
        try Files.write(Bytes("\(new.hex) \(max(0, time(nil)))\n".utf8), to: directory.keyTakenPath)
        try SiteKey.replace(key, by: next)
    }

    /// Which key was taken last here, and when, in seconds since 1970; nil if none was, or if nobody can tell.
    public static func taken(in directory: DataDirectory) throws(SiteError) -> (key: PeerID, seconds: UInt64)? {
        let path = directory.keyTakenPath
        guard Files.status(path) != nil else { return nil }
        let text = String(decoding: try Files.read(path, limit: Self.maxFileBytes), as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let key = PeerID(hex: words[0]), let seconds = UInt64(words[1]) else { return nil }
        return (key, seconds)
    }

    /// To be called once the database is the new key's.
    public static func forget(in directory: DataDirectory) {
        unlink(directory.nextKeyPath)
        unlink(directory.rotatedPath)
    }
}

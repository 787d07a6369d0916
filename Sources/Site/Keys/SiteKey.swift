public import Identity
public import Wire

/// A site's identity as it lies in `keys/`: `SITE.key` (secret, 0600) and `SITE.pub` (one line,
/// `PEER_ID SITE`, to be handed to others).
public struct SiteKey: Sendable, Equatable {
    public let site: SiteName
    public let keyPair: KeyPair

    public init(site: SiteName, keyPair: KeyPair) {
        self.site = site
        self.keyPair = keyPair
    }

    public static func path(of site: SiteName, in directory: String) -> String { "\(directory)/\(site).key" }
    public static func publicPath(of site: SiteName, in directory: String) -> String { "\(directory)/\(site).pub" }

    /// Writes both files; makes `directory` (0700) if it is missing.
    ///
    /// - Throws: `exists` if there is a key of that name, or a `.pub` of another key: a key is never overwritten.
    public func create(in directory: String) throws(SiteError) {
        try create(in: directory, unlocked)
    }

    private func create(in directory: String, _ secret: Bytes) throws(SiteError) {
        try Files.makeDirectory(directory, mode: 0o700)
        let publicPath = Self.publicPath(of: site, in: directory)
        if Files.status(publicPath) != nil { try checkPublicFile(publicPath, .exists) }
        try Files.create(secret, at: Self.path(of: site, in: directory), mode: 0o600)
        try Files.write(Bytes("\(keyPair.peerID.hex) \(site)\n".utf8), to: publicPath)
    }

    private var unlocked: Bytes {
        var text = SealedText(.key, comment: "Secret. Whoever has it can sign as this site. Keep a backup offline.")
        text.add("site", site.text)
        text.add("peer", keyPair.peerID.hex)
        text.add("seed", hex: keyPair.seed)
        return text.rendered()
    }

    /// Copies a key file as it is, locked or not, into `directory`, and writes the `.pub` beside it.
    ///
    /// - Throws: as ``load(_:passphrase:)`` and ``create(in:)``.
    public static func copy(
        _ path: String, to directory: String,
        passphrase: () throws(SiteError) -> Bytes? = { () throws(SiteError) in try Passphrase.find() }
    ) throws(SiteError) {
        try load(path, passphrase: passphrase).create(in: directory, try Files.readSecret(path, limit: 4_096))
    }

    /// Writes the key file at `path` anew, under a passphrase; nil: without one.
    ///
    /// The former file is replaced. Copies of it, in backups too, stay as they are.
    public func rewrite(_ path: String, passphrase: Bytes?) throws(SiteError) {
        guard let passphrase else { return try Files.write(unlocked, to: path, mode: 0o600) }
        guard let locked = LockedSecret(locking: keyPair.seed, passphrase: passphrase) else {
            throw SiteError(
                .system(code: 12), operation: "lock", object: path, cause: "there is not enough memory",
                remedy: "64 MiB are needed for a moment")
        }
        var text = SealedText(
            .key, comment: "Secret, and locked: it opens with a passphrase. Keep a backup of both, apart.")
        text.add("site", site.text)
        text.add("peer", keyPair.peerID.hex)
        text.add("salt", hex: locked.salt)
        text.add("passes", "\(locked.passes)")
        text.add("memory", "\(locked.memoryBytes)")
        text.add("locked", hex: locked.sealed)
        try Files.write(text.rendered(), to: path, mode: 0o600)
    }

    /// Puts the key file `other`, as it is, in the place of the one at `path`, and writes the `.pub` beside it.
    ///
    /// A crash between the two leaves files that do not fit each other: to be called again then.
    static func replace(
        _ path: String, by other: String,
        passphrase: () throws(SiteError) -> Bytes? = { () throws(SiteError) in try Passphrase.find() }
    ) throws(SiteError) {
        let key = try load(other, passphrase: passphrase)
        try Files.write(try Files.readSecret(other, limit: 4_096), to: path, mode: 0o600)
        guard path.hasSuffix(".key") else { return }
        try Files.write(Bytes("\(key.keyPair.peerID.hex) \(key.site)\n".utf8), to: "\(path.dropLast(4)).pub")
    }

    /// Reads a `SITE.key`. If a `.pub` lies beside it, it must be of the same key.
    ///
    /// - Parameter passphrase: asked for if the key is locked.
    /// - Throws: `missing`, `exposed`, `malformed`, `damaged`, `newer`; `permission` for a passphrase that does not
    ///   open it, or none.
    public static func load(
        _ path: String, passphrase: () throws(SiteError) -> Bytes? = { () throws(SiteError) in try Passphrase.find() }
    ) throws(SiteError) -> SiteKey {
        let bytes = try Files.readSecret(path, limit: 4_096)
        let fields = try SealedText.fields(of: .key, in: bytes, path: path)
        let seed: Bytes
        let values = fields.map(\.value)
        if fields.map(\.name) == ["site", "peer", "salt", "passes", "memory", "locked"] {
            seed = try opened(values, path, passphrase)
        } else {
            let values = try SealedText.values(of: .key, ["site", "peer", "seed"], in: bytes, path: path)
            guard let plain = Hex.decode(values[2]), plain.count == 32 else {
                throw SealedText.malformed(.key, path, "its seed is not 64 hexadecimal digits")
            }
            seed = plain
        }
        guard let site = SiteName(values[0]) else { throw SealedText.malformed(.key, path, "it names no site") }
        let key = SiteKey(site: site, keyPair: KeyPair(seed: seed))
        guard values[1] == key.keyPair.peerID.hex else {
            throw SealedText.malformed(.key, path, "its peer id is not that of its seed")
        }
        if path.hasSuffix(".key") {
            let publicPath = String(path.dropLast(4)) + ".pub"
            if Files.status(publicPath) != nil { try key.checkPublicFile(publicPath, .damaged) }
        }
        return key
    }

    private static func opened(
        _ values: [String], _ path: String, _ passphrase: () throws(SiteError) -> Bytes?
    ) throws(SiteError) -> Bytes {
        guard let salt = Hex.decode(values[2]), let passes = UInt64(values[3]), let memory = Int(values[4]),
            let sealed = Hex.decode(values[5]),
            let locked = LockedSecret(salt: salt, passes: passes, memoryBytes: memory, sealed: sealed)
        else { throw SealedText.malformed(.key, path, "what stands beside its lock is out of range") }
        guard let passphrase = try passphrase() else {
            throw SiteError(
                .permission, operation: "open", object: path, cause: "it is locked, and no passphrase was given",
                remedy: "set SHOAL_PASSPHRASE_FILE to a file (0600) with it, or SHOAL_PASSPHRASE")
        }
        guard let seed = locked.open(passphrase: passphrase), seed.count == 32 else {
            throw SiteError(
                .permission, operation: "open", object: path, cause: "the passphrase does not fit",
                remedy: "is it that of this key? Nobody can open it without")
        }
        return seed
    }

    /// Whether a key file is under a passphrase.
    public static func isLocked(_ path: String) throws(SiteError) -> Bool {
        let bytes = try Files.readSecret(path, limit: 4_096)
        return try SealedText.fields(of: .key, in: bytes, path: path).contains { $0.name == "locked" }
    }

    /// Reads a `SITE.pub`.
    public static func loadPublic(_ path: String) throws(SiteError) -> (peerID: PeerID, site: SiteName) {
        let text = String(decoding: try Files.read(path, limit: 4_096), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        let words = lines.count == 1 ? lines[0].split(separator: " ", omittingEmptySubsequences: false) : []
        guard words.count == 2, let peerID = PeerID(hex: words[0]), let site = SiteName(String(words[1])) else {
            throw SiteError(
                .malformed(line: 1), operation: "read the public key", object: path,
                cause: "it is not one line PEER_ID SITE", remedy: "is this the right file?")
        }
        return (peerID, site)
    }

    private func checkPublicFile(_ path: String, _ reason: SiteError.Reason) throws(SiteError) {
        let found = try Self.loadPublic(path)
        guard found.peerID == keyPair.peerID && found.site == site else {
            throw SiteError(
                reason, operation: "use the key of \(site) with", object: path,
                cause: "that file is of another key (\(found.peerID.short)…, \(found.site))",
                remedy: "move the file that is wrong out of the way")
        }
    }
}

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
        try Files.makeDirectory(directory, mode: 0o700)
        let publicPath = Self.publicPath(of: site, in: directory)
        if Files.status(publicPath) != nil { try checkPublicFile(publicPath, .exists) }
        var text = SealedText(.key, comment: "Secret. Whoever has it can sign as this site. Keep a backup offline.")
        text.add("site", site.text)
        text.add("peer", keyPair.peerID.hex)
        text.add("seed", hex: keyPair.seed)
        try Files.create(text.rendered(), at: Self.path(of: site, in: directory), mode: 0o600)
        try Files.write(Bytes("\(keyPair.peerID.hex) \(site)\n".utf8), to: publicPath)
    }

    /// Reads a `SITE.key`. If a `.pub` lies beside it, it must be of the same key.
    ///
    /// - Throws: `missing`, `exposed`, `malformed`, `damaged`, `newer`.
    public static func load(_ path: String) throws(SiteError) -> SiteKey {
        let bytes = try Files.readSecret(path, limit: 4_096)
        let values = try SealedText.values(of: .key, ["site", "peer", "seed"], in: bytes, path: path)
        guard let site = SiteName(values[0]) else { throw SealedText.malformed(.key, path, "it names no site") }
        guard let seed = Hex.decode(values[2]), seed.count == 32 else {
            throw SealedText.malformed(.key, path, "its seed is not 64 hexadecimal digits")
        }
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

internal import API
internal import Glibc
internal import Identity
internal import Membership
public import Site
internal import Storage
internal import Wire

/// A site in a directory, to be put back on another day or machine; never its sign journal.
///
/// ```
/// DIR/backup.json       what it is, and the digest of the dump
///     database          pg_dump of the site's schema: ops, graph, logs, the weights of this site alone
///     shoal.json        settings
///     NETWORK.network   genesis and vocabulary key
///     peers/            the .peers files
///     SITE.key          only if asked for
/// ```
/// What was signed after the backup is not in it. So the journal stays out: a node that finds none, and a database with ops
/// of its own, opens a new log and leaves its votes to the electors (decisions 4 and 21). A journal that is still in the data
/// directory stays there, since it is the truth. Open tickets stay out, too: one that was redeemed later would be open again.
public enum Backup {
    public struct Manifest: Codable, Sendable, Equatable {
        public var version: Int
        public var site: String
        public var peer: String
        public var network: String
        public var networkId: String
        /// When the dump began, seconds since 1970.
        public var seconds: Int
        public var schema: String
        public var dumpBytes: Int
        /// BLAKE2b-256 of the dump, hexadecimal.
        public var dumpDigest: String
        public var hasKey: Bool
    }

    /// Where the parts of a site are.
    public struct Places: Sendable {
        public var directory: DataDirectory
        public var key: String
        public var network: String
        public var peers: [String]
        public var databaseURL: String?
        public var schema: String

        public init(
            directory: DataDirectory, key: String, network: String, peers: [String], databaseURL: String?,
            schema: String
        ) {
            self.directory = directory
            self.key = key
            self.network = network
            self.peers = peers
            self.databaseURL = databaseURL
            self.schema = schema
        }
    }

    static let version = 1
    private static let dumpName = "database"
    private static let manifestName = "backup.json"

    /// Writes a backup, whether the node runs or not.
    ///
    /// - Parameter path: must not exist; it appears when it is whole.
    public static func make(_ site: Places, at path: String, withKey: Bool) throws -> Manifest {
        let part = path + ".part"
        for taken in [path, part] where access(taken, F_OK) == 0 {
            throw SiteError(
                .exists, operation: "back up to", object: taken, cause: "it exists",
                remedy: taken == part ? "an earlier backup was cut off: remove it" : "choose another directory")
        }
        let key = try SiteKey.load(site.key)
        let network = try NetworkFile.load(site.network)
        try Files.makeDirectory(part, mode: 0o700)
        let seconds = Int(time(nil))
        // PostgreSQL's own user writes nothing: pg_dump runs as this one.
        let (target, hold) = try reach(site)
        defer { hold() }
        try DatabaseDump.write(Schema(name: site.schema), of: target, to: "\(part)/\(dumpName)")
        let dump = try Files.digest(of: "\(part)/\(dumpName)")
        try network.create(in: part)
        try copy(site.directory.configPath, to: "\(part)/shoal.json", mode: 0o600)
        try Files.makeDirectory("\(part)/peers", mode: 0o755)
        for file in site.peers where file.hasSuffix(".peers") && access(file, R_OK) == 0 {
            try copy(file, to: "\(part)/peers/\(name(of: file))", mode: 0o644)
        }
        if withKey { try copy(site.key, to: SiteKey.path(of: key.site, in: part), mode: 0o600) }
        let manifest = Manifest(
            version: version, site: key.site.text, peer: key.keyPair.peerID.hex, network: network.genesis.name,
            networkId: network.genesis.networkID.hex, seconds: seconds, schema: site.schema, dumpBytes: dump.count,
            dumpDigest: dump.digest.hex, hasKey: withKey)
        try Files.write(try JSON.encode(manifest), to: "\(part)/\(manifestName)", mode: 0o600)
        try Files.move(part, to: path)
        return manifest
    }

    /// Reads what a backup is, and checks that its dump is whole.
    public static func check(_ path: String) throws -> Manifest {
        let bytes = try Files.read("\(path)/\(manifestName)", limit: 1 << 16)
        guard let manifest = try? JSON.decode(Manifest.self, from: bytes) else {
            throw damaged(path, "\(manifestName) is no manifest")
        }
        guard manifest.version == version else {
            throw SiteError(
                .newer, operation: "restore", object: path, cause: "it has version \(manifest.version)",
                remedy: "use a newer shoal")
        }
        let dump = try Files.digest(of: "\(path)/\(dumpName)")
        guard dump.count == manifest.dumpBytes, dump.digest.hex == manifest.dumpDigest else {
            throw damaged(path, "its database is cut off or was changed")
        }
        return manifest
    }

    /// Puts the database of a backup into a data directory whose node does not run.
    ///
    /// - Parameter manifest: what ``check(_:)`` found.
    /// - Returns: whether the directory has a sign journal of its own.
    public static func putBack(
        _ path: String, _ manifest: Manifest, into directory: DataDirectory, databaseURL: String?, schema: String
    ) throws -> Bool {
        let hasJournal = access(directory.signJournalPath, F_OK) == 0
        let places = Places(
            directory: directory, key: "", network: "", peers: [], databaseURL: databaseURL, schema: schema)
        let lock = try DataLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let (target, hold) = try reach(places, isLocked: true)
        defer { hold() }
        try DatabaseDump.read("\(path)/\(dumpName)", into: Schema(name: schema), of: target, owner: manifest.peer)
        return hasJournal
    }

    /// The site's database, and what ends it if it runs only for this.
    private static func reach(_ site: Places, isLocked: Bool = false) throws -> (DatabaseTarget, () -> Void) {
        if let url = site.databaseURL { return (try DatabaseTarget(url: url), {}) }
        var lock: DataLock?
        if !isLocked {
            do {
                lock = try DataLock(site.directory)
            } catch {
                guard case .inUse = error.reason else { throw error }
                return (PrivateServer.target(of: site.directory.path), {})
            }
        }
        let server = try PrivateServer(dataDirectory: site.directory.path)
        return (
            server.target,
            {
                server.stop()
                withExtendedLifetime(lock) {}
            }
        )
    }

    private static func copy(_ path: String, to other: String, mode: UInt32) throws(SiteError) {
        try Files.write(try Files.read(path, limit: 1 << 22), to: other, mode: mode)
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private static func damaged(_ path: String, _ cause: String) -> SiteError {
        SiteError(.damaged, operation: "restore", object: path, cause: cause, remedy: "take another backup")
    }
}

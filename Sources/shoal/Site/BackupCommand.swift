internal import Daemon
internal import Identity
internal import Site
internal import Terminal
internal import Wire

/// `shoal backup` and `shoal restore`: a site in a directory, and back.
enum BackupCommand {
    private static let target = Argument("DIR", .path.named("DIR"), "a directory that does not exist yet")
    private static let withKey = Flag("with-key", "put the site's key in, too: then the backup can sign as this site")

    static let backup = Command(
        "backup", summary: "write the site to a directory, while its node runs or not",
        discussion: """
            The database as of one moment, the settings, the network file and the .peers files. Not the sign journal: a \
            restored site opens a new log, whatever it had signed since, and so never signs two ops for one place. Not the \
            key, unless asked for: keep a copy of it offline. Open tickets are not in it either.
            """,
        arguments: [target], options: SiteSelection.options, flags: [withKey, Shared.json],
        examples: [
            .init("shoal backup /mnt/backup/north-monday", "of the only site of this user here"),
            .init("shoal backup backup-of-north --site north --with-key", "of one of several, with its key"),
        ]
    ) { call in
        let places = try places(call)
        let manifest = try await call.showing("backup", "the database is read") { _ in
            try Backup.make(places, at: Paths.absolute(call[target]), withKey: call[withKey])
        }
        guard !call[Shared.json] else {
            try call.printJSON(manifest)
            return .done
        }
        call.console.print(
            "\(manifest.site) is backed up: \(Format.bytes(manifest.dumpBytes)) of database in \(call[target]).")
        if !manifest.hasKey {
            call.advise("The key is not in it. A site is put back with its key alone: keep a copy offline.")
        }
        return .done
    }

    private static let source = Argument("DIR", .path.named("DIR"), "what `shoal backup` wrote")
    private static let replace = Flag("replace", "replace the database of a site that is there")

    static let restore = Command(
        "restore", summary: "put a site back from a backup",
        discussion: """
            Makes the site's data directory anew, or with --replace puts the older database into the one that is there. The \
            node must not run; nor must the site run on another machine, ever again: two that sign with one key fork.

            What the site signed after the backup comes back from the other sites. It goes on in a new log; a quorum of the \
            other voting sites names it as the log of its votes and payments, by itself.
            """,
        arguments: [source], options: [Shared.keys] + SiteSelection.options, flags: [replace, Shared.json],
        examples: [
            .init("shoal restore /mnt/backup/north-monday", "with keys/north.key"),
            .init("shoal restore north-monday --data-dir /srv/shoal/north --keys /etc/shoal", "in places of your own"),
            .init("shoal restore north-monday --replace", "an older database under the present sign journal"),
        ], run: putBack)

    /// What `--json` prints.
    private struct Report: Encodable {
        let site: String
        let seconds: Int
        let dataDir: String
        /// Whether the sign journal of the data directory is still there.
        let journal: Bool
    }

    private static func putBack(_ call: Invocation) async throws -> ExitCode {
        let backup = Paths.absolute(call[source])
        let manifest = try Backup.check(backup)
        let site = try SiteName(checking: manifest.site)
        let path = try place(call, site)
        let settingsPath = SiteSelection.settingsPath(in: path)
        let isThere = Paths.exists(settingsPath)
        guard call[replace] || !isThere else {
            throw call.failure(
                path, "there is a site already",
                remedy: "Choose another --data-dir, or say --replace to put the older "
                    + "database into it")
        }
        var config = try SiteConfig.load("\(backup)/shoal.json")
        if isThere { config = try SiteConfig.load(settingsPath) }
        guard config.name == site else {
            throw call.failure(path, "it is the site \(config.name), and the backup is of \(site)")
        }
        try settle(call, manifest, backup, isThere: isThere, &config)
        let directory = try DataDirectory(creating: path)
        if !isThere { try config.save(to: directory.configPath) }
        let settled = config
        let hasJournal = try await call.showing("restore", "the database is written") { _ in
            try Backup.putBack(
                backup, manifest, into: directory, databaseURL: settled.databaseURL,
                schema: variable("SHOAL_SCHEMA") ?? settled.schema ?? manifest.schema)
        }
        let report = Report(
            site: site.text, seconds: manifest.seconds, dataDir: directory.path, journal: hasJournal)
        guard !call[Shared.json] else {
            try call.printJSON(report)
            return .done
        }
        call.console.print(
            call.console.style.bold("\(site) is as it was at \(InviteCommand.date(manifest.seconds))."))
        call.console.say(
            hasJournal
                ? "Its sign journal was there and stays: it knows what was signed since."
                : "It has no sign journal: it goes on in a new log, once other sites have brought what is newer.")
        call.advise("The site must not run anywhere else any more: two that sign with one key fork.")
        call.suggest("Next:", "run")
        return .done
    }

    /// The key, the network file and the .peers files, where the settings will say that they are.
    private static func settle(
        _ call: Invocation, _ manifest: Backup.Manifest, _ backup: String, isThere: Bool, _ config: inout SiteConfig
    ) throws {
        let keys = Paths.absolute(call.keysDirectory)
        let keyPath = isThere ? config.key ?? "" : SiteKey.path(of: config.name, in: keys)
        let packed = SiteKey.path(of: config.name, in: backup)
        if !Paths.exists(keyPath), Paths.exists(packed) { try SiteKey.copy(packed, to: keys) }
        guard Paths.exists(keyPath) else {
            throw call.failure(
                keyPath, "the site's key is missing, and the backup has none",
                remedy: "Put the offline copy there, or say where keys are with --keys", exit: .unreachable)
        }
        guard try SiteKey.load(keyPath).keyPair.peerID.hex == manifest.peer else {
            throw call.failure(keyPath, "it is another key than that of the site that was backed up")
        }
        guard !isThere else { return }
        config.key = keyPath
        config.network = try NetworkFile.load(NetworkFile.path(of: manifest.network, in: backup)).create(in: keys)
        let peers = "\(Paths.parent(of: keys))/peers"
        config.peers = []
        try Files.makeDirectory(peers, mode: 0o755)
        for name in Paths.names(in: "\(backup)/peers") where name.hasSuffix(".peers") {
            let path = "\(peers)/\(name)"
            if !Paths.exists(path) { try Files.write(try Files.read("\(backup)/peers/\(name)"), to: path) }
            config.peers.append(path)
        }
    }

    private static func place(_ call: Invocation, _ site: SiteName) throws -> String {
        if let given = call[SiteSelection.dataDirectory] { return given }
        let name = try call[SiteSelection.site].map { try SiteName(checking: $0) } ?? site
        return try variable("SHOAL_DATA_DIR") ?? DataDirectory.defaultPath(for: name)
    }

    private static func places(_ call: Invocation) throws -> Backup.Places {
        let directory = try DataDirectory(existing: SiteSelection(call).path)
        let config = try SiteConfig.load(directory.configPath)
        guard let key = variable("SHOAL_KEY") ?? config.key, let network = variable("SHOAL_NETWORK") ?? config.network
        else {
            throw call.failure(
                config.name.text, "the site has no key, or has not joined a network yet",
                remedy: "See `shoal init` and `shoal join`", exit: .unreachable)
        }
        let peers = config.peers.map { SiteConfig.resolve($0, in: directory.path) }
        return Backup.Places(
            directory: directory, key: SiteConfig.resolve(key, in: directory.path),
            network: SiteConfig.resolve(network, in: directory.path),
            peers: peers.flatMap { path in
                Paths.isDirectory(path) ? Paths.names(in: path).map { "\(path)/\($0)" } : [path]
            },
            databaseURL: variable("SHOAL_DATABASE_URL") ?? config.databaseURL,
            schema: variable("SHOAL_SCHEMA") ?? config.schema ?? "shoal")
    }
}

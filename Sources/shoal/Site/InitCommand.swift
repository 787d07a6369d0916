internal import API
internal import Identity
internal import Site
internal import Terminal
internal import Wire

/// `shoal init`: the key and the data directory of a new site.
enum InitCommand {
    private static let name = Option(
        required: "name", .text.named("SITE"), "the site's name: letters, digits and . _ -")
    private static let dataDirectory = Option<String?>(
        "data-dir", .path.named("DIR"), "where its data go (default: a directory of this user, or SHOAL_DATA_DIR)")
    private static let settings = SiteSettings.declared

    static let command = Command(
        "init", summary: "make a site: its key pair and its data directory",
        discussion: """
            The key is the site's identity. An existing key of that name is used and never overwritten. \
            PostgreSQL is set up by the first `shoal run`.

            What is given of --listen, --advertise, --http, --database-url and --privacy is kept in the data directory's \
            shoal.json, so that `shoal run` needs no options.
            """,
        options: [name, dataDirectory, Shared.keys] + settings.options, flags: [Shared.json],
        examples: [
            .init("shoal init --name north", "a site that can be asked to learn and to predict"),
            .init("shoal init --name north --listen 0.0.0.0:7447", "the same, and other sites can dial it"),
            .init("shoal init --name north --data-dir /srv/shoal/north --keys /etc/shoal", "in places of your own"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let name: String
        let peer: String
        let key: String
        let publicKey: String
        let dataDir: String
        let created: Bool
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let site = try SiteName(checking: call[name])
        let path = try call[dataDirectory] ?? variable("SHOAL_DATA_DIR") ?? DataDirectory.defaultPath(for: site)
        let keys = Paths.absolute(call.keysDirectory)
        try checkFree(call, path, for: site)
        let keyPath = SiteKey.path(of: site, in: keys)
        let isNewKey = !Paths.exists(keyPath)
        if isNewKey { try SiteKey(site: site, keyPair: .generate()).create(in: keys) }
        let key = try SiteKey.load(keyPath)
        guard key.site == site else {
            throw call.failure(keyPath, "it is the key of \(key.site)", remedy: "Move it to \(key.site).key")
        }
        let directory = try DataDirectory(creating: path)
        var config = SiteConfig(name: site)
        let isNewSite = !Paths.exists(directory.configPath)
        if !isNewSite { config = try SiteConfig.load(directory.configPath) }
        let before = config
        config.key = keyPath
        try settings.apply(call, to: &config)
        if isNewSite || config != before { try config.save(to: directory.configPath) }

        if call[Shared.json] {
            try call.printJSON(
                Report(
                    name: site.text, peer: key.keyPair.peerID.hex, key: keyPath,
                    publicKey: SiteKey.publicPath(of: site, in: keys), dataDir: directory.path,
                    created: isNewSite || isNewKey))
        } else {
            tell(call, key, keys, directory, isNewSite: isNewSite, isNewKey: isNewKey)
        }
        return .done
    }

    /// Refuses the directory of another site, and a key that would change under a site.
    private static func checkFree(_ call: Invocation, _ path: String, for site: SiteName) throws {
        let settings = SiteSelection.settingsPath(in: path)
        guard Paths.exists(settings) else { return }
        let config = try SiteConfig.load(settings)
        guard config.name == site else {
            throw call.failure(path, "it is the data directory of \(config.name)", remedy: "Choose another --data-dir")
        }
        let key = SiteKey.path(of: site, in: Paths.absolute(call.keysDirectory))
        guard let used = config.key.map({ SiteConfig.resolve($0, in: path) }) else { return }
        guard Paths.exists(used) else { throw keyIsGone(call, path, used) }
        guard used != key else { return }
        throw call.failure(
            path, "this site has its key in \(used)",
            remedy: "Say --keys \(quoted(Paths.parent(of: used))), or choose another --data-dir for another site")
    }

    /// A key is who the site is: none is made in place of one that was there.
    static func keyIsGone(_ call: Invocation, _ directory: String, _ key: String) -> Failure {
        call.failure(
            directory, "the key of this site is gone: \(key)",
            remedy: "Put it back from its offline copy; with another key it would be another site, so choose another "
                + "name and --data-dir for that")
    }

    private static func tell(
        _ call: Invocation, _ key: SiteKey, _ keys: String, _ directory: DataDirectory, isNewSite: Bool, isNewKey: Bool
    ) {
        let publicPath = SiteKey.publicPath(of: key.site, in: call.keysDirectory)
        let headline =
            isNewSite
            ? "\(key.site) is set up\(isNewKey ? "" : " with the key that was there")."
            : "\(key.site) was set up already; its key stays as it is."
        call.console.print(call.console.style.bold(headline))
        var values = KeyValues()
        values.add("peer id", key.keyPair.peerID.hex)
        values.add("key", "\(SiteKey.path(of: key.site, in: keys)) (secret: keep a copy offline)")
        values.add("data", directory.path)
        call.console.print(values)
        let place = call[dataDirectory].map { " --data-dir \(quoted($0))" } ?? ""
        call.advise(
            """
            Next, one of the sites makes the network, from everybody's .pub file:
              shoal network new NAME --member \(quoted(publicPath)) --member OTHER.pub
            Then every site joins it and starts; the first start sets up PostgreSQL:
              shoal join peers/NAME.peers\(place)
              shoal run\(place)
            Or a member of one that is there invites it, and its ticket does all of this:
              shoal join TICKET\(place)
            """)
    }
}

internal import Identity
internal import Site
internal import Terminal
internal import Wire

/// `shoal keys`: key pairs by themselves.
enum KeysCommand {
    static let command = Command(
        "keys", summary: "make and show key pairs",
        options: [Shared.keys], flags: [Shared.json],
        examples: [
            .init("shoal keys new north", "a key pair for a site that will be set up elsewhere"),
            .init("shoal keys show", "the peer ids of all keys here"),
            .init("shoal keys rotate", "this site goes on under a new key"),
            .init("shoal keys lock north", "the key is of no use without the passphrase"),
        ], subcommands: [new, show, KeysRotate.command, lock, unlock])

    private static let site = Argument("SITE", .text.named("SITE"), "the site's name: letters, digits and . _ -")

    private static let new = Command(
        "new", summary: "make a key pair: SITE.key (secret) and SITE.pub",
        discussion: "An existing key is never overwritten. `shoal init` makes one by itself.",
        arguments: [site],
        examples: [.init("shoal keys new north", "keys/north.key and keys/north.pub")]
    ) { call in
        let key = SiteKey(site: try SiteName(checking: call[site]), keyPair: .generate())
        try key.create(in: call.keysDirectory)
        let secret = SiteKey.path(of: key.site, in: call.keysDirectory)
        guard !call[Shared.json] else {
            try call.printJSON(Entry(name: key.site.text, peer: key.keyPair.peerID.hex, secret: true))
            return .done
        }
        var values = KeyValues()
        values.add("peer id", key.keyPair.peerID.hex)
        values.add("secret", "\(secret) (0600: it never leaves the site; keep a copy offline)")
        values.add("public", "\(SiteKey.publicPath(of: key.site, in: call.keysDirectory)) (hand it out)")
        call.console.print(values)
        return .done
    }

    private static let lock = Command(
        "lock", summary: "put a key under a passphrase",
        discussion: """
            The passphrase comes from SHOAL_PASSPHRASE_FILE, SHOAL_PASSPHRASE or systemd's credential shoal-passphrase, \
            and every command that needs the key finds it there. Copies of the key that were made before stay open.
            """,
        arguments: [site],
        examples: [.init("shoal keys lock north", "with SHOAL_PASSPHRASE_FILE set to a file of one line, mode 0600")]
    ) { call in
        let path = SiteKey.path(of: try SiteName(checking: call[site]), in: call.keysDirectory)
        guard try !SiteKey.isLocked(path) else {
            throw call.failure(path, "it is locked already", remedy: "unlock it first, to give it another passphrase")
        }
        guard let passphrase = try Passphrase.find() else {
            throw call.failure(
                path, "there is no passphrase", remedy: "Set SHOAL_PASSPHRASE_FILE to a file (0600) with it")
        }
        try SiteKey.load(path).rewrite(path, passphrase: passphrase)
        guard try SiteKey.load(path).site.text == call[site] else { preconditionFailure("the key is another one") }
        return said(call, path, "is locked: keep the passphrase apart from it, and a copy of both.")
    }

    private static let unlock = Command(
        "unlock", summary: "take a key from under its passphrase", arguments: [site],
        examples: [.init("shoal keys unlock north", "as it was before")]
    ) { call in
        let path = SiteKey.path(of: try SiteName(checking: call[site]), in: call.keysDirectory)
        guard try SiteKey.isLocked(path) else { throw call.failure(path, "it is not locked") }
        try SiteKey.load(path).rewrite(path, passphrase: nil)
        return said(call, path, "is open: whoever reads it can sign as this site.")
    }

    private static func said(_ call: Invocation, _ path: String, _ what: String) -> ExitCode {
        if !call[Shared.json] { call.console.print("\(path) \(what)") }
        return .done
    }

    private static let subject = Argument<String?>(
        optional: "KEY", .text, "a site's name, or the path of a .key or .pub file (default: all that are here)")

    private static let show = Command(
        "show", summary: "show peer ids, never secrets", arguments: [subject],
        examples: [
            .init("shoal keys show", "every key in keys/"),
            .init("shoal keys show north", "one of them"),
            .init("shoal keys show /mnt/usb/north.pub", "one that somebody handed over"),
        ]
    ) { call in
        if let subject = call[subject] {
            let entry = try entry(at: path(of: subject, in: call.keysDirectory))
            if call[Shared.json] { try call.printJSON(entry) } else { tell(call, [entry]) }
            return .done
        }
        let directory = call.keysDirectory
        let paths = Paths.names(in: directory).filter { $0.hasSuffix(".pub") }.map { "\(directory)/\($0)" }
        let entries = try paths.map { try entry(at: $0) }
        if call[Shared.json] {
            try call.printJSON(entries)
        } else if entries.isEmpty {
            call.console.print("There is no key in \(directory). `shoal init --name SITE` makes one.")
        } else {
            tell(call, entries)
        }
        return .done
    }

    /// What `--json` prints.
    private struct Entry: Encodable {
        let name: String
        let peer: String
        /// Whether the secret half lies here too.
        let secret: Bool
    }

    private static func path(of subject: String, in directory: String) -> String {
        if subject.contains("/") || subject.hasSuffix(".pub") || subject.hasSuffix(".key") { return subject }
        let secret = "\(directory)/\(subject).key"
        return Paths.exists(secret) ? secret : "\(directory)/\(subject).pub"
    }

    private static func entry(at path: String) throws -> Entry {
        if path.hasSuffix(".key") {
            let key = try SiteKey.load(path)
            return Entry(name: key.site.text, peer: key.keyPair.peerID.hex, secret: true)
        }
        let (peer, site) = try SiteKey.loadPublic(path)
        return Entry(name: site.text, peer: peer.hex, secret: Paths.exists("\(path.dropLast(4)).key"))
    }

    private static func tell(_ call: Invocation, _ entries: [Entry]) {
        // Ids are there to be copied: nothing may be cut.
        var table = Table(.text("PEER ID", minimum: 64), .text("SITE"), .text("SECRET"))
        for entry in entries { table.add(entry.peer, entry.name, entry.secret ? "here" : "") }
        call.console.print(table)
    }
}

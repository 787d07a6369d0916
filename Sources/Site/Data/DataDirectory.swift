import Glibc
import Identity
import Wire

/// Where a node keeps what it must not lose, apart from its keys.
///
/// ```
/// pg/           the private PostgreSQL
/// sign-journal  what was signed, see ``SignJournal``
/// shoal.json    settings, see ``SiteConfig``
/// token         bearer token of the HTTP interface, 0600
/// token-read    another one, which may only look and ask, 0600
/// log           what the node says when nobody looks
/// invitations   tickets that were handed out, see ``InvitationBook``, 0600
/// left          that the site has left its network, see ``LeftNote``
/// next.key, rotated   a change of its key that is under way, see ``KeyChange``
/// key-taken     when the site took its present key, see ``KeyChange``
/// audit         who changed or asked what over HTTP, 0600
/// lock          held while a node runs; tells its process and its socket
/// ```
public struct DataDirectory: Sendable, Equatable {
    /// A node does not start with less room than this.
    public static let minFreeBytes = 64 << 20
    /// A running node stops with less room than this: in order, while its database can still write.
    public static let minRunningBytes = 32 << 20

    /// Absolute, without symbolic links.
    public let path: String

    public var postgresPath: String { path + "/pg" }
    public var signJournalPath: String { path + "/sign-journal" }
    public var configPath: String { path + "/shoal.json" }
    public var tokenPath: String { path + "/token" }
    public var readTokenPath: String { path + "/token-read" }
    public var auditPath: String { path + "/audit" }
    public var invitationsPath: String { path + "/invitations" }
    public var leftPath: String { path + "/left" }
    public var nextKeyPath: String { path + "/next.key" }
    public var rotatedPath: String { path + "/rotated" }
    public var keyTakenPath: String { path + "/key-taken" }
    public var logPath: String { path + "/log" }
    public var lockPath: String { path + "/lock" }

    /// `$XDG_DATA_HOME/shoal/SITE`, or `~/.local/share/shoal/SITE`; for root `/var/lib/shoal/SITE`, because the
    /// user that PostgreSQL runs as cannot enter `/root`.
    ///
    /// - Parameters:
    ///   - user: its id; this process's if nil.
    ///   - environment: looks up a variable.
    /// - Throws: `missing` when there is neither a variable nor a home directory.
    public static func defaultPath(
        for site: SiteName, user: UInt32? = nil, environment: (String) -> String? = Self.variable
    ) throws(SiteError) -> String {
        if user ?? geteuid() == 0 { return "/var/lib/shoal/\(site)" }
        // The XDG specification says that relative paths are to be ignored.
        if let base = environment("XDG_DATA_HOME"), base.hasPrefix("/") { return "\(base)/shoal/\(site)" }
        if let home = environment("HOME"), home.hasPrefix("/") { return "\(home)/.local/share/shoal/\(site)" }
        throw SiteError(
            .missing, operation: "choose a data directory for", object: site.text,
            cause: "neither XDG_DATA_HOME nor HOME is an absolute path", remedy: "give --data-dir DIR")
    }

    /// A variable of this process's environment.
    public static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Makes the directory if it is missing (0700; for root 0711, so that PostgreSQL's user can pass), then
    /// checks it as ``init(existing:)`` does.
    public init(creating path: String) throws(SiteError) {
        try Files.makeDirectory(path, mode: geteuid() == 0 ? 0o711 : 0o700)
        try self.init(existing: path)
    }

    /// Finds the directory, for looking at it and talking to its node: neither a full disk nor another user's
    /// directory is in the way.
    ///
    /// - Throws: `missing`, `path`.
    public init(finding path: String) throws(SiteError) {
        guard let real = Files.realPath(path) else { throw .system("use the data directory", path, errno) }
        self.path = real
        guard Files.isDirectory(real) else {
            throw SiteError(
                .path, operation: "use the data directory", object: path, cause: "it is not a directory",
                remedy: "choose another --data-dir")
        }
    }

    /// Checks that the directory is there, this user's, closed to changes by others, and writable.
    ///
    /// - Throws: `missing`, `path`, `permission`, `exposed`, `readOnly`, `diskFull`.
    public init(existing path: String) throws(SiteError) {
        try self.init(finding: path)
        guard let info = Files.status(self.path) else { throw .system("use the data directory", path, errno) }
        try checkOwner(info)
        try checkWritable()
        try checkSpace()
    }

    private func checkOwner(_ info: stat) throws(SiteError) {
        let user = geteuid()
        if user != 0 && info.st_uid != user {
            throw SiteError(
                .permission, operation: "use the data directory", object: path,
                cause: "it belongs to user id \(info.st_uid)", remedy: "start the node as that user, or choose another")
        }
        if info.st_mode & 0o022 != 0 {
            throw SiteError(
                .exposed, operation: "use the data directory", object: path,
                cause: "others may change it (mode \(Files.octal(info.st_mode & 0o777)))",
                remedy: "run: chmod go-w \(Files.quoted(path))")
        }
    }

    /// Writes, syncs and removes a file: rights alone do not tell of a read-only or full file system.
    private func checkWritable() throws(SiteError) {
        let probe = path + "/.shoal-probe"
        do {
            try Files.write(Bytes(repeating: 0x2E, count: 4_096), to: probe, mode: 0o600)
        } catch {
            var about = error
            about.operation = "write to the data directory"
            about.object = path
            throw about
        }
        unlink(probe)
    }

    /// - Throws: `diskFull` when less than `minimum` bytes are free for this user.
    public func checkSpace(minimum: Int = Self.minFreeBytes) throws(SiteError) {
        let free = try freeBytes()
        if free < minimum {
            throw SiteError(
                .diskFull, operation: "use the data directory", object: path,
                cause: "\(free >> 20) MiB are free, fewer than the \(minimum >> 20) MiB that a node needs",
                remedy: "free some space there, or choose another --data-dir")
        }
    }

    /// Whether a private PostgreSQL was set up there.
    public var hasDatabase: Bool { Files.status(postgresPath + "/cluster") != nil }

    /// What this user may still write there.
    public func freeBytes() throws(SiteError) -> Int {
        var info = statvfs()
        if statvfs(path, &info) != 0 { throw .system("look at the space of", path, errno) }
        let (bytes, isHuge) = Int(info.f_bavail).multipliedReportingOverflow(by: Int(info.f_frsize))
        return isHuge ? Int.max : bytes
    }

    /// The bearer token of the HTTP interface: 64 hexadecimal digits, made when first asked for.
    public func token() throws(SiteError) -> String { try token(at: tokenPath) }

    /// The one for those who only look and ask.
    public func readToken() throws(SiteError) -> String { try token(at: readTokenPath) }

    private func token(at path: String) throws(SiteError) -> String {
        if Files.status(path) == nil {
            do {
                let token = Hex.encode(secureRandomBytes(32))
                try Files.create(Bytes((token + "\n").utf8), at: path, mode: 0o600)
            } catch {
                if error.reason != .exists { throw error }
            }
        }
        let text = String(decoding: try Files.readSecret(path, limit: 4_096), as: UTF8.self)
        let token = text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard Hex.decode(token)?.count == 32 else {
            throw SiteError(
                .malformed(line: 1), operation: "read the token", object: path,
                cause: "it is not 64 hexadecimal digits", remedy: "remove the file, the node makes another")
        }
        return token
    }
}

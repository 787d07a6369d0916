internal import Glibc

/// How many files this process may open. Sessions begin with 1,024, for programs that use `select`; this one does not.
enum OpenFiles {
    /// For peers, the database, the journal and imports, whatever HTTP does.
    private static let reserved = 1_024
    /// More idle clients than a dashboard on every desk.
    private static let mostConnections = 16_384
    private static let fewestConnections = 256

    /// Takes what the system allows.
    ///
    /// - Returns: the limit from now on.
    @discardableResult
    static func raise() -> Int {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0 else { return reserved }
        let now = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        // Where the most is "unlimited", the kernel may refuse it.
        if setrlimit(files, &limit) != 0 { limit.rlim_cur = now }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many connections of HTTP clients fit beside everything else.
    static func connections(of limit: Int) -> Int {
        min(mostConnections, max(fewestConnections, limit - reserved))
    }
}

internal import Glibc
internal import Identity
internal import Terminal
internal import Wire

/// A network namespace for each node, and one for the harness, which all of them lead to and which leads nowhere else.
///
/// ```
///  node 0: 10.77.0.2 ── 10.77.0.1 ┐
///  node 1: 10.77.1.2 ── 10.77.1.1 ├ harness: carries connections, as between processes
///  node 2: 10.77.2.2 ── 10.77.2.1 ┘
/// ```
/// Nothing routes between them, so nodes meet at the harness's doors alone. Sockets in the file system, such as the
/// API's and PostgreSQL's, do not care.
enum Namespaces {
    static func address(of place: Int) -> String { "10.77.\(place).2" }
    static func gateway(of place: Int) -> String { "10.77.\(place).1" }

    /// Names are the machine's: each cluster has its own.
    static func prefix(for directory: String) -> String {
        let digest: Hash32 = blake2b256(domain: "shoal/cluster/1", Bytes(directory.utf8))
        return "shoal-" + digest.hex.prefix(8)
    }

    static func name(_ prefix: String, _ node: String) -> String { "\(prefix)-\(node)" }
    static func hub(_ prefix: String) -> String { "\(prefix).hub" }

    /// Whether this process may make one.
    static var isPossible: Bool {
        let name = "shoal-try-\(getpid())"
        defer { _ = try? Tool.run("ip", ["netns", "del", name]) }
        return (try? Tool.run("ip", ["netns", "add", name]))?.code == 0
    }

    /// Makes the namespaces of a cluster.
    ///
    /// - Throws: a failure with the system's own words where this user may not; what was made is left to ``remove``.
    static func make(_ prefix: String, nodes: [String]) throws(Failure) {
        try ip("netns", "add", hub(prefix))
        try ip("-n", hub(prefix), "link", "set", "lo", "up")
        for (place, node) in nodes.enumerated() { try add(prefix, node, place) }
    }

    static func add(_ prefix: String, _ node: String, _ place: Int) throws(Failure) {
        let (own, hub, link) = (name(prefix, node), hub(prefix), "n\(place)")
        try ip("netns", "add", own)
        try ip("-n", hub, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", own)
        try ip("-n", hub, "addr", "add", "\(gateway(of: place))/24", "dev", link)
        try ip("-n", hub, "link", "set", link, "up")
        try ip("-n", own, "addr", "add", "\(address(of: place))/24", "dev", "eth0")
        try ip("-n", own, "link", "set", "eth0", "up")
        try ip("-n", own, "link", "set", "lo", "up")
    }

    /// Removes those that are there.
    static func remove(_ prefix: String, nodes: [String]) {
        for name in nodes.map({ name(prefix, $0) }) + [hub(prefix)] where access(path(of: name), F_OK) == 0 {
            _ = try? Tool.run("ip", ["netns", "del", name])
        }
    }

    /// The file that stands for a namespace.
    static func path(of name: String) -> String { "/run/netns/\(name)" }

    private static func ip(_ words: String...) throws(Failure) {
        let outcome = try Tool.run("ip", words)
        guard outcome.code == 0 else {
            throw Failure(
                "cluster up --netns", "ip " + words.joined(separator: " "), outcome.words,
                remedy: "It needs root, or CAP_NET_ADMIN and CAP_SYS_ADMIN; without --netns nodes share 127.0.0.1",
                exit: .unreachable)
        }
    }
}

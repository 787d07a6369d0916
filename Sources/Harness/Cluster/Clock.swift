internal import FoundationEssentials
internal import Glibc
internal import Site
internal import Terminal

/// The wall clock of a node, moved without a word of the node's own code about it: libfaketime stands between the
/// process and the C library.
///
/// `DIR/clocks/NAME` holds the offset; a process that was started with it follows a change within a second. The clock
/// that measures time spans stays true, as it does on a machine whose date somebody sets; nor does the node's
/// PostgreSQL see the change, since the node starts it with an environment of its own.
enum Clock {
    private static let libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap { machine in
        ["/usr/lib/\(machine)/faketime/libfaketimeMT.so.1"]
    }

    static var isPossible: Bool { libraries.contains { access($0, R_OK) == 0 } }

    static func path(of node: ClusterNode) -> String { "\(node.directory)/clocks/\(node.name)" }

    /// What a node's process is started with; nothing while its clock was never touched.
    static func variables(of node: ClusterNode) throws(Failure) -> [String] {
        let path = path(of: node)
        guard access(path, F_OK) == 0 else { return [] }
        return [
            "LD_PRELOAD=\(try library())", "FAKETIME_TIMESTAMP_FILE=\(path)", "FAKETIME_CACHE_DURATION=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]
    }

    /// Sets how far a node's clock is ahead, in seconds; negative: behind.
    static func set(_ node: ClusterNode, seconds: Int) throws {
        _ = try library()
        try Files.makeDirectory("\(node.directory)/clocks", mode: 0o700)
        try Files.write(Array("\(seconds < 0 ? "" : "+")\(seconds)\n".utf8), to: path(of: node))
    }

    private static func library() throws(Failure) -> String {
        guard let found = libraries.first(where: { access($0, R_OK) == 0 }) else {
            throw Failure(
                "cluster skew-clock", "libfaketime",
                "it is not installed, and a process has no clock of its own without it",
                remedy: "Install it: apt-get install libfaketime", exit: .unreachable)
        }
        return found
    }
}

internal import FoundationEssentials
internal import Glibc
internal import Site
internal import Terminal

/// What happens to machines: they are paused, set back, and their clocks are wrong.
extension Cluster {
    /// Stops a node's process in its tracks; its PostgreSQL goes on.
    public func pause(_ name: String) throws {
        try running(name, "pause").signal(SIGSTOP)
    }

    /// Lets a paused node go on.
    public func resume(_ name: String) throws {
        try running(name, "resume").signal(SIGCONT)
    }

    private func running(_ name: String, _ operation: String) throws -> ProcessIdentity {
        guard let process = try node(name).process, process.isAlive else {
            throw Failure("cluster \(operation)", name, "it does not run", exit: .unreachable)
        }
        return process
    }

    private func snapshotPath(_ name: String) -> String { "\(directory)/snapshots/\(name)" }
    private func databasePath(_ name: String) -> String {
        "\(ClusterNode.dataDirectory(of: name, in: directory))/pg/cluster"
    }

    /// Keeps a copy of a node's database, in place of an earlier one. A node that runs is stopped in order for it and
    /// started again: a copy of files that change would be none.
    public func snapshot(_ name: String) async throws {
        let wasAlive = try node(name).isAlive
        if wasAlive { try await strike(name, .terminate) }
        try await databaseEnds(name)
        guard FileManager.default.fileExists(atPath: databasePath(name)) else {
            throw Failure("cluster snapshot", name, "it has no database yet", remedy: "Start it first")
        }
        // As root, PostgreSQL's own user passes through, as in the cluster's other directories.
        try Files.makeDirectory("\(directory)/snapshots", mode: geteuid() == 0 ? 0o711 : 0o700)
        try await replace(snapshotPath(name), by: databasePath(name))
        if wasAlive { try await start(name) }
    }

    /// Puts a node's database back to the last snapshot, as a careless administrator does: the rest of its data, its
    /// sign journal above all, knows better. The node is killed for it, and started again if it ran.
    public func restoreSnapshot(_ name: String) async throws {
        guard FileManager.default.fileExists(atPath: snapshotPath(name)) else {
            _ = try node(name)
            throw Failure(
                "cluster restore-snapshot", name, "there is no snapshot of it",
                remedy: "Take one with `shoal cluster snapshot \(name)`")
        }
        let wasAlive = try node(name).isAlive
        if wasAlive { try await strike(name, .killNode) }
        try await databaseEnds(name)
        try await replace(databasePath(name), by: snapshotPath(name))
        if wasAlive { try await start(name) }
    }

    private func databaseEnds(_ name: String) async throws {
        let node = try node(name)
        guard try await Patience.poll(for: Self.stopPatience, { node.servers.isEmpty }) else {
            throw Failure("cluster snapshot", name, "its PostgreSQL does not end", exit: .unreachable)
        }
    }

    /// Copies a directory with owners and times.
    private func replace(_ target: String, by source: String) async throws {
        try await OwnThread.run { _ in
            try? FileManager.default.removeItem(atPath: target)
            let outcome = try Tool.run("cp", ["-a", "--reflink=auto", source, target])
            guard outcome.code == 0 else { throw Failure("copy", source, outcome.words, exit: .unreachable) }
        }
    }

    /// Sets a node's wall clock ahead (or behind, if negative) by some seconds. A node that was started with a true
    /// clock is restarted in order for it; from then on its clock moves while it runs.
    public func skewClock(_ name: String, seconds: Int) async throws {
        let node = try node(name)
        try Clock.set(node, seconds: seconds)
        guard node.isAlive, node.record.hasOwnClock != true else { return }
        try await strike(name, .terminate)
        try await start(name)
    }
}

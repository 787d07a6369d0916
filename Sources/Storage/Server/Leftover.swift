import Glibc

/// A server that an earlier, killed node left in the same data directory.
///
/// Usually its supervisor is just shutting it down. Without a supervisor it is stopped here.
/// Called only while this node holds the data directory's lock, so no live node owns it.
struct Leftover {
    let cluster: Cluster

    /// The process id in `postmaster.pid`, if that process is a server of this cluster.
    ///
    /// A file can outlive its process, and the number may by now be somebody else's; PostgreSQL
    /// itself then refuses to start. The command line tells.
    func runningServer() -> pid_t? {
        guard let first = Files.read(cluster.postmasterFile)?.split(separator: "\n").first,
            let pid = pid_t(first), pid > 1
        else { return nil }
        let words = commandLine(of: pid)
        guard words.first?.hasSuffix("postgres") == true, words.contains(cluster.path) else { return nil }
        return pid
    }

    /// Returns when no server of an earlier node runs in this cluster.
    func clear() throws(StorageError) {
        guard let pid = runningServer() else {
            unlink(cluster.postmasterFile)
            return
        }
        // First its supervisor's way, then fast shutdown, immediate shutdown, the end.
        let steps: [(signal: Int32?, waitMs: Int)] =
            (isSupervised(pid) ? [(nil, 30_000)] : []) + [(SIGINT, 20_000), (SIGQUIT, 5_000), (SIGKILL, 5_000)]
        for step in steps {
            if let signal = step.signal { kill(pid, signal) }
            for _ in 0..<step.waitMs / 10 {
                if runningServer() != pid {
                    unlink(cluster.postmasterFile)
                    return
                }
                usleep(10_000)
            }
        }
        throw StorageError(
            .inUse, operation: "start PostgreSQL in", object: cluster.root,
            cause: "an earlier server (process \(pid)) still runs there and does not end",
            remedy: "end process \(pid), then start the node again")
    }

    private func isSupervised(_ pid: pid_t) -> Bool {
        guard let text = Files.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return false }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return false }
        return commandLine(of: parent).first == "shoal-supervisor"
    }

    /// Empty for a process that is gone, or ended and not yet waited for.
    private func commandLine(of pid: pid_t) -> [String] {
        (Files.read("/proc/\(pid)/cmdline") ?? "").split(separator: "\0").map(String.init)
    }
}

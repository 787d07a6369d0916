public import API
internal import FoundationEssentials
internal import Glibc
internal import Site
internal import Terminal

/// One node of a cluster: where its files are, its process, and how to talk to it.
public struct ClusterNode: Sendable {
    /// Of the whole cluster.
    let directory: String
    let network: String
    let record: ClusterFile.Node

    public var name: String { record.name }
    /// Its public key, hexadecimal.
    public var peer: String { record.peer }
    /// HOST:PORT for its peers.
    public var listen: String { "\(record.address):\(record.port)" }
    public var process: ProcessIdentity? { record.process }
    public var isAlive: Bool { process?.isAlive ?? false }
    /// Whether it was stopped in its tracks, by `cluster pause` for one.
    public var isPaused: Bool { process.map { $0.isAlive && $0.isStopped } ?? false }

    public var dataDirectory: String { Self.dataDirectory(of: name, in: directory) }
    /// What it printed; its events are in `log` of its data directory as well.
    public var outputPath: String { "\(directory)/logs/\(name).log" }
    public var keyPath: String { "\(directory)/keys/\(name).key" }
    public var networkPath: String { "\(directory)/keys/\(network).network" }
    public var peersPath: String { "\(directory)/peers/\(name).peers" }

    static func dataDirectory(of name: String, in directory: String) -> String { "\(directory)/nodes/\(name)" }

    /// The path of its API socket, once it serves.
    public var socketPath: String? {
        guard isAlive, let data = try? DataDirectory(existing: dataDirectory),
            let holder = try? DataLock.holder(of: data), holder.pid == process?.pid
        else { return nil }
        return holder.socketPath
    }

    /// A client of its API.
    ///
    /// - Throws: a failure that shows the node's last words, if it does not run.
    public func client() throws -> HTTPClient {
        guard let socketPath else {
            throw notRunning("reach", remedy: "Start it with `shoal cluster start \(name) --dir \(directory)`")
        }
        return HTTPClient(.unix(path: socketPath))
    }

    func notRunning(_ operation: String, remedy: String = "") -> Failure {
        Failure(
            operation, name, "the node does not run; its last words:\n\(lastWords())", remedy: remedy,
            exit: .unreachable)
    }

    /// The last lines of its output, indented.
    public func lastWords(_ count: Int = 8) -> String {
        let bytes = (try? Files.read(outputPath, limit: 64 << 20)) ?? []
        let lines = String(decoding: bytes.suffix(16 << 10), as: UTF8.self).split(separator: "\n").suffix(count)
        return lines.isEmpty ? "  (nothing)" : lines.map { "  \($0)" }.joined(separator: "\n")
    }

    /// The node's processes whatever `cluster.json` says: the command that started one may have died before it wrote
    /// that down.
    var strays: [ProcessIdentity] {
        ProcessTable.naming(dataDirectory) { $0.first == Launch.name && $0.dropFirst().first == "run" }
    }

    /// What a node leaves behind for a moment: the supervisor, which ends PostgreSQL or initdb.
    var servers: [ProcessIdentity] {
        let names = ["shoal-supervisor", "postgres", "initdb"]
        return ProcessTable.naming(dataDirectory) {
            names.contains(($0.first ?? "").split(separator: "/").last.map(String.init) ?? "")
        }
    }

    /// The server process of its private PostgreSQL, if one runs.
    public var postgres: ProcessIdentity? {
        let cluster = "\(dataDirectory)/pg/cluster"
        guard let bytes = try? Files.read("\(cluster)/postmaster.pid", limit: 4_096),
            let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first, let pid = Int32(line),
            let process = ProcessIdentity(of: pid)
        else { return nil }
        // The file outlives a killed server, and its number may be another's by now.
        let words = ProcessTable.commandLine(of: pid)
        let real = realpath(cluster, nil)
        defer { free(real) }
        let path = real.map { String(cString: $0) } ?? cluster
        return words.first?.hasSuffix("postgres") == true && words.contains(path) ? process : nil
    }
}

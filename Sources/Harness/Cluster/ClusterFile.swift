internal import API
internal import Glibc
internal import Site
internal import Terminal
internal import Wire

/// `cluster.json`: what commands need to find a running cluster again. It holds no secret.
struct ClusterFile: Codable, Sendable, Equatable {
    struct Node: Codable, Sendable, Equatable {
        var name: String
        /// Its public key, hexadecimal.
        var peer: String
        /// Where it listens, on 127.0.0.1.
        var port: UInt16
        /// Names of the nodes that it is told to dial.
        var dials: [String]
        /// Its last process, which may have ended.
        var process: ProcessIdentity?
        /// Its own address, in a network namespace of its own; absent: 127.0.0.1.
        var host: String?
        /// Whether its process was started with a clock that can be moved.
        var hasOwnClock: Bool?
        /// The `shoal` binary that it runs; absent: that of the cluster.
        var binary: String?

        var address: String { host ?? "127.0.0.1" }
    }

    /// A door of the harness: whoever connects there is `from` and is connected to `to`.
    struct Door: Codable, Sendable, Equatable {
        var from: String
        var to: String
        var port: UInt16
    }

    /// The process that carries connections, and how to talk to it.
    struct Harness: Codable, Sendable, Equatable {
        var process: ProcessIdentity
        var socket: String
    }

    var version = 1
    var network: String
    /// The `shoal` binary that the nodes run.
    var binary: String
    /// Whether its nodes train by themselves; absent: they do not.
    var trains: Bool?
    /// Rounds after which each node claims what it trained; absent: never by itself.
    var claimRounds: Int?
    /// What the settings of all nodes say besides; absent: nothing.
    var settings: NodeSettings?
    var nodes: [Node]
    /// The doors between nodes; absent: nodes dial each other, and no link can be made worse.
    var doors: [Door]?
    var harness: Harness?
    /// Size of the small file system of each node, MiB; absent: a directory like any other.
    var diskMebibytes: Int?
    /// What the names of its network namespaces begin with; absent: all nodes share the machine's network.
    var namespaces: String?

    /// Where `node` dials `other`.
    func endpoint(of other: Node, for node: Node) -> Endpoint {
        guard let door = doors?.first(where: { $0.from == node.name && $0.to == other.name }) else {
            return Endpoint(host: other.address, port: other.port)
        }
        let place = nodes.firstIndex { $0.name == node.name }
        return Endpoint(host: node.host == nil ? "127.0.0.1" : Namespaces.gateway(of: place!), port: door.port)
    }

    static func path(in directory: String) -> String { "\(directory)/cluster.json" }

    static func load(from directory: String) throws(Failure) -> ClusterFile {
        let path = path(in: directory)
        let bytes: Bytes
        do throws(SiteError) {
            bytes = try Files.read(path, limit: 16 << 20)
        } catch {
            guard error.reason == .missing else { throw Failure("read", path, error.cause, remedy: error.remedy) }
            throw Failure(
                "cluster", directory, "there is no cluster in this directory",
                remedy: "Start one with `shoal cluster up`, or name its place with --dir", exit: .unreachable)
        }
        do throws(Problem) {
            let file = try JSON.decode(ClusterFile.self, from: bytes)
            guard file.version == 1 else {
                throw Problem.badRequest("it was written by a newer shoal (version \(file.version))")
            }
            return file
        } catch {
            throw Failure("read", path, error.detail, remedy: "Remove the directory when its nodes are stopped")
        }
    }

    func save(to directory: String) throws(Failure) {
        do {
            try Files.write(try JSON.encode(self, pretty: true) + [UInt8(ascii: "\n")], to: Self.path(in: directory))
        } catch {
            throw Failure("write", Self.path(in: directory), "\(error)", exit: .unreachable)
        }
    }
}

/// Commands that change one cluster at the same time wait for each other.
struct ClusterLock: ~Copyable {
    private let file: Int32

    init(_ directory: String) throws(Failure) {
        let path = "\(directory)/cluster.lock"
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw Failure("lock", path, String(cString: strerror(errno)), exit: .unreachable)
        }
        while flock(file, LOCK_EX) != 0, errno == EINTR {}
    }

    deinit { close(file) }
}

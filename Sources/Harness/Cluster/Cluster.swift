internal import API
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import Membership
internal import Site
internal import Terminal
internal import Wire

/// Several real nodes on this machine: a process, a data directory and a PostgreSQL each, loopback sockets.
///
/// All state is in a directory, so that separate commands can work on one running cluster:
///
/// ```
/// DIR/cluster.json   names, ports, processes
///     keys/          NAME.key, NAME.pub, NETWORK.network
///     peers/         NAME.peers: whom NAME dials
///     nodes/         NAME/: its data directory
///     logs/          NAME.log: what it printed
/// ```
/// Nodes outlive the command that starts them, unless that is to be otherwise. A process is ended only if it is the one that was started.
public struct Cluster: Sendable {
    /// Absolute, without symbolic links.
    public let directory: String
    /// What ends the nodes with this process, however that ends; nil: they outlive it.
    let lifeline: Lifeline?

    /// What a new cluster is made of.
    public struct Plan: Sendable {
        public var network: String
        public var names: [String]
        public var topology: Topology
        /// The `shoal` binary; this program's own if nil.
        public var binary: String?
        /// Whether nodes train by themselves. If not, what a cluster learns is what its commands ask for.
        public var trains: Bool
        /// Rounds after which each node claims Koi for what it trained; 0: never by itself.
        public var claimRounds: Int
        /// What the settings of all nodes say besides, of those that join later as well.
        public var settings: NodeSettings
        /// Whether a harness carries what nodes say to each other, so that links can be cut and slowed down.
        public var hasLinks: Bool
        /// Gives every node a file system in memory of so many MiB, which can be filled.
        public var diskMebibytes: Int?
        /// Gives every node a network namespace, and an address of its own.
        public var hasNamespaces: Bool
        /// How long after a checkpoint the next one is due; nil: as in any network.
        public var checkpointSeconds: UInt64?
        /// By which rules the network is founded; nil: by the latest.
        public var foldVersion: UInt64?
        /// Whether what is started ends with this process, though it be killed.
        public var endsWithStarter: Bool

        public init(
            network: String, names: [String], topology: Topology = .full, binary: String? = nil, trains: Bool = false,
            claimRounds: Int = 0, settings: NodeSettings = NodeSettings(), hasLinks: Bool = false,
            diskMebibytes: Int? = nil, hasNamespaces: Bool = false, checkpointSeconds: UInt64? = nil,
            foldVersion: UInt64? = nil,
            endsWithStarter: Bool = false
        ) {
            self.network = network
            self.names = names
            self.topology = topology
            self.binary = binary
            self.trains = trains
            self.claimRounds = claimRounds
            self.settings = settings
            self.hasLinks = hasLinks || hasNamespaces
            self.diskMebibytes = diskMebibytes
            self.hasNamespaces = hasNamespaces
            self.checkpointSeconds = checkpointSeconds
            self.foldVersion = foldVersion
            self.endsWithStarter = endsWithStarter
        }
    }

    /// Opens an existing cluster, running or not.
    public init(existing directory: String) throws {
        guard let real = Self.realPath(directory) else {
            throw Failure("cluster", directory, String(cString: strerror(errno)), exit: .unreachable)
        }
        self.directory = real
        lifeline = nil
        _ = try file
    }

    /// Makes keys, the network file and empty data directories; starts nothing.
    ///
    /// - Parameter directory: must be missing or empty.
    public init(making plan: Plan, in directory: String) throws {
        guard !plan.names.isEmpty, Set(plan.names).count == plan.names.count else {
            throw Failure("cluster up", plan.names.joined(separator: ", "), "every node needs a name of its own")
        }
        // As root, PostgreSQL's own user must pass through; keys are closed by themselves.
        let mode: UInt32 = geteuid() == 0 ? 0o711 : 0o700
        try Files.makeDirectory(directory, mode: mode)
        let present = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        guard present.isEmpty else {
            throw Failure(
                "cluster up", directory, "the directory is not empty",
                remedy: "Choose another one, or end the cluster in it with `shoal cluster down`")
        }
        guard let real = Self.realPath(directory) else {
            throw Failure("cluster up", directory, String(cString: strerror(errno)), exit: .unreachable)
        }
        self.directory = real
        lifeline = plan.endsWithStarter ? try Lifeline() : nil
        for part in ["nodes", "logs", "peers"] { try Files.makeDirectory("\(real)/\(part)", mode: mode) }

        let keys = try plan.names.map { name in
            SiteKey(site: try SiteName(checking: name), keyPair: KeyPair.generate())
        }
        for key in keys { try key.create(in: "\(real)/keys") }
        let vocabularyKey = secureRandomBytes(32)
        var policy = NetworkPolicy.standard
        if let seconds = plan.checkpointSeconds { policy.checkpointSeconds = seconds }
        if let version = plan.foldVersion { policy.foldVersion = version }
        let genesis = try Genesis(
            name: plan.network, createdSeconds: UInt64(time(nil)), salt: secureRandomBytes(16),
            vocabularyKey: vocabularyKey, founders: keys.map(\.keyPair.peerID), policy: policy)
        try NetworkFile(genesis: genesis, vocabularyKey: vocabularyKey).create(in: "\(real)/keys")

        let nodes = plan.names.indices.map { place in
            let dials = plan.topology.neighbours(of: place, count: plan.names.count).map { plan.names[$0] }
            return ClusterFile.Node(
                name: plan.names[place], peer: keys[place].keyPair.peerID.hex, port: 0, dials: dials, process: nil)
        }
        var file = ClusterFile(
            network: plan.network, binary: try Self.program(plan.binary), trains: plan.trains,
            claimRounds: plan.claimRounds, settings: plan.settings, nodes: nodes)
        if plan.hasLinks {
            file.doors = nodes.flatMap { node in node.dials.map { .init(from: node.name, to: $0, port: 0) } }
        }
        file.diskMebibytes = plan.diskMebibytes
        if plan.hasNamespaces {
            file.namespaces = Namespaces.prefix(for: real)
            for place in file.nodes.indices { file.nodes[place].host = Namespaces.address(of: place) }
        }
        try file.save(to: real)
        try choosePorts()
        do {
            if let size = plan.diskMebibytes { try makeDisks(mebibytes: size) }
            if let prefix = file.namespaces { try Namespaces.make(prefix, nodes: plan.names) }
        } catch {
            removePlaces()
            throw error
        }
    }

    // MARK: Looking

    /// The nodes, as the file says at this moment.
    public var nodes: [ClusterNode] {
        get throws {
            let file = try file
            return file.nodes.map { ClusterNode(directory: directory, network: file.network, record: $0) }
        }
    }

    public func node(_ name: String) throws -> ClusterNode {
        let all = try nodes
        guard let found = all.first(where: { $0.name == name }) else {
            throw Failure(
                "cluster", name, "there is no such node",
                remedy: "The nodes are \(all.map(\.name).joined(separator: ", "))")
        }
        return found
    }

    /// Asks every node; one that does not answer within a few seconds is reported as silent.
    public func status() async throws -> ClusterStatus {
        let file = try file
        let rows = try await forEach(try nodes, atMost: 16) { node in
            var call = Call(.get, "/api/status")
            call.timeout = .seconds(5)
            guard let client = try? node.client(), let reply = try? await client.send(call) else {
                return ClusterStatus.Node(node, nil)
            }
            return ClusterStatus.Node(node, try reply.json())
        }
        return ClusterStatus(directory: directory, network: file.network, nodes: rows)
    }

    /// a … z, then n26, n27 …
    public static func defaultNames(_ count: Int) -> [String] {
        (0..<count).map { $0 < 26 ? String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0))) : "n\($0)" }
    }

    // MARK: The file

    var file: ClusterFile {
        get throws(Failure) { try ClusterFile.load(from: directory) }
    }

    /// Changes the file while no other command does.
    func update(_ change: (inout ClusterFile) throws -> Void) throws {
        let lock = try ClusterLock(directory)
        defer { withExtendedLifetime(lock) {} }
        var file = try file
        try change(&file)
        try file.save(to: directory)
    }

    /// Gives every node a free port, and tells the others.
    func choosePorts() throws {
        try update { file in
            var ports = try FreePorts.choose(file.nodes.count + (file.doors?.count ?? 0))[...]
            for place in file.nodes.indices { file.nodes[place].port = ports.removeFirst() }
            for place in (file.doors ?? []).indices { file.doors?[place].port = ports.removeFirst() }
        }
        let file = try file
        for node in file.nodes { try writePeers(of: node, file) }
    }

    /// Writes the `.peers` file of a node from the ports of those that it dials, or of the doors to them.
    func writePeers(of node: ClusterFile.Node, _ file: ClusterFile) throws {
        let lines = file.nodes.filter { node.dials.contains($0.name) }.map { other in
            PeerEntry(
                peerID: PeerID(hex: other.peer)!, endpoint: file.endpoint(of: other, for: node), name: other.name
            ).description + "\n"
        }
        try Files.write(Bytes(lines.joined().utf8), to: "\(directory)/peers/\(node.name).peers")
    }

    static func program(_ path: String?, for command: String = "cluster up") throws -> String {
        guard let path else { return Launch.ownProgram() }
        guard let real = realPath(path), access(real, X_OK) == 0 else {
            throw Failure(command, path, "it is no program that can be run", exit: .unreachable)
        }
        return real
    }

    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

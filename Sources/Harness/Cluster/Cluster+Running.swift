internal import API
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import Site
internal import Terminal
internal import Wire

extension Cluster {
    /// What becomes of a node while a cluster starts.
    public enum Step: Sendable, Equatable {
        case starting
        /// It serves, after this long.
        case ready(Duration)
    }

    /// How a node is made to end.
    public enum Blow: Sendable, Equatable {
        /// SIGTERM to the node: an orderly stop.
        case terminate
        /// SIGKILL to the node.
        case killNode
        /// SIGKILL to its PostgreSQL; the node goes on.
        case killPostgres
    }

    /// A first start makes a database, which takes a core for half a second; later ones may have to recover.
    static let startPatience = Duration.seconds(120)
    /// PostgreSQL may take that long for its last checkpoint.
    static let stopPatience = Duration.seconds(40)
    private static let killPatience = Duration.seconds(10)
    private static let portAttempts = 5

    /// Starts every node that does not run, a few at a time, and waits until all serve.
    ///
    /// A port that another program took in between is replaced, for a cluster that never ran.
    public func up(onStep: @escaping @Sendable (String, Step) -> Void = { _, _ in }) async throws {
        let isNew = try file.nodes.allSatisfy { $0.process == nil }
        for attempt in 1... {
            do {
                try await startHarness()
                let names = try nodes.filter { !$0.isAlive }.map(\.name)
                _ = try await forEach(names, atMost: max(4, Self.cores)) { name in
                    onStep(name, .starting)
                    let begin = ContinuousClock.now
                    try await start(name)
                    onStep(name, .ready(ContinuousClock.now - begin))
                }
                return
            } catch let failure as Failure where failure.cause.contains("another program uses port") && isNew {
                guard attempt < Self.portAttempts else { throw failure }
                try await stopAll(patience: Self.stopPatience)
                try await stopHarness()
                try choosePorts()
            }
        }
    }

    /// Starts one node and waits until it serves.
    ///
    /// - Parameter binary: the `shoal` that it runs from now on; nil: the one that it ran before.
    /// - Throws: a failure with the node's last words if it ends, or does not serve in time.
    public func start(_ name: String, binary: String? = nil) async throws {
        let node = try node(name)
        guard !node.isAlive else {
            throw Failure("cluster start", name, "it runs already (process \(node.process?.pid ?? 0))")
        }
        if let binary {
            let program = try Self.program(binary, for: "cluster start")
            try update { file in
                for place in file.nodes.indices where file.nodes[place].name == name {
                    file.nodes[place].binary = program
                }
            }
        }
        let data = try prepare(node)
        let logged = Self.size(of: node.outputPath)
        let file = try file
        let clock = try Clock.variables(of: node)
        let started = try Launch.detached(
            file.nodes.first { $0.name == name }?.binary ?? file.binary,
            ["run", "--data-dir", data.path, "--http", "127.0.0.1:0", "--claim-rounds", "\(file.claimRounds ?? 0)"]
                + (file.trains ?? false ? [] : ["--no-train"]) + (lifeline == nil ? [] : [Lifeline.flag]),
            log: node.outputPath, variables: clock,
            namespace: file.namespaces.map { Namespaces.path(of: Namespaces.name($0, name)) }, lifeline: lifeline)
        try update { file in
            for place in file.nodes.indices where file.nodes[place].name == name {
                file.nodes[place].process = started.identity
                file.nodes[place].hasOwnClock = clock.isEmpty ? nil : true
            }
        }
        let isReady = try await Patience.poll(for: Self.startPatience) {
            guard started.isAlive else { throw Self.ended(node, started.pid, since: logged) }
            guard let holder = try? DataLock.holder(of: data), holder.pid == started.pid,
                let socket = holder.socketPath
            else { return false }
            return (try? await HTTPClient(.unix(path: socket)).send(Call(.get, "/healthz"))) != nil
        }
        guard isReady else {
            throw Failure(
                "start", name,
                "it does not serve after \(Format.duration(Self.startPatience)); its last words:\n"
                    + node.lastWords(), remedy: "Look into \(node.outputPath)", exit: .unreachable)
        }
    }

    /// Ends a node, or its PostgreSQL, and waits until that has happened.
    public func strike(_ name: String, _ blow: Blow) async throws {
        let node = try node(name)
        switch blow {
        case .killPostgres:
            guard let server = node.postgres else {
                throw Failure("cluster kill", name, "its PostgreSQL does not run", exit: .unreachable)
            }
            server.signal(SIGKILL)
            _ = try await server.ended(within: Self.killPatience)
        case .killNode, .terminate:
            guard let process = node.process, process.isAlive else {
                throw Failure("cluster kill", name, "it does not run", exit: .unreachable)
            }
            process.signal(blow == .terminate ? SIGTERM : SIGKILL)
            // One that was paused hears only of its death.
            process.signal(SIGCONT)
            guard try await process.ended(within: Self.stopPatience) else {
                throw Failure(
                    "cluster kill", name, "process \(process.pid) does not end", remedy: "Kill it with --force")
            }
        }
    }

    /// Adds a node to a running cluster: its key, a port, the word of `member` that it belongs, and its start.
    ///
    /// - Parameter dials: whom it is told to dial; `member` if nil.
    public func add(_ name: String, via member: String, dials: [String]? = nil) async throws {
        let key = SiteKey(site: try SiteName(checking: name), keyPair: KeyPair.generate())
        let sponsor = try node(member)
        try key.create(in: "\(directory)/keys")
        let port = try FreePorts.choose(1)[0]
        let place = try file.nodes.count
        var record = ClusterFile.Node(
            name: name, peer: key.keyPair.peerID.hex, port: port, dials: dials ?? [member], process: nil)
        if try file.namespaces != nil { record.host = Namespaces.address(of: place) }
        let (dialled, spare) = (record.dials, try FreePorts.choose(record.dials.count + 1))
        let added = record
        try update { file in
            file.nodes.append(added)
            if file.doors != nil {
                let doors = dialled.map { (name, $0) } + [(member, name)]
                file.doors! += zip(doors, spare).map { .init(from: $0.0, to: $0.1, port: $1) }
            }
            try writePeers(of: added, file)
        }
        let file = try file
        if let size = file.diskMebibytes { try makeDisk(of: name, mebibytes: size) }
        if let prefix = file.namespaces { try Namespaces.add(prefix, name, place) }
        try await reloadHarness()
        let address = file.endpoint(of: added, for: sponsor.record)
        let request = PeerAddRequest(peer: added.peer, name: name, address: "\(address)")
        let _: PeerReport = try await sponsor.client().post("/api/peers", request)
        try await start(name)
    }

    /// Stops every node in order, those that do not obey by force, and removes the directory.
    ///
    /// - Parameters:
    ///   - keepingFiles: leaves everything but the processes.
    ///   - isHurried: asked again and again; true ends the patience.
    public func down(keepingFiles: Bool = false, isHurried: @escaping @Sendable () -> Bool = { false }) async throws {
        try await stopAll(patience: Self.stopPatience, isHurried: isHurried)
        // A task of its own, as below.
        try await Task.detached { try await stopHarness() }.value
        guard !keepingFiles else { return }
        removePlaces()
        let nodes = try nodes
        let directory = directory
        // Some disks are slow to forget a database: all at once. A task of its own, as above.
        try await Task.detached {
            _ = try await forEach(nodes, atMost: nodes.count) { node in
                try await OwnThread.run { _ in
                    if let data = try? DataDirectory(existing: node.dataDirectory) {
                        try? RuntimeDirectory(for: data).remove()
                    }
                    try? FileManager.default.removeItem(atPath: node.dataDirectory)
                }
            }
        }.value
        // Only what a cluster is made of: the directory may hold other things by now.
        for part in ["nodes", "logs", "peers", "keys", "clocks", "snapshots", "cluster.json", "cluster.lock"] {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(part)")
        }
        rmdir(directory)
    }

    private func stopAll(
        patience: Duration, isHurried: @escaping @Sendable () -> Bool = { false }
    ) async throws {
        let nodes = try nodes
        // A task of its own: a cancelled caller must still be able to clean up.
        try await Task.detached {
            _ = try await forEach(nodes, atMost: nodes.count) { try await Self.stop($0, patience, isHurried) }
        }.value
    }

    private static func stop(_ node: ClusterNode, _ patience: Duration, _ isHurried: () -> Bool) async throws {
        for process in Set([node.process].compactMap(\.self) + node.strays) {
            process.signal(SIGTERM)
            process.signal(SIGCONT)
            let isOver = try await Patience.poll(for: patience) {
                waitpid(process.pid, nil, WNOHANG)
                return !process.isAlive || isHurried()
            }
            if !isOver || process.isAlive { process.signal(SIGKILL) }
            _ = try await process.ended(within: killPatience)
        }
        // The supervisor of a killed node shuts its PostgreSQL down.
        if try await Patience.poll(for: patience, { node.servers.isEmpty }) { return }
        for process in node.servers { process.signal(SIGKILL) }
        _ = try await Patience.poll(for: killPatience) { node.servers.isEmpty }
    }

    /// The data directory with the settings of its node.
    private func prepare(_ node: ClusterNode) throws -> DataDirectory {
        let data = try DataDirectory(creating: node.dataDirectory)
        // What the cluster has no opinion of stays as somebody set it.
        var settings =
            try (try? SiteConfig.load(data.configPath)) ?? SiteConfig(name: SiteName(checking: node.name))
        settings.key = node.keyPath
        settings.network = node.networkPath
        settings.peers = [node.peersPath]
        settings.listen = Endpoint(host: node.record.address, port: node.record.port)
        try (file.settings ?? NodeSettings()).apply(to: &settings)
        try settings.save(to: data.configPath)
        return data
    }

    private static func ended(_ node: ClusterNode, _ pid: Int32, since logged: Int) -> Failure {
        var status: Int32 = 0
        waitpid(pid, &status, WNOHANG)
        let said = (try? Files.read(node.outputPath, limit: 64 << 20))?.dropFirst(logged) ?? []
        let lines = String(decoding: said, as: UTF8.self).split(separator: "\n").suffix(8)
        let words = lines.isEmpty ? "  (nothing)" : lines.map { "  \($0)" }.joined(separator: "\n")
        return Failure(
            "start", node.name, "the node ended at once; it said:\n\(words)", exit: .unreachable)
    }

    private static func size(of path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

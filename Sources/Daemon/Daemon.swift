internal import API
internal import Federation
internal import FoundationEssentials
internal import Glibc
public import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Session
internal import Site
internal import Storage
internal import Synchronization
internal import Transport
public import Wire

/// What `shoal run` is told.
public struct DaemonOptions: Sendable {
    public var dataDirectory: String
    /// The site's `.key` file.
    public var key: String
    /// The network's `.network` file.
    public var network: String
    /// `.peers` files, or directories of them.
    public var peers: [String]
    /// HOST:PORT for peers; nil for a site that only dials out.
    public var listen: String?
    /// What peers are told to dial, if it is not `listen`.
    public var advertise: [String]
    /// HOST:PORT for HTTP besides the Unix socket.
    public var http: String?
    public var databaseURL: String?
    /// What is done to changes before they are sent, `KEY=VALUE` each; nothing if empty.
    public var privacy: [String]
    public var schema: String
    public var verbose: Bool
    public var training = TrainingSettings()
    /// Rounds after which this site claims what it trained; 0: never by itself.
    public var claimRounds = 0
    /// nKoi that may be paid in a day for answers of others' models, without being asked; 0: nothing.
    public var inferenceBudget: Int64 = 0
    /// Days after which certified sums stand for bodies of others, which are dropped; nil: everything is kept.
    public var retentionDays: Int?
    /// Own deltas whose sums are certified together.
    public var sumsEvery = 256
    /// Whether members tell each other where they can be dialled.
    public var discovers = true

    public init(
        dataDirectory: String, key: String, network: String, peers: [String] = [], listen: String? = nil,
        advertise: [String] = [], http: String? = nil, databaseURL: String? = nil, privacy: [String] = [],
        schema: String = "shoal",
        verbose: Bool = false
    ) {
        self.dataDirectory = dataDirectory
        self.key = key
        self.network = network
        self.peers = peers
        self.listen = listen
        self.advertise = advertise
        self.http = http
        self.databaseURL = databaseURL
        self.privacy = privacy
        self.schema = schema
        self.verbose = verbose
    }
}

/// Where a node serves.
public struct ReadyNode: Sendable {
    public let peer: PeerID
    /// For peers; nil for a site that only dials out.
    public let listen: String?
    /// The Unix socket of its API.
    public let socket: String
    /// `http://HOST:PORT`, the dashboard among it; nil without ``DaemonOptions/http``.
    public let http: String?
}

/// The version that commands and status tell.
public enum ShoalVersion {
    public static let current = "0.1.0"
}

/// What does not change while a node runs.
final class SiteFacts: Sendable {
    let name: String
    let network: String
    let listen: String?
    /// `http://HOST:PORT`, once HTTP is served there.
    let http = Mutex<String?>(nil)
    private let started = ContinuousClock().now

    init(name: String, network: String, listen: String?) {
        self.name = name
        self.network = network
        self.listen = listen
    }
    var uptime: Double { (ContinuousClock().now - started).seconds }
}

/// One running node: services on top of each other, started in order and stopped in reverse.
///
/// ```
/// lock ─ keys ─ PostgreSQL ─ recovery ─ event loop ─ node ─ sockets ─ HTTP
/// ```
public final class Daemon: Sendable {
    private let loop: EventLoop
    private let stopRequested: AsyncStream<String?>
    private let requestStop: AsyncStream<String?>.Continuation

    public init() throws {
        loop = try EventLoop()
        (stopRequested, requestStop) = AsyncStream.makeStream()
    }

    /// Runs the node until SIGTERM, SIGINT or ``stop()``.
    ///
    /// - Parameters:
    ///   - onNewDatabase: called before a PostgreSQL is set up, which takes a moment.
    ///   - ready: called when the node serves.
    /// - Returns: why the node had to stop by itself; nil after an orderly stop.
    /// - Throws: what prevents the start; a sentence with operation, object, cause and remedy.
    public func run(
        _ options: DaemonOptions, onNewDatabase: @Sendable () -> Void = {},
        ready: @Sendable (ReadyNode) -> Void = { _ in }
    ) async throws -> String? {
        OpenFiles.raise()
        let disputed = VerifierCheck.disagreements()
        guard disputed.isEmpty else {
            throw SiteError(
                .damaged, operation: "start", object: "libsodium",
                cause: "it judges signatures differently from the network: \(disputed[0])",
                remedy: "install the distribution's libsodium, 1.0.18 or later")
        }
        let policy = try PrivacyPolicy(options.privacy)
        let directory = try DataDirectory(existing: options.dataDirectory)
        try directory.checkSpace()
        let lock = try DataLock(directory)
        let change = try KeyChange(in: directory)
        try change?.complete(in: directory, key: options.key)
        let key = try SiteKey.load(options.key)
        let network = try NetworkFile.load(options.network)
        let peers = try Self.peers(options.peers)
        if let note = try LeftNote(in: directory), note.network == network.genesis.networkID {
            throw note.refusal(of: key.site.description, in: directory)
        }
        let log = EventLog(path: directory.logPath, verbose: options.verbose)
        let runtime = try RuntimeDirectory(for: directory)
        try runtime.prepare()

        let requestStop = requestStop
        if options.databaseURL == nil, !directory.hasDatabase { onNewDatabase() }
        let database = try await Self.blocking {
            try Database(
                dataDirectory: directory.path, url: options.databaseURL, schema: options.schema, log: log
            ) { requestStop.yield($0) }
        }
        defer { database.stop() }
        // Waits when this site held the lease before a crash.
        let lease: SchemaLease? =
            database.isPrivate
            ? nil
            : try await Self.blocking {
                try SchemaLease(
                    database.target, schema: options.schema, holder: key.site.description, nonce: secureRandomBytes(16))
            }
        defer { lease?.release() }

        let journal = try SignJournal(path: directory.signJournalPath)
        let entries = try OpKeeper.entries(of: journal)
        let schema = options.schema
        let target = database.target
        let keeper = OpKeeper(
            journal: journal,
            checkSpace: { () throws(SiteError) in try directory.checkSpace(minimum: DataDirectory.minRunningBytes) }
        ) { () throws(StorageError) in
            try OpStore(Connection(target), schema: schema, network: network.genesis.networkID, lease: lease)
        }
        defer { keeper.finish() }
        let stored = try await Self.blocking {
            try Database.patiently { () throws(StorageError) in
                let store = try OpStore(Connection(target), schema: schema, network: network.genesis.networkID)
                try store.claim(by: key.keyPair.peerID, succeeding: change?.old)
                var recovered = try store.recover()
                recovered.journal = entries
                return recovered
            }
        }
        if change != nil { KeyChange.forget(in: directory) }

        loop.start()
        defer {
            loop.stop()
            loop.join()
        }
        let parts = try await onLoop { loop in
            let transport = try TLSTransport(loop: loop)
            let listening = try options.listen.map { try Self.listen(transport, on: $0) }
            let advertised = try Self.checked(
                options.advertise.isEmpty ? [listening].compactMap { $0 } : options.advertise)
            var configuration = NodeConfiguration(
                genesis: network.genesis,
                contacts: peers.entries.compactMap { entry in
                    entry.endpoint.map { Contact(peer: entry.peerID, address: "\($0)", name: entry.name) }
                }, listenAddresses: advertised.filter(Self.canBeDialled), freshLog: LogID(secureRandomBytes(8))!)
            configuration.sumsEveryDeltas = options.sumsEvery
            configuration.discovers = options.discovers
            let node = try Node(
                configuration: configuration,
                identity: key.keyPair,
                recovered: stored,
                seed: UInt64(bigEndianBytes: secureRandomBytes(8))!, now: Instant(milliseconds: loop.now),
                wallSeconds: UInt64(clamping: time(nil)))
            let host = NodeHost(loop: loop, transport: transport, keeper: keeper, node: node, log: log) { reason in
                requestStop.yield(reason)
            }
            for signal in [SIGTERM, SIGINT] { try loop.onSignal(signal) { requestStop.yield(nil) } }
            return Started(transport: transport, host: host, listening: listening, advertised: advertised)
        }

        let graphs = try GraphService(database: database, vocabularyKey: network.vocabularyKey)
        let states = TrainerStates(database: database, network: network.genesis.networkID)
        let privacy = PrivacyGuard(policy, states: states)
        let trainer = TrainerService(
            host: parts.host, graphs: graphs, states: states, privacy: privacy, settings: options.training, log: log)
        let answers = AnswerLog(database: database)
        let models = ModelService(
            host: parts.host, graphs: graphs, states: states, answers: answers, trainer: trainer,
            privacy: privacy)
        let searches = SearchService(
            host: parts.host, graphs: graphs, models: models, database: database, log: answers)
        let feed = EventFeed()
        parts.host.observe { feed.applied($0) }
        parts.host.observeNotices { feed.noticed($0) }
        let peerService = PeerService(
            host: parts.host, names: Dictionary(uniqueKeysWithValues: peers.entries.map { ($0.peerID, $0.name) }),
            peersFile: PeerList.fileForFound(options.peers), log: log)
        let invitations = InvitationService(
            host: parts.host, peers: peerService, network: network,
            book: try InvitationBook(path: directory.invitationsPath), addresses: parts.advertised,
            site: key.site.description, log: log)
        let leaving = LeaveService(
            host: parts.host, directory: directory, network: network, log: log, end: { requestStop.yield(nil) })
        defer { leaving.stop() }
        let rotation = RotationService(
            host: parts.host, directory: directory, network: network, key: options.key, site: key.site.description,
            log: log)
        let koi = KoiService(
            host: parts.host, peers: peerService, database: database, site: key.site.description)
        let charges = ChargeService(
            host: parts.host, koi: koi, database: database, budget: options.inferenceBudget, log: log)
        defer { charges.stop() }
        let measurer = ClaimMeasurer(
            host: parts.host, graphs: graphs, database: database, network: network.genesis.networkID, log: log)
        defer { measurer.stop() }
        let sums = SumsService(
            host: parts.host, database: database, network: network.genesis.networkID, log: log)
        defer { sums.stop() }
        let retention = RetentionService(
            host: parts.host, sums: sums, database: database, network: network.genesis.networkID,
            days: options.retentionDays, log: log)
        defer { retention.stop() }
        let vectors = VectorService(
            host: parts.host, graphs: graphs, models: models, database: database, log: log)
        defer { vectors.stop() }
        let routes = Routes(
            site: SiteFacts(name: key.site.description, network: network.genesis.name, listen: parts.listening),
            host: parts.host, database: database, graphs: graphs, models: models, searches: searches,
            exchange: WeightsExchange(host: parts.host, graphs: graphs, models: models, states: states),
            ops: OpService(database: database, network: network.genesis.networkID),
            peers: peerService, koi: koi, charges: charges, consensus: ConsensusService(host: parts.host),
            invitations: invitations, leaving: leaving, rotation: rotation,
            patterns: PatternService(
                host: parts.host, graphs: graphs, rules: models.rules, centroids: searches.centroids, koi: koi),
            measurer: measurer, vectors: vectors, log: log,
            feed: feed)
        let claims = ClaimService(host: parts.host, rounds: options.claimRounds, log: log)
        await claims.start()
        charges.start()
        let server = try Self.server(options, runtime, directory, routes, log)
        let tcp = server.addresses.first { if case .tcp = $0 { true } else { false } }
        let http = tcp.map { "http://\($0)" }
        routes.site.http.withLock { $0 = http }
        try lock.tell(socketPath: runtime.apiSocketPath)
        loop.post { parts.host.start() }
        log.info("ready", ["peer": key.keyPair.peerID.short, "listen": parts.listening ?? "-"])
        leaving.start()
        peerService.start()
        trainer.start()
        vectors.start()
        retention.start()
        ready(
            ReadyNode(
                peer: key.keyPair.peerID, listen: parts.listening, socket: runtime.apiSocketPath, http: http))

        var reason: String?
        for await request in stopRequested {
            reason = request
            break
        }
        log.info("stopping", ["reason": reason ?? "asked to"])
        await trainer.stop(within: .seconds(5))
        database.stopWaiting()
        models.stop()
        await server.stop(within: .seconds(3))
        await withCheckedContinuation { done in
            loop.post { parts.transport.shutdown { done.resume() } }
        }
        try? lock.tell(socketPath: nil)
        runtime.remove()
        return reason
    }

    /// Asks the node to stop in order.
    public func stop() { requestStop.yield(nil) }

    private struct Started: Sendable {
        let transport: TLSTransport
        let host: NodeHost
        let listening: String?
        let advertised: [String]
    }

    private func onLoop<Value: Sendable>(_ work: @escaping @Sendable (EventLoop) throws -> Value) async throws -> Value
    {
        let loop = loop
        return try await loop.perform { Result { try work(loop) } }.get()
    }

    private static func listen(_ transport: TLSTransport, on text: String) throws -> String {
        guard let place = HostPort(parsing: text) else {
            throw SiteError(
                .malformed(line: nil), operation: "listen", object: text, cause: "it is no address",
                remedy: "write HOST:PORT, for example 0.0.0.0:7447")
        }
        return "\(try transport.listen(place))"
    }

    /// What a HELLO can carry.
    static func checked(_ addresses: [String]) throws(SiteError) -> [String] {
        let isLong = { (address: String) in address.utf8.count > SessionLimits.addressBytes }
        guard addresses.count <= SessionLimits.listenAddresses, !addresses.contains(where: isLong) else {
            throw SiteError(
                .malformed(line: nil), operation: "advertise", object: "\(addresses.count) addresses",
                cause: "peers are told at most \(SessionLimits.listenAddresses), each of at most "
                    + "\(SessionLimits.addressBytes) bytes", remedy: "give fewer or shorter --advertise")
        }
        return addresses
    }

    /// Every address of a machine is none to others.
    private static func canBeDialled(_ address: String) -> Bool {
        Endpoint(parsing: address)?.canBeDialled ?? false
    }

    private static func peers(_ paths: [String]) throws -> PeerList {
        var all = PeerList()
        for path in paths { try all.merge(try PeerList.load(path), from: path) }
        return all
    }

    private static func server(
        _ options: DaemonOptions, _ runtime: RuntimeDirectory, _ directory: DataDirectory, _ routes: Routes,
        _ log: EventLog
    ) throws -> HTTPServer {
        var listen: [ListenAddress] = [.unix(path: runtime.apiSocketPath)]
        var configuration = ServerConfiguration(listen: [])
        if let http = options.http {
            let address = try ListenAddress(hostAndPort: http)
            listen.append(address)
            if !address.isLocal {
                configuration.access = .bearer([
                    Token(name: "admin", right: .changing, secret: try directory.token()),
                    Token(name: "reader", right: .reading, secret: try directory.readToken()),
                ])
            }
        }
        configuration.listen = listen
        configuration.maxConnections = OpenFiles.connections(of: OpenFiles.raise())
        configuration.log = { log.debug($0) }
        let audit = AuditLog(path: directory.auditPath)
        let requests = routes.requests
        configuration.observe = { summary in
            requests.count(summary)
            audit.note(summary)
        }
        return try HTTPServer(configuration, handler: routes.router())
    }

    /// Runs blocking work on a thread of its own.
    private static func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        let thread = StorageThread(name: "shoal-start")
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            thread.submit { continuation.resume(returning: Result(catching: work)) }
        }
        return try result.get()
    }
}
